import { percentile } from '../statistics.ts';
import { type Load, sendLoad } from './load.ts';
import type { Answered, Service } from './service.ts';

/** What is still on the queue so long after the last answer counts as queued. */
const PATIENCE_MS = 20 * 60_000;

/** What became of all who asked. */
export interface Outcome {
  answers: readonly Answered[];
  /** Calls that reached RongCloud, and those of them that it refused for rate. */
  calls: number;
  refused: number;
  /** HTTP environments at work at once. */
  environments: number;
  /** Users who are in a group in the end, and how long after the last request the last of them was. */
  joined: number;
  lastJoinedMs: number;
  /** Users who were accepted and are nowhere: neither in the group nor on a queue. */
  lost: number;
}

/** Sends a load and waits until the queue is empty. */
export async function outcomeOf(service: Service, load: Load): Promise<Outcome> {
  const { time, rongCloud, joinQueue, http } = service;
  const answers = await sendLoad(service, load);
  const until = time.now() + PATIENCE_MS;
  while (time.now() < until && joinQueue.counts.ready + joinQueue.counts.hidden > 0) await time.sleep(250);
  const joinedAt = joinedAtOf(service);
  const lastAskedAt = latest(answers.map(({ askedAt }) => askedAt));
  return {
    answers,
    calls: rongCloud.calls.length,
    refused: rongCloud.calls.filter(({ refused }) => refused).length,
    environments: http.mostBusy(),
    joined: joinedAt.size,
    lastJoinedMs: Math.max(0, latest([...joinedAt.values()]) - lastAskedAt),
    lost: countLost(service, answers, joinedAt),
  };
}

/** How many got each of some statuses. */
export function countStatuses(answers: readonly Answered[], statuses: readonly number[]): number[] {
  return statuses.map((wanted) => answers.filter(({ status }) => status === wanted).length);
}

/** How long answers took, those of API Gateway and Lambda left out: half of them at most the first, 95 % the second. */
export function answerTimes(answers: readonly Answered[]): [p50: number, p95: number] {
  const durations = answers.filter(({ byDoor }) => byDoor).map(({ durationMs }) => durationMs);
  return [percentile(durations, 0.5), percentile(durations, 0.95)];
}

/** When each user got into a group, by `groupId/userId`. */
function joinedAtOf({ rongCloud }: Service): ReadonlyMap<string, number> {
  const joinedAt = new Map<string, number>();
  for (const { groupId, userIds, carriedOut, arrivedAt } of rongCloud.calls) {
    if (!carriedOut) continue;
    for (const userId of userIds) {
      const key = `${groupId}/${userId}`;
      joinedAt.set(key, Math.min(arrivedAt, joinedAt.get(key) ?? arrivedAt));
    }
  }
  return joinedAt;
}

function countLost(
  { joinQueue, deadLetterQueue }: Service,
  answers: readonly Answered[],
  joinedAt: ReadonlyMap<string, number>,
): number {
  const kept = new Set(joinedAt.keys());
  for (const body of [...joinQueue.bodies(), ...deadLetterQueue.bodies()]) {
    const { groupId, userIds }: { groupId: string; userIds: string[] } = JSON.parse(body);
    for (const userId of userIds) kept.add(`${groupId}/${userId}`);
  }
  const accepted = answers.filter(({ status }) => status === 200 || status === 202);
  return accepted.filter(({ groupId, userId }) => !kept.has(`${groupId}/${userId}`)).length;
}

function latest(times: readonly number[]): number {
  return times.reduce((last, at) => Math.max(last, at), 0);
}
