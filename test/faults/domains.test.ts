import { describe, expect, it } from 'vitest';
import { type FaultBed, startFaultBed } from '../helpers/fault-bed.ts';
import { answers, type Behavior, inTurn, joins, neverAnswers, response, writes } from '../helpers/faulty-server.ts';
import { reliabilityTable } from '../helpers/reliability-table.ts';

const table = reliabilityTable("RongCloud's domains");
const close = (socket: { destroy(): unknown }): void => void socket.destroy();
const brokenOff = writes(response(200, '{"code":200}', { 'Content-Length': '40' }), close);

/** The other domain joined the users in the same call, and the next calls go there at once. */
async function otherDomainTakesOver(bed: FaultBed): Promise<void> {
  expect(bed.backup.seen).toHaveLength(1);
  const seenByPrimary = bed.primary.seen.length;
  const connections = bed.primary.connections;
  for (let i = 0; i < 3; i++) expect((await bed.post()).status).toBe(200);
  expect(bed.backup.seen).toHaveLength(4);
  expect(bed.primary.seen).toHaveLength(seenByPrimary);
  expect(bed.primary.connections).toBe(connections);
}

describe('one domain at fault', () => {
  const faults: [name: string, behavior: Behavior][] = [
    ['never answers', neverAnswers],
    ['stalls after the headers', writes(response(200, '', { 'Content-Length': '12' }))],
    ['hangs up before reading the request', { onConnection: close }],
    ['hangs up in the middle of the request', { onBytes: close }],
    ['hangs up after reading the request', { onRequest: close }],
    ['answers 500', answers(500, '')],
    ['answers 500 with code 1000', answers(500, '{"code":1000}')],
    ['answers 502 with HTML', answers(502, '<html>Bad gateway</html>')],
    ['answers 504 with code 1050', answers(504, '{"code":1050}')],
    ['answers 408 with HTML, as a balancer does', answers(408, '<html>Request timeout</html>')],
    ['answers 421 with HTML', answers(421, '<html>Misdirected</html>')],
    ['answers 499 with nothing', answers(499, '')],
    ['answers 200 with an HTML page', answers(200, '<html>Welcome</html>')],
    ['answers 200 and breaks off', brokenOff],
    [
      'switches protocols (101)',
      writes('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    ],
  ];
  for (const [name, behavior] of faults) {
    table.row(`one domain ${name}`, '200', async (bed) => {
      bed.primary.behave(behavior);
      const answer = await bed.post();
      expect(bed.primary.seen.length).toBeLessThanOrEqual(1);
      await otherDomainTakesOver(bed);
      return answer;
    });
  }
  table.row('one domain refuses connections', '200', async (bed) => {
    await bed.primary.close();
    const answer = await bed.post();
    await otherDomainTakesOver(bed);
    return answer;
  });
  table.row(
    "one domain's name does not resolve",
    '200',
    async (bed) => {
      const answer = await bed.post();
      await otherDomainTakesOver(bed);
      return answer;
    },
    { primaryUrl: 'http://no-such-host.invalid' },
  );
});

describe('both domains at fault', () => {
  const faults: [name: string, behavior: Behavior, gets: string, sendings: number][] = [
    ['never answer', neverAnswers, '504 UPSTREAM_TIMEOUT, unknown', 3],
    [
      'stall after the headers',
      writes(response(200, '', { 'Content-Length': '12' })),
      '504 UPSTREAM_TIMEOUT, unknown',
      3,
    ],
    ['hang up before reading the request', { onConnection: close }, '503 UPSTREAM_UNAVAILABLE, unknown', 3],
    ['hang up in the middle of the request', { onBytes: close }, '503 UPSTREAM_UNAVAILABLE, unknown', 3],
    ['hang up after reading the request', { onRequest: close }, '503 UPSTREAM_UNAVAILABLE, unknown', 3],
    ['answer 500', answers(500, ''), '503 UPSTREAM_UNAVAILABLE, unknown', 3],
    ['answer 502 with HTML', answers(502, '<html>'), '503 UPSTREAM_UNAVAILABLE, unknown', 3],
    ['answer 504 with code 1050', answers(504, '{"code":1050}'), '503 UPSTREAM_UNAVAILABLE, unknown', 3],
    ['answer code 1000', answers(500, '{"code":1000}'), '503 UPSTREAM_UNAVAILABLE, unknown', 2],
  ];
  for (const [name, behavior, gets, sendings] of faults) {
    table.row(`both domains ${name}`, gets, async (bed) => {
      bed.primary.behave(behavior);
      bed.backup.behave(behavior);
      const answer = await bed.post();
      expect(bed.primary.connections + bed.backup.connections).toBeLessThanOrEqual(sendings);
      expect(bed.logged.at(-1)?.fields.attempts).toBe(sendings);
      return answer;
    });
  }
  table.row('both domains refuse connections', '503 UPSTREAM_UNREACHABLE, not_sent', async (bed) => {
    await Promise.all([bed.primary.close(), bed.backup.close()]);
    const answer = await bed.post();
    expect(bed.logged.at(-1)?.fields.attempts).toBe(3);
    return answer;
  });
  table.row("neither domain's name resolves", '503 UPSTREAM_UNREACHABLE, not_sent', async (bed) => bed.post(), {
    primaryUrl: 'http://no-such-host.invalid',
    backupUrl: 'http://nor-this-one.invalid',
  });
  table.row('one domain never answers, the other refuses connections', '504 UPSTREAM_TIMEOUT, unknown', async (bed) => {
    bed.primary.behave(neverAnswers);
    await bed.backup.close();
    return bed.post();
  });

  it('lets the next call but one succeed when the backup heals after the budget is empty', async () => {
    const bed = await startFaultBed();
    bed.primary.behave(answers(500, ''));
    bed.backup.behave(answers(500, ''));
    for (let i = 0; i < 20; i++) expect((await bed.post()).status).toBe(503);
    bed.backup.behave(joins);
    const first = await bed.post();
    const second = first.status === 200 ? first : await bed.post();
    expect(second.status).toBe(200);
    for (let i = 0; i < 5; i++) expect((await bed.post()).status).toBe(200);
    await bed.close();
  });

  it('spends no more than its first 2 retries on 500 failing calls', async () => {
    const bed = await startFaultBed();
    bed.primary.behave(answers(500, ''));
    bed.backup.behave(answers(500, ''));
    for (let i = 0; i < 500; i++) {
      expect((await bed.post()).status).toBe(503);
      // A wary call makes one attempt anyhow.
      bed.pass(10_000);
    }
    expect(bed.primary.seen.length + bed.backup.seen.length).toBe(502);
    await bed.close();
  });

  it('does not switch back when a failure of the primary arrives late', async () => {
    const bed = await startFaultBed({ answerTimeoutMs: 400 });
    bed.primary.behave(inTurn(neverAnswers, answers(500, ''), joins));
    const slow = bed.post();
    await expect.poll(() => bed.primary.seen.length).toBe(1);
    expect((await bed.post()).status).toBe(200);
    expect(bed.backup.seen).toHaveLength(1);
    expect((await slow).status).toBe(200);
    await bed.post();
    expect(bed.primary.seen).toHaveLength(2);
    expect(bed.backup.seen).toHaveLength(3);
    await bed.close();
  });

  it('does not leave a primary that works again for a failure that began before it was left', async () => {
    const bed = await startFaultBed({ answerTimeoutMs: 400 });
    await bed.earnRetries(1);
    bed.primary.behave(inTurn(neverAnswers, answers(500, ''), joins));
    bed.backup.behave(inTurn(answers(500, ''), joins));
    const slow = bed.post();
    await expect.poll(() => bed.primary.seen.length).toBe(10 + 1);
    // Leaves the primary, then the backup, and joins on the primary.
    expect((await bed.post()).status).toBe(200);
    expect([bed.primary.seen.length, bed.backup.seen.length]).toEqual([10 + 3, 1]);
    expect((await slow).status).toBe(200);
    await bed.post();
    expect([bed.primary.seen.length, bed.backup.seen.length]).toEqual([10 + 4, 2]);
    await bed.close();
  });
});

table.matchesTheDocument();
