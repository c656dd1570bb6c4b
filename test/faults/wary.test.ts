import { afterEach, beforeEach, describe, expect } from 'vitest';
import { createSend } from '../../lib/aws/sqs.ts';
import type { Enqueue } from '../../lib/join/join-or-queue.ts';
import { createEnqueue } from '../../lib/queue/message.ts';
import type { FaultBed } from '../helpers/fault-bed.ts';
import { answers, type Behavior, inTurn, joins, neverAnswers } from '../helpers/faulty-server.ts';
import { type LocalSqs, startLocalSqs } from '../helpers/local-sqs.ts';
import { reliabilityTable } from '../helpers/reliability-table.ts';

const both = (bed: FaultBed, behavior: Behavior): void => {
  bed.primary.behave(behavior);
  bed.backup.behave(behavior);
};
const seen = (bed: FaultBed): number => bed.primary.seen.length + bed.backup.seen.length;

describe('RongCloud down for a while', () => {
  const table = reliabilityTable('RongCloud down for a while');

  table.row(
    'the call before failed on both domains, and RongCloud still fails',
    '503 UPSTREAM_UNAVAILABLE, unknown',
    async (bed) => {
      both(bed, answers(500, ''));
      await bed.post();
      const before = seen(bed);
      const answer = await bed.post();
      expect(seen(bed) - before).toBe(1);
      return answer;
    },
  );

  table.row(
    'the call before failed on both domains, and RongCloud hangs',
    '504 UPSTREAM_TIMEOUT, unknown',
    async (bed) => {
      both(bed, neverAnswers);
      await bed.post();
      const before = seen(bed);
      const answer = await bed.post();
      expect(seen(bed) - before).toBe(1);
      return answer;
    },
  );

  table.row('the call before failed on both domains, and RongCloud is back', '200', async (bed) => {
    await bed.earnRetries(3);
    both(bed, answers(500, ''));
    await bed.post();
    both(bed, joins);
    const answer = await bed.post();
    // After one success a domain that fails is retried on the other again.
    bed.backup.behave(answers(500, ''));
    expect((await bed.post()).status).toBe(200);
    expect([bed.primary.seen.length, bed.backup.seen.length]).toEqual([30 + 2 + 1, 1 + 1 + 1]);
    return answer;
  });

  table.row('10 seconds after a call that failed on both domains, one of them fails', '200', async (bed) => {
    both(bed, answers(500, ''));
    await bed.post();
    bed.pass(10_000);
    both(bed, joins);
    await bed.earnRetries(1);
    bed.primary.behave(answers(500, ''));
    expect((await bed.post()).status).toBe(200);
    return bed.post();
  });

  table.matchesTheDocument();
});

describe('now or later', () => {
  const table = reliabilityTable('Now or later');
  let sqs: LocalSqs;
  beforeEach(async () => {
    sqs = await startLocalSqs();
  });
  afterEach(() => sqs.close());
  const enqueue: Enqueue = (...message) => createEnqueue(createSend(sqs.client, sqs.QueueUrl))(...message);
  const headers = { prefer: 'respond-async, wait=1' };
  const queued = () => sqs.queue.bodies().map((body) => JSON.parse(body).userIds);

  table.row(
    'with `wait`: RongCloud answers in time',
    '200',
    async (bed) => {
      const answer = await bed.post({ headers });
      expect(queued()).toEqual([]);
      return answer;
    },
    { enqueue },
  );

  table.row(
    'with `wait`: RongCloud hangs for longer',
    '202',
    async (bed) => {
      both(bed, neverAnswers);
      const answer = await bed.post({ headers });
      expect(queued()).toEqual([['alice']]);
      expect(JSON.parse(answer.text)).toMatchObject({ groupId: 'g', queued: ['alice'] });
      expect(seen(bed)).toBe(1);
      return answer;
    },
    { enqueue, answerTimeoutMs: 5000 },
  );

  table.row(
    'with `wait`: both domains fail',
    '202',
    async (bed) => {
      both(bed, answers(500, ''));
      return bed.post({ headers });
    },
    { enqueue },
  );

  table.row(
    'with `wait`: a rate limit',
    '202',
    async (bed) => {
      both(bed, answers(429, '{"code":1008}'));
      const answer = await bed.post({ headers });
      const before = seen(bed);
      // For 2 seconds no call is made at all.
      expect((await bed.post({ headers })).status).toBe(202);
      expect(seen(bed)).toBe(before);
      bed.pass(2000);
      both(bed, joins);
      expect((await bed.post({ headers })).status).toBe(200);
      return answer;
    },
    { enqueue },
  );

  table.row(
    'with `wait`: the group is full',
    '409 GROUP_FULL, rejected',
    async (bed) => {
      both(bed, answers(405, '{"code":405}'));
      const answer = await bed.post({ headers });
      expect(queued()).toEqual([]);
      return answer;
    },
    { enqueue },
  );

  table.row(
    'with `wait`: RongCloud hangs, and the queue is down as well',
    '504 UPSTREAM_TIMEOUT, unknown',
    async (bed) => {
      both(bed, neverAnswers);
      await sqs.aws.close();
      return bed.post({ headers });
    },
    { enqueue, answerTimeoutMs: 5000 },
  );

  table.row(
    'with `wait`: some users joined in time, and then RongCloud hangs',
    '202',
    async (bed) => {
      both(bed, inTurn(joins, neverAnswers));
      const userIds = Array.from({ length: 1500 }, (_, i) => `u${i}`);
      const authorization = `Bearer ${await bed.key.sign({ ...bed.claims(), scope: 'group:join' })}`;
      const answer = await bed.post({
        headers: { ...headers, 'content-type': 'application/json' },
        authorization,
        body: JSON.stringify({ userIds }),
      });
      const { joined, queued: later } = JSON.parse(answer.text);
      expect([joined, later]).toEqual([userIds.slice(0, 1000), userIds.slice(1000)]);
      expect(queued()).toEqual([userIds.slice(1000)]);
      return answer;
    },
    { enqueue, answerTimeoutMs: 5000 },
  );

  table.row(
    'without `wait`: the queue is down',
    '503 QUEUE_UNAVAILABLE, not_sent',
    async (bed) => {
      await sqs.aws.close();
      return bed.post({ headers: { prefer: 'respond-async' } });
    },
    { enqueue },
  );

  table.matchesTheDocument();
});
