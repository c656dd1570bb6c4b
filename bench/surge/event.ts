import type { Load } from './load.ts';
import { answerTimes, countStatuses, type Outcome, outcomeOf } from './outcome.ts';
import { ACCOUNT_CONCURRENCY, createService, LIMITERS, SHIPPED_THROTTLE } from './service.ts';
import { printTable, printTargets, seconds } from './table.ts';

// 10 000 users open an event page within a minute. Those who are turned away (429, 503) do not come back.

const USERS = 10_000;
const GROUP_CAPACITY = 3000;
const HANG = { from: 20_000, to: 40_000 };

const AS_SHIPPED = { prefer: undefined, throttle: SHIPPED_THROTTLE, httpConcurrency: ACCOUNT_CONCURRENCY };
/** The throttle is above the first second of the front-loaded minute, 690 requests. */
const FOR_AN_EVENT = {
  prefer: 'respond-async, wait=2',
  throttle: { rate: 1000, burst: 1000 },
  httpConcurrency: ACCOUNT_CONCURRENCY,
};

const COLUMNS = [
  ...['load', 'groups', 'RongCloud', 'its limit counts', '200', '202', '409', 'other', '429', '503', 'p50 s', 'p95 s'],
  ...['calls', 'refused', 'environments', 'joined', 'last joined after s', 'lost'],
];

export async function runEvent(): Promise<void> {
  await runAll(AS_SHIPPED);
  const outcomes = await runAll(FOR_AN_EVENT);
  const most = (value: (outcome: Outcome) => number) => Math.max(...outcomes.map(value));
  const leftOut = ({ joined, fit }: Outcome & { fit: number }) => fit - joined;
  printTargets([
    { name: '503s', value: most(({ answers }) => countStatuses(answers, [503])[0] ?? 0), limit: 0 },
    { name: 'users lost', value: most(({ lost }) => lost), limit: 0 },
    { name: 'users who fit and have not joined', value: Math.max(...outcomes.map(leftOut)), limit: 0 },
    { name: 'last joined after s', value: most(({ lastJoinedMs }) => lastJoinedMs) / 1000, limit: 120 },
    { name: 'p95 s', value: most(({ answers }) => answerTimes(answers)[1]) / 1000, limit: 3 },
  ]);
}

async function runAll(settings: typeof AS_SHIPPED | typeof FOR_AN_EVENT): Promise<(Outcome & { fit: number })[]> {
  const { prefer, throttle, httpConcurrency } = settings;
  const outcomes: (Outcome & { fit: number })[] = [];
  const rows: string[][] = [];
  for (const shape of ['random', 'front-loaded'] as const) {
    for (const groups of [1, 4]) {
      for (const hang of [undefined, HANG]) {
        for (const limiter of LIMITERS) {
          const load: Load = { users: USERS, overMs: 60_000, shape, groups, prefer };
          const service = createService({ limiter, hang, throttle, httpConcurrency });
          const outcome = await service.time.run(outcomeOf(service, load));
          outcomes.push({ ...outcome, fit: Math.min(USERS, groups * GROUP_CAPACITY) });
          rows.push([shape, String(groups), hang ? 'hangs' : 'healthy', limiter, ...cells(outcome)]);
        }
      }
    }
  }
  const title = `10 000 users in 60 s, ${prefer === undefined ? 'no Prefer' : `Prefer: ${prefer}`}`;
  printTable(`${title}, throttle ${throttle.rate}/s, burst ${throttle.burst}`, COLUMNS, rows);
  return outcomes;
}

function cells({ answers, calls, refused, environments, joined, lastJoinedMs, lost }: Outcome): string[] {
  const [ok = 0, queued = 0, full = 0, throttled = 0, unavailable = 0] = countStatuses(
    answers,
    [200, 202, 409, 429, 503],
  );
  const other = answers.length - ok - queued - full - throttled - unavailable;
  return [
    ...[ok, queued, full, other, throttled, unavailable].map(String),
    ...answerTimes(answers).map(seconds),
    ...[calls, refused, environments, joined].map(String),
    seconds(lastJoinedMs),
    String(lost),
  ];
}
