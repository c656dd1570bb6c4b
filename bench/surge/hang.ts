import { sendLoad } from './load.ts';
import { answerTimes, countStatuses } from './outcome.ts';
import { type Answered, createService, type Service } from './service.ts';
import { printTable, printTargets, seconds } from './table.ts';

// RongCloud hangs for a minute while 100 requests a second come in that prefer nothing. Its rate limit, the throttle
// and the account's concurrency are off, so that what the hang alone costs is seen whole.

const LOAD = { users: 12_000, overMs: 120_000, shape: 'random', groups: 1000 } as const;
const HANG = { from: 20_000, to: 80_000 };
/** An environment learns of the hang by meeting it, so the first seconds are told apart. */
const LEARNING_MS = 20_000;
/** A good answer that takes longer is none of a healthy service. */
const HEALTHY_MS = 1000;

export async function runHang(): Promise<void> {
  const service = createService({
    limiter: 'nothing',
    hang: HANG,
    throttle: { rate: Number.MAX_SAFE_INTEGER, burst: Number.MAX_SAFE_INTEGER },
    httpConcurrency: Number.POSITIVE_INFINITY,
  });
  const answers = await service.time.run(sendLoad(service, LOAD));
  const inWindow = (from: number, to: number) => windowOf(service, answers, from, to);
  const learned = inWindow(HANG.from + LEARNING_MS, HANG.to);
  printTable(
    'RongCloud hangs for 60 s, 100 requests a second, no Prefer',
    ['the hang', 'requests', '200', '503', '504', 'p50 s', 'p95 s', 'calls a request', 'environments'],
    [
      ['before', ...cells(inWindow(0, HANG.from))],
      ['its first 20 s', ...cells(inWindow(HANG.from, HANG.from + LEARNING_MS))],
      ['from second 20 on', ...cells(learned)],
      ['after', ...cells(inWindow(HANG.to, LOAD.overMs))],
    ],
  );
  const returnedAt = service.startedAt + HANG.to;
  const unhealthy = answers.filter(({ status, durationMs }) => status !== 200 || durationMs > HEALTHY_MS);
  const lastAskedAt = Math.max(returnedAt, ...unhealthy.map(({ askedAt }) => askedAt));
  printTargets([
    { name: 'environments at once', value: service.http.mostBusy(), limit: 850 },
    { name: 'environments at once from second 20 on', value: learned.environments, limit: 300 },
    { name: 'calls a request from second 20 on', value: learned.callsPerRequest, limit: 1.2 },
    { name: 's after its return until each gets a 200 within 1 s', value: (lastAskedAt - returnedAt) / 1000, limit: 5 },
  ]);
}

/** What the requests of some seconds got, and what they cost. */
function windowOf({ startedAt, rongCloud, http }: Service, all: readonly Answered[], from: number, to: number) {
  const within = (at: number) => at >= startedAt + from && at < startedAt + to;
  const answers = all.filter(({ askedAt }) => within(askedAt));
  return {
    answers,
    callsPerRequest: rongCloud.calls.filter(({ arrivedAt }) => within(arrivedAt)).length / answers.length,
    environments: http.mostBusy(startedAt + from, startedAt + to),
  };
}

function cells({ answers, callsPerRequest, environments }: ReturnType<typeof windowOf>): string[] {
  return [
    String(answers.length),
    ...countStatuses(answers, [200, 503, 504]).map(String),
    ...answerTimes(answers).map(seconds),
    callsPerRequest.toFixed(2),
    String(environments),
  ];
}
