import tls from 'node:tls';
import { gzipSync } from 'node:zlib';
import { generate } from 'selfsigned';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FaultBed, startFaultBed } from '../helpers/fault-bed.ts';
import {
  answers,
  type Behavior,
  inTurn,
  joins,
  neverAnswers,
  response,
  startFaultyServer,
  writes,
} from '../helpers/faulty-server.ts';
import { reliabilityTable } from '../helpers/reliability-table.ts';

const table = reliabilityTable('RongCloud');
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
    ['closes the connection before reading the request', { onConnection: close }],
    ['closes the connection in the middle of the request', { onBytes: close }],
    ['closes the connection after reading the request', { onRequest: close }],
    ['answers 500', answers(500, '')],
    ['answers 500 with code 1000', answers(500, '{"code":1000}')],
    ['answers 502 with HTML', answers(502, '<html>Bad gateway</html>')],
    ['answers 504 with code 1050', answers(504, '{"code":1050}')],
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
    [
      'close the connection before reading the request',
      { onConnection: close },
      '503 UPSTREAM_UNAVAILABLE, unknown',
      3,
    ],
    ['close the connection in the middle of the request', { onBytes: close }, '503 UPSTREAM_UNAVAILABLE, unknown', 3],
    ['close the connection after reading the request', { onRequest: close }, '503 UPSTREAM_UNAVAILABLE, unknown', 3],
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

  it('spends no more retries than the budget on 500 failing calls', async () => {
    const bed = await startFaultBed();
    bed.primary.behave(answers(500, ''));
    bed.backup.behave(answers(500, ''));
    for (let i = 0; i < 500; i++) expect((await bed.post()).status).toBe(503);
    expect(bed.primary.seen.length + bed.backup.seen.length).toBe(510);
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
    bed.primary.behave(inTurn(neverAnswers, answers(500, ''), joins));
    bed.backup.behave(inTurn(answers(500, ''), joins));
    const slow = bed.post();
    await expect.poll(() => bed.primary.seen.length).toBe(1);
    // Leaves the primary, then the backup, and joins on the primary.
    expect((await bed.post()).status).toBe(200);
    expect([bed.primary.seen.length, bed.backup.seen.length]).toEqual([3, 1]);
    expect((await slow).status).toBe(200);
    await bed.post();
    expect([bed.primary.seen.length, bed.backup.seen.length]).toEqual([4, 2]);
    await bed.close();
  });
});

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
    expect(bed.slept[0]).toBeLessThanOrEqual(2000);
    expect([bed.primary.seen.length, bed.backup.seen.length]).toEqual([2, 0]);
    return answer;
  });
  for (const [name, body] of [
    ['a rate limit for ever', '{"code":1008}'],
    ['a rate limit for ever, with an empty body', ''],
  ] as const) {
    table.row(name, '503 UPSTREAM_RATE_LIMITED, rejected', async (bed) => {
      bed.primary.behave(answers(429, body));
      const answer = await bed.post();
      expect(answer.headers['Retry-After']).toMatch(/^\d+$/);
      expect(bed.slept).toHaveLength(2);
      expect(new Set(bed.slept).size).toBe(2);
      expect([bed.primary.seen.length, bed.backup.seen.length]).toEqual([3, 0]);
      bed.primary.behave(joins);
      expect((await bed.post()).status).toBe(200);
      expect(bed.backup.seen).toEqual([]);
      return answer;
    });
  }
});

describe('certificates', () => {
  let good: tls.TlsOptions;
  const bad = new Map<string, tls.TlsOptions>();
  beforeAll(async () => {
    const day = 24 * 3600 * 1000;
    const name = (value: string) => [{ name: 'commonName', value }];
    const from = { notBeforeDate: new Date(Date.now() - 10 * day), algorithm: 'sha256' };
    const authority = await generate(name('Test authority'), {
      ...from,
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, critical: true },
      ],
    });
    const issue = async (host: string, options = {}) => {
      const { private: key, cert } = await generate(name(host), {
        ...from,
        ca: { key: authority.private, cert: authority.cert },
        extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
        ...options,
      });
      return { key, cert };
    };
    good = await issue('localhost');
    bad.set('is expired', await issue('localhost', { notAfterDate: new Date(Date.now() - day) }));
    bad.set('is for another name', await issue('api.example'));
    const own = await generate(name('localhost'), from);
    bad.set('is self-signed', { key: own.private, cert: own.cert });
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), authority.cert]);
  });

  for (const fault of ['is self-signed', 'is expired', 'is for another name']) {
    table.row(`one domain's certificate ${fault}`, '200', async () => {
      const primary = await startFaultyServer(joins, bad.get(fault));
      const backup = await startFaultyServer(joins, good);
      const bed = await startFaultBed({ primaryUrl: primary.url, backupUrl: backup.url });
      const answer = await bed.post();
      expect([primary.seen.length, backup.seen.length]).toEqual([0, 1]);
      await Promise.all([bed.close(), primary.close(), backup.close()]);
      return answer;
    });
    table.row(`both domains' certificate ${fault}`, '503 UPSTREAM_UNREACHABLE, not_sent', async () => {
      const server = await startFaultyServer(joins, bad.get(fault));
      const bed = await startFaultBed({ primaryUrl: server.url, backupUrl: server.url });
      const answer = await bed.post();
      expect(server.seen).toEqual([]);
      await Promise.all([bed.close(), server.close()]);
      return answer;
    });
  }
});

table.matchesTheDocument();
