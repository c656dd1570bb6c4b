import { gzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { SERVICE } from '../helpers/claims.ts';
import type { Answer, FaultBed } from '../helpers/fault-bed.ts';
import {
  answers,
  type Behavior,
  inTurn,
  joins,
  response,
  startFaultyServer,
  writes,
} from '../helpers/faulty-server.ts';
import { reliabilityTable } from '../helpers/reliability-table.ts';

const table = reliabilityTable("RongCloud's answers");
const close = (socket: { destroy(): unknown }): void => void socket.destroy();
const brokenOff = writes(response(200, '{"code":200}', { 'Content-Length': '40' }), close);

describe('an answer that is no success', () => {
  const both = (bed: FaultBed, behavior: Behavior) => {
    bed.primary.behave(behavior);
    bed.backup.behave(behavior);
  };
  const unreadable: [name: string, behavior: Behavior][] = [
    ['ends before its Content-Length', brokenOff],
    [
      'breaks off between chunks',
      writes(response(200, 'c\r\n{"code":200}\r\n', { 'Transfer-Encoding': 'chunked' }), close),
    ],
    ['is empty', answers(200, '')],
    ['is HTML', answers(200, '<html>')],
    ['is {}', answers(200, '{}')],
    ['is []', answers(200, '[]')],
    ['is null', answers(200, 'null')],
    ['has its code in quotes', answers(200, '{"code":"200"}')],
    ['is code 200 under status 500', answers(500, '{"code":200}')],
    [
      'is compressed',
      writes(
        Buffer.concat([
          Buffer.from(response(200, '', { 'Content-Encoding': 'gzip', Connection: 'close' })),
          gzipSync('{"code":200}'),
        ]),
        (socket) => socket.end(),
      ),
    ],
  ];
  for (const [name, behavior] of unreadable) {
    table.row(`every answer ${name}`, '502 UPSTREAM_UNREADABLE, unknown', async (bed) => {
      both(bed, behavior);
      return bed.post();
    });
  }

  for (const [name, chunk, headers] of [
    ['is 50 MB long', Buffer.alloc(65_536, 'x'), {}],
    ['is a gzip bomb', gzipSync(Buffer.alloc(50_000_000)), { 'Content-Encoding': 'gzip' }],
  ] as const) {
    table.row(`every answer ${name}`, '502 UPSTREAM_UNREADABLE, unknown', async (bed) => {
      let written = 0;
      both(bed, {
        onRequest(socket) {
          socket.write(response(200, '', { ...headers, 'Content-Length': String(50_000_000) }));
          const more = (): void => {
            while (!socket.destroyed && written < 50_000_000) {
              written += chunk.length;
              if (!socket.write(chunk)) return;
            }
          };
          socket.on('drain', more);
          more();
        },
      });
      const answer = await bed.post();
      // Three attempts, and what the sockets' buffers hold.
      expect(written).toBeLessThan(30_000_000);
      return answer;
    });
  }

  for (const [code, gets] of [
    [1002, '422 UPSTREAM_REJECTED, rejected'],
    [1005, '422 UPSTREAM_REJECTED, rejected'],
    [405, '409 GROUP_FULL, rejected'],
    [1006, '502 UPSTREAM_MISCONFIGURED, rejected'],
    [4242, '422 UPSTREAM_REJECTED, rejected'],
  ] as const) {
    table.row(`a 200 says code ${code}`, gets, async (bed) => {
      bed.primary.behave(answers(200, JSON.stringify({ code })));
      const answer = await bed.post();
      expect([bed.primary.seen.length, bed.backup.seen.length]).toEqual([1, 0]);
      return answer;
    });
  }

  const says = (code: number) => answers(200, JSON.stringify({ code }));
  /** Adds four users, of whom `b` is refused, and gives the answer and what became of each. */
  async function joinFour(bed: FaultBed): Promise<[Answer, Record<string, string>]> {
    const authorization = `Bearer ${await bed.key.sign({ ...bed.claims(), ...SERVICE })}`;
    const headers = { 'content-type': 'application/json' };
    const answer = await bed.post({ headers, authorization, body: '{"userIds":["a","b","c","d"]}' });
    const { joined = [], failed = [] } = JSON.parse(answer.text);
    const fates = [{ userIds: joined, code: 'joined', outcome: '' }, ...failed].flatMap(({ userIds, code, outcome }) =>
      userIds.map((userId: string) => [userId, `${code} ${outcome}`.trim()]),
    );
    return [answer, Object.fromEntries(fates)];
  }
  table.row('a 200 says code 1002 for one of four users', '207', async (bed) => {
    both(bed, {
      onRequest: (socket, request) =>
        (/userId=b\b/.test(request.body) ? says(1002) : joins).onRequest?.(socket, request),
    });
    const [answer, fates] = await joinFour(bed);
    expect(fates).toEqual({ a: 'joined', b: 'UPSTREAM_REJECTED rejected', c: 'joined', d: 'joined' });
    return answer;
  });
  table.row(
    'one of four users is refused, and then RongCloud answers with 500',
    '503 UNDECIDED, unknown',
    async (bed) => {
      both(bed, inTurn(says(1002), answers(500, '')));
      const [answer, fates] = await joinFour(bed);
      const [asked, others] = ['UNDECIDED unknown', 'UNDECIDED rejected'];
      expect(fates).toEqual({ a: asked, b: asked, c: others, d: others });
      expect(bed.primary.seen.length + bed.backup.seen.length).toBe(2);
      return answer;
    },
  );
  table.row(
    'one of four users is refused, and then RongCloud refuses for rate',
    '503 UNDECIDED, rejected',
    async (bed) => {
      both(bed, inTurn(says(1002), says(1008)));
      const [answer] = await joinFour(bed);
      expect(bed.primary.seen.length + bed.backup.seen.length).toBe(2);
      return answer;
    },
  );

  for (const status of [301, 302, 307, 308]) {
    table.row(`both domains redirect with ${status}`, '502 UPSTREAM_UNREADABLE, unknown', async (bed) => {
      const third = await startFaultyServer(joins);
      both(bed, answers(status, '', { Location: `${third.url}/group/join.json` }));
      const answer = await bed.post();
      expect(third.connections).toBe(0);
      await third.close();
      return answer;
    });
  }
});

describe('rate limits', () => {
  table.row('a rate limit (429, code 1008) once', '200', async (bed) => {
    bed.primary.behave(inTurn(answers(429, '{"code":1008}'), joins));
    const answer = await bed.post();
    expect(bed.slept).toHaveLength(1);
    expect(bed.slept[0]).toBeGreaterThanOrEqual(1000);
    expect(bed.slept[0]).toBeLessThanOrEqual(4000);
    expect([bed.primary.seen.length, bed.backup.seen.length]).toEqual([2, 0]);
    return answer;
  });
  for (const [name, body] of [
    ['a rate limit for ever', '{"code":1008}'],
    ['429 with an empty body for ever', ''],
  ] as const) {
    table.row(name, '503 UPSTREAM_RATE_LIMITED, rejected', async (bed) => {
      await bed.earnRetries(2);
      bed.primary.behave(answers(429, body));
      const answer = await bed.post();
      expect(answer.headers['Retry-After']).toMatch(/^[234]$/);
      // Two waits, if both are short enough to end within the 8 seconds of this door.
      expect([1, 2]).toContain(bed.slept.length);
      expect([bed.primary.seen.length, bed.backup.seen.length]).toEqual([20 + 1 + bed.slept.length, 0]);
      bed.primary.behave(joins);
      expect((await bed.post()).status).toBe(200);
      expect(bed.backup.seen).toEqual([]);
      return answer;
    });
  }
});

table.matchesTheDocument();
