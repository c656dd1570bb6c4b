import { type Shape, sendLoad } from './load.ts';
import { answerTimes, countStatuses } from './outcome.ts';
import { ACCOUNT_CONCURRENCY, createService, LIMITERS, type Limiter, SHIPPED_THROTTLE } from './service.ts';
import { printTable, printTargets, seconds } from './table.ts';

// 80 joins a second over HTTP for two minutes, beside a queue that is full all the time of joins that can't be gathered
// (each is for another group) and beside an empty one, to tell the queue's part from that of chance.

const LOAD = { users: 9600, overMs: 120_000, groups: 1000 };
const FULL = 12_000;

interface Row {
  shape: Shape;
  queued: number;
  limiter: Limiter;
}

export async function runBeside(): Promise<void> {
  const rows: Row[] = [];
  for (const queued of [0, FULL]) {
    for (const shape of ['steady', 'random'] as const) {
      for (const limiter of LIMITERS) rows.push({ shape, queued, limiter });
    }
  }
  const measured = [];
  for (const row of rows) measured.push({ ...row, ...(await measure(row)) });
  printTable(
    '80 joins a second over HTTP, two minutes',
    [
      'load',
      'queue',
      'its limit counts',
      '200',
      '503',
      '504',
      'fail %',
      'p50 s',
      'p95 s',
      'HTTP calls/s',
      'queue calls/s',
      'refused %',
    ],
    measured.map(({ shape, queued, limiter, answers, failed, calls, refused }) => [
      ...[shape, queued === 0 ? 'empty' : 'full', limiter],
      ...countStatuses(answers, [200, 503, 504]).map(String),
      failed.toFixed(1),
      ...answerTimes(answers).map(seconds),
      ...[calls.http, calls.queue, refused].map((value) => value.toFixed(1)),
    ]),
  );
  const full = measured.filter(({ queued }) => queued > 0);
  const mostFailed = (wanted: Shape) =>
    Math.max(...full.filter(({ shape }) => shape === wanted).map(({ failed }) => failed));
  printTargets([
    { name: 'fail % beside a full queue, steady load', value: mostFailed('steady'), limit: 2 },
    {
      name: 'queue calls/s, steady load',
      value: Math.min(...full.filter(({ shape }) => shape === 'steady').map(({ calls }) => calls.queue)),
      limit: 10,
      atLeast: true,
    },
  ]);
}

async function measure({ shape, queued, limiter }: Row) {
  const service = createService({ limiter, throttle: SHIPPED_THROTTLE, httpConcurrency: ACCOUNT_CONCURRENCY });
  for (let i = 0; i < queued; i++) {
    service.joinQueue.send(JSON.stringify({ groupId: `queued-${i}`, userIds: ['someone'] }));
  }
  const answers = await service.time.run(sendLoad(service, { ...LOAD, shape }));
  const [joined = 0] = countStatuses(answers, [200]);
  const calls = service.rongCloud.calls.filter(({ arrivedAt }) => arrivedAt < service.startedAt + LOAD.overMs);
  const perSecond = (wanted: string) => (1000 * calls.filter(({ door }) => door === wanted).length) / LOAD.overMs;
  return {
    answers,
    failed: (100 * (answers.length - joined)) / answers.length,
    calls: { http: perSecond('http'), queue: perSecond('queue') },
    refused: (100 * calls.filter(({ refused }) => refused).length) / calls.length,
  };
}
