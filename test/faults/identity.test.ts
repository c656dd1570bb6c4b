import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FaultBed, startFaultBed } from '../helpers/fault-bed.ts';
import {
  answers,
  type Behavior,
  type FaultyServer,
  neverAnswers,
  startFaultyServer,
  writes,
} from '../helpers/faulty-server.ts';
import { reliabilityTable } from '../helpers/reliability-table.ts';
import { goodClaims, keySet, testKey } from '../helpers/tokens.ts';

const table = reliabilityTable('Identity');
const UNAVAILABLE = '503 IDENTITY_UNAVAILABLE, not_sent';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

table.row('the issuer has two keys with one id', '200', async (bed) => {
  bed.issuer.behave(answers(200, keySet(await testKey('k1'), bed.key)));
  return bed.post();
});

describe('the issuer at fault', () => {
  const faults: [name: string, behavior: (bed: FaultBed) => Behavior | Promise<Behavior>][] = [
    ['closes connections', () => ({ onConnection: (socket) => void socket.destroy() })],
    ['never answers', () => neverAnswers],
    ['answers 500', () => answers(500, '')],
    ['answers HTML', () => answers(200, '<html>')],
    ['answers 10 MB', () => answers(200, `{"keys":[],"x":"${'x'.repeat(10_000_000)}"}`)],
    [
      'switches protocols',
      () => writes('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    ],
    ['redirects', () => answers(302, '', { Location: 'http://127.0.0.1:9/' })],
  ];
  for (const [name, behavior] of faults) {
    table.row(`no keys held, the issuer ${name}`, UNAVAILABLE, async (bed) => {
      const healthy = keySet(bed.key);
      bed.issuer.behave(await behavior(bed));
      const answer = await bed.post();
      expect(bed.primary.connections).toBe(0);
      expect(answer.headers['Retry-After']).toMatch(/^\d+$/);
      bed.issuer.behave(answers(200, healthy));
      bed.pass(2000);
      expect((await bed.post()).status).toBe(200);
      return answer;
    });
    table.row(`keys held, the issuer ${name}`, '200', async (bed) => {
      await bed.post();
      bed.issuer.behave(await behavior(bed));
      bed.pass(11 * MINUTE);
      expect((await bed.post()).status).toBe(200);
      bed.pass(23 * HOUR);
      const answer = await bed.post();
      bed.pass(HOUR);
      expect((await bed.post()).code).toBe('IDENTITY_UNAVAILABLE');
      return answer;
    });
  }

  it('asks at most once a second for junk key ids while it holds no keys, and recovers within 2 seconds', async () => {
    const bed = await startFaultBed();
    bed.issuer.behave(answers(503, ''));
    const junk = (i: number) => `Bearer ${encoded({ alg: 'RS256', kid: `junk-${i}` })}.${encoded(goodClaims(1))}.AAAA`;
    for (let i = 0; i < 200; i++) {
      expect((await bed.post({ authorization: junk(i) })).code).toBe('IDENTITY_UNAVAILABLE');
      bed.pass(25);
    }
    // 200 requests 25 ms apart, and the little time that they took themselves.
    expect(bed.issuer.seen.length).toBeGreaterThanOrEqual(5);
    expect(bed.issuer.seen.length).toBeLessThanOrEqual(7);
    bed.issuer.behave(answers(200, keySet(bed.key)));
    bed.pass(2000);
    expect((await bed.post()).status).toBe(200);
    await bed.close();
  });

  it('takes a rotated key within 5 seconds beside 1000 tokens with junk key ids, and asks once in 5', async () => {
    const bed = await startFaultBed();
    await bed.post();
    const next = await testKey('k2');
    bed.issuer.behave(answers(200, keySet(bed.key, next)));
    const fetchesBefore = bed.issuer.seen.length;
    const startedAt = bed.now();
    const newToken = async () => `Bearer ${await next.sign(goodClaims(Math.floor(bed.now() / 1000)))}`;
    let worksAfterMs: number | undefined;
    for (let i = 0; i < 1000; i++) {
      const junk = `Bearer ${encoded({ alg: 'RS256', kid: `junk-${i}` })}.${encoded(goodClaims(1))}.AAAA`;
      expect((await bed.post({ authorization: junk })).status).toBe(401);
      bed.pass(10);
      if (worksAfterMs === undefined && (await bed.post({ authorization: await newToken() })).status === 200) {
        worksAfterMs = bed.now() - startedAt;
      }
    }
    expect(worksAfterMs).toBeLessThanOrEqual(5100);
    expect((await bed.post()).status).toBe(200);
    const seconds = (bed.now() - startedAt) / 1000;
    expect(bed.issuer.seen.length - fetchesBefore).toBeLessThanOrEqual(Math.ceil(seconds / 5));
    await bed.close();
  });

  it('refuses a removed key within 10 minutes', async () => {
    const bed = await startFaultBed();
    const next = await testKey('k2');
    bed.issuer.behave(answers(200, keySet(bed.key, next)));
    expect((await bed.post()).status).toBe(200);
    bed.issuer.behave(answers(200, keySet(next)));
    bed.pass(10 * MINUTE);
    expect((await bed.post()).status).toBe(401);
    const authorization = `Bearer ${await next.sign(goodClaims(Math.floor(bed.now() / 1000)))}`;
    expect((await bed.post({ authorization })).status).toBe(200);
    await bed.close();
  });
});

it('refuses every token within 10 minutes of an issuer emptying its key set', async () => {
  const bed = await startFaultBed();
  expect((await bed.post()).status).toBe(200);
  const authorization = `Bearer ${await bed.token()}`;
  expect((await bed.post({ authorization })).status).toBe(200);
  bed.issuer.behave(answers(200, '{"keys":[]}'));
  bed.pass(10 * MINUTE);
  expect((await bed.post({ authorization })).code).toBe('UNAUTHENTICATED');
  expect((await bed.post()).code).toBe('UNAUTHENTICATED');
  await bed.close();
});

describe('tokens that are not good', () => {
  let bed: FaultBed;
  let elsewhere: FaultyServer;
  // A key of the issuer whose tokens can be made byte by byte.
  const raw = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...raw.publicKey.export({ format: 'jwk' }), kid: 'raw', use: 'sig' };
  beforeEach(async () => {
    bed = await startFaultBed();
    elsewhere = await startFaultyServer(answers(200, JSON.stringify({ keys: [jwk] })));
    bed.issuer.behave(answers(200, JSON.stringify({ keys: [jwk] })));
  });
  afterEach(async () => {
    await bed.close();
    await elsewhere.close();
  });

  interface Made {
    header?: object;
    claims?: object;
    payload?: Buffer;
  }

  function token({ header = {}, claims = {}, payload }: Made = {}): string {
    const body = payload ?? Buffer.from(JSON.stringify({ ...goodClaims(Math.floor(bed.now() / 1000)), ...claims }));
    const input = `${encoded({ alg: 'RS256', kid: 'raw', ...header })}.${body.toString('base64url')}`;
    return `${input}.${sign('sha256', Buffer.from(input), raw.privateKey).toString('base64url')}`;
  }
  const second = () => Math.floor(bed.now() / 1000);
  const text = (change: (json: string) => string) => Buffer.from(change(JSON.stringify(goodClaims(second()))));

  const cases: [name: string, make: () => Made][] = [
    ['alg none', () => ({ header: { alg: 'none' } })],
    ['alg PS256', () => ({ header: { alg: 'PS256' } })],
    ['another iss', () => ({ claims: { iss: 'https://evil.example' } })],
    ['another aud', () => ({ claims: { aud: 'other' } })],
    ['an aud that begins alike', () => ({ claims: { aud: 'api-2' } })],
    ['an exp in the past', () => ({ claims: { iat: second() - 4000, exp: second() - 61 } })],
    ['an nbf in the future', () => ({ claims: { nbf: second() + 90 } })],
    ['no exp', () => ({ claims: { exp: undefined } })],
    ['no iat', () => ({ claims: { iat: undefined } })],
    ['no sub', () => ({ claims: { sub: undefined } })],
    ['an empty sub', () => ({ claims: { sub: '' } })],
    ['a sub of 65 characters', () => ({ claims: { sub: 'x'.repeat(65) } })],
    ['a number for a sub', () => ({ claims: { sub: 7 } })],
    ['an endless exp', () => ({ payload: text((json) => json.replace(/"exp":\d+/, '"exp":1e400')) })],
    ['a lifetime of 10 years', () => ({ claims: { exp: second() + 315_360_000 } })],
    ['a crit', () => ({ header: { crit: ['b64'], b64: true } })],
    ['a foreign typ', () => ({ header: { typ: 'logout+jwt' } })],
    ['a path for a kid', () => ({ header: { kid: '../../raw' } })],
    ['SQL for a kid', () => ({ header: { kid: "raw' OR 1=1 --" } })],
    ['__proto__ for a kid', () => ({ header: { kid: '__proto__' } })],
    ['a list for a kid', () => ({ header: { kid: ['raw'] } })],
    ['over 9 kB', () => ({ claims: { filler: 'x'.repeat(9000) } })],
    [
      'invalid UTF-8',
      () => ({
        payload: Buffer.from(text((json) => json.replace('alice', 'al\u00ffce')).toString('latin1'), 'latin1').map(
          (byte, i, all) => (byte === 0xc3 && all[i + 1] === 0xbf ? 0xff : byte),
        ) as Buffer,
      }),
    ],
  ];

  it.each(cases)('answers %s with 401 and calls nobody, while the good twin joins', async (_name, make) => {
    const refused = await bed.post({ authorization: `Bearer ${token(make())}` });
    expect([refused.status, refused.code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(bed.primary.connections).toBe(0);
    expect((await bed.post({ authorization: `Bearer ${token()}` })).status).toBe(200);
  });

  it.each(['jku', 'x5u', 'jwk', 'x5c'])("reads nothing from an attacker's %s", async (name) => {
    const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const theirs = { ...attacker.publicKey.export({ format: 'jwk' }), kid: 'raw', use: 'sig' };
    elsewhere.behave(answers(200, JSON.stringify({ keys: [theirs] })));
    const value = name === 'jwk' ? theirs : name === 'x5c' ? ['AAAA'] : elsewhere.url;
    const input = `${encoded({ alg: 'RS256', kid: 'raw', [name]: value })}.${encoded(goodClaims(second()))}`;
    const forged = `${input}.${sign('sha256', Buffer.from(input), attacker.privateKey).toString('base64url')}`;
    expect((await bed.post({ authorization: `Bearer ${forged}` })).status).toBe(401);
    expect(elsewhere.connections).toBe(0);
    expect((await bed.post({ authorization: `Bearer ${token({ header: { [name]: value } })}` })).status).toBe(200);
    expect(elsewhere.connections).toBe(0);
  });

  it('refuses HS256 with the public key for a secret', async () => {
    const input = `${encoded({ alg: 'HS256', kid: 'raw' })}.${encoded(goodClaims(second()))}`;
    for (const secret of [JSON.stringify(jwk), raw.publicKey.export({ type: 'spki', format: 'pem' }).toString()]) {
      const mac = createHmac('sha256', secret).update(input).digest('base64url');
      expect((await bed.post({ authorization: `Bearer ${input}.${mac}` })).status).toBe(401);
    }
    expect(bed.primary.connections).toBe(0);
  });

  it('refuses two Authorization headers, as API Gateway joins them, and a token in the query', async () => {
    const good = token();
    expect((await bed.post({ authorization: `Bearer ${good},Bearer ${good}` })).status).toBe(401);
    expect((await bed.post({ authorization: undefined, query: `access_token=${good}` })).status).toBe(401);
    expect(bed.primary.connections).toBe(0);
    expect((await bed.post({ authorization: `Bearer ${good}` })).status).toBe(200);
  });

  it('gives one and the same body whatever the reason', async () => {
    const bodies = new Set<string>();
    for (const [, make] of cases) bodies.add((await bed.post({ authorization: `Bearer ${token(make())}` })).text);
    bodies.add((await bed.post({ authorization: undefined })).text);
    bodies.add((await bed.post({ authorization: 'Basic YTpi' })).text);
    expect(bodies.size).toBe(1);
  });
});

table.matchesTheDocument();
