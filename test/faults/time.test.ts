import { describe, expect, it } from 'vitest';
import { Clock } from '../../lib/clock.ts';
import type { JoinUsers } from '../../lib/join/join-users.ts';
import { createHttpHandler, createInvokeHandler } from '../helpers/described-doors.ts';
import { neverAnswers } from '../helpers/faulty-server.ts';
import { httpEvent } from '../helpers/http-event.ts';
import { reliabilityTable } from '../helpers/reliability-table.ts';

const table = reliabilityTable('Time');

describe('deadlines', () => {
  table.row('900 ms are left', '504 DEADLINE_EXCEEDED, not_sent', async (bed) => {
    const answer = await bed.post({ remainingMs: 900 });
    expect(bed.primary.connections + bed.backup.connections).toBe(0);
    expect((await bed.post({ remainingMs: 1600 })).status).toBe(200);
    return answer;
  });

  table.row(
    'the secret takes longer than the invocation has',
    '504 DEADLINE_EXCEEDED, not_sent',
    async (bed) => {
      const startedAt = bed.now();
      const answer = await bed.post({ remainingMs: 1700 });
      expect(bed.now() - startedAt).toBeLessThan(1700);
      expect(bed.primary.connections + bed.backup.connections).toBe(0);
      return answer;
    },
    { readSecret: () => new Promise(() => {}) },
  );

  table.row(
    'one domain never answers and too little is left for the other',
    '504 UPSTREAM_TIMEOUT, unknown',
    async (bed) => {
      bed.primary.behave(neverAnswers);
      const startedAt = bed.now();
      const answer = await bed.post({ remainingMs: 1700 });
      // The attempt had all that was left but for the half second kept for the answer.
      expect(bed.now() - startedAt).toBeLessThan(1700);
      expect([bed.primary.seen.length, bed.backup.connections]).toEqual([1, 0]);
      return answer;
    },
    { answerTimeoutMs: 5000 },
  );
});

describe('what nobody foresaw', () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const thrown: [name: string, value: unknown][] = [
    ['a text', 'planted'],
    ['nothing', undefined],
    ['a circular object', circular],
    ['an error with a circular cause', Object.assign(new Error('planted'), { cause: circular })],
  ];
  const invocation = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 15_000 };
  const authenticate = async () => ({ kind: 'user' as const, userId: 'alice', groupPatterns: ['*'], claims: {} });

  for (const [name, value] of thrown) {
    it(`answers INTERNAL once, logs it once and serves the next call when ${name} is thrown`, async () => {
      const logged: unknown[] = [];
      let failing = true;
      const joinUsers: JoinUsers = async ({ groupId, userIds }) => {
        if (failing) throw await Promise.reject(value).catch((late: unknown) => late);
        return { groupId, joined: userIds, failed: [] };
      };
      const deps = {
        joinUsers,
        authenticate,
        decide: () => ({ allowed: true as const }),
        sleep: async () => undefined,
        isRateLimited: () => false,
        clock: new Clock(),
        random: Math.random,
        telemetry: {
          sending: () => {},
          request: (_fields: unknown, error: unknown) => logged.push(error),
        },
      };
      const http = createHttpHandler(deps);
      const { statusCode, body = '' } = await http(httpEvent(), invocation);
      expect([statusCode, JSON.parse(body).code]).toEqual([500, 'INTERNAL']);
      expect(body).not.toContain('planted');
      const invoke = createInvokeHandler(deps);
      const rejection = invoke({ groupId: 'g', userIds: ['a'] }, invocation);
      await expect(rejection).rejects.toMatchObject({
        name: 'INTERNAL',
        message: expect.not.stringContaining('planted'),
      });
      expect(logged).toMatchObject([{ code: 'INTERNAL' }, { code: 'INTERNAL' }]);
      failing = false;
      expect((await http(httpEvent(), invocation)).statusCode).toBe(200);
    });
  }
});

table.matchesTheDocument();
