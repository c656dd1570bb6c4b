import { describe, expect, it } from 'vitest';
import { type FaultBed, startFaultBed } from '../helpers/fault-bed.ts';
import { answers, type Behavior, inTurn, joins, neverAnswers } from '../helpers/faulty-server.ts';
import { reliabilityTable } from '../helpers/reliability-table.ts';

const table = reliabilityTable('Connections');
const close: Behavior = { onRequest: (socket) => void socket.destroy() };

async function posts(bed: FaultBed, count: number): Promise<void> {
  for (let i = 0; i < count; i++) expect((await bed.post()).status).toBe(200);
}
const requestsByConnection = ({ primary }: FaultBed) =>
  primary.seen.reduce<number[]>((counts, { connection }) => {
    counts[connection - 1] = (counts[connection - 1] ?? 0) + 1;
    return counts;
  }, []);

describe('kept-alive connections', () => {
  table.row('a connection that the server closed while it was idle', '200', async (bed) => {
    bed.primary.behave(inTurn(joins, close, joins));
    await posts(bed, 1);
    const answer = await bed.post();
    expect(bed.backup.seen).toEqual([]);
    // The dead one and a new one, each with a nonce of its own.
    expect(requestsByConnection(bed)).toEqual([2, 1]);
    expect(new Set(bed.primary.seen.map(({ headers }) => headers.nonce)).size).toBe(3);
    expect(bed.logged.at(-1)?.fields.attempts).toBe(2);
    return answer;
  });

  table.row(
    'the environment was frozen for 60 s and the server closed its connection meanwhile',
    '200',
    async (bed) => {
      await posts(bed, 1);
      bed.pass(60_000);
      bed.primary.drop();
      const answer = await bed.post();
      expect(requestsByConnection(bed)).toEqual([1, 1]);
      expect(bed.backup.seen).toEqual([]);
      return answer;
    },
  );

  table.row('a dead connection, and its replacement dies as well', '200', async (bed) => {
    bed.primary.behave(inTurn(joins, close));
    await posts(bed, 1);
    const answer = await bed.post();
    expect(bed.primary.seen).toHaveLength(3);
    expect(bed.backup.seen).toHaveLength(1);
    return answer;
  });

  table.row(
    'a connection carries a join out and dies, and its replacement is refused: the group is full',
    '409 GROUP_FULL, unknown',
    async (bed) => {
      bed.primary.behave(inTurn(joins, close, answers(405, '{"code":405}')));
      await posts(bed, 1);
      return bed.post();
    },
  );

  table.row(
    'a connection dies, and its replacement is refused for rate for ever',
    '503 UPSTREAM_RATE_LIMITED, unknown',
    async (bed) => {
      bed.primary.behave(inTurn(joins, close, answers(429, '{"code":1008}')));
      await posts(bed, 1);
      return bed.post();
    },
  );

  it('does not replace a new connection that breaks, nor a reused one that is slow', async () => {
    const bed = await startFaultBed();
    bed.primary.behave(close);
    await posts(bed, 1);
    expect([bed.primary.seen.length, bed.backup.seen.length]).toEqual([1, 1]);
    bed.primary.behave(joins);
    bed.backup.behave(neverAnswers);
    await posts(bed, 1);
    expect([bed.primary.seen.length, bed.backup.seen.length, bed.backup.connections]).toEqual([2, 2, 1]);
    await bed.close();
  });

  it('says unknown when the replacement of a dead connection is refused', async () => {
    const bed = await startFaultBed();
    await posts(bed, 1);
    await bed.backup.close();
    bed.primary.behave({
      onRequest(socket) {
        // Gone for good by the time the client tries again.
        void bed.primary.close();
        socket.destroy();
      },
    });
    expect(await bed.post()).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', outcome: 'unknown' });
  });

  it('carries no more than 79 requests on a connection, of 200 in a row', async () => {
    const bed = await startFaultBed();
    await posts(bed, 200);
    expect(requestsByConnection(bed)).toEqual([79, 79, 42]);
    await bed.close();
  });

  it.each([
    [49_000, 1],
    [51_000, 2],
  ])('after %i ms idle by the wall clock has opened %i connections', async (idleMs, connections) => {
    const bed = await startFaultBed();
    await posts(bed, 2);
    bed.pass(idleMs);
    await posts(bed, 2);
    expect(bed.primary.connections).toBe(connections);
    await bed.close();
  });

  it('keeps none that the server wants closed, and several where calls overlap', async () => {
    const bed = await startFaultBed();
    bed.primary.behave(answers(200, '{"code":200}', { Connection: 'close' }));
    await posts(bed, 3);
    expect(bed.primary.connections).toBe(3);
    // Both requests are there before either is answered.
    const waiting: (() => void)[] = [];
    bed.primary.behave({
      onRequest(socket, request) {
        waiting.push(() => joins.onRequest?.(socket, request));
        if (waiting.length === 2) for (const answer of waiting) answer();
      },
    });
    await Promise.all([bed.post(), bed.post()]);
    bed.primary.behave(joins);
    bed.pass(51_000);
    await posts(bed, 2);
    expect(bed.primary.connections).toBe(6);
    await bed.close();
  });
});

table.matchesTheDocument();
