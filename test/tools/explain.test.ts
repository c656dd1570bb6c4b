import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { JWTPayload } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../lib/identity/authenticate.ts';
import { createIssuerKeys } from '../../lib/identity/issuer-keys.ts';
import type { TokenRules } from '../../lib/identity/token-rules.ts';
import { type ExplainOptions, explain } from '../../tools/explain/explain.ts';
import { MEMBER, memberGroup } from '../helpers/claims.ts';
import { clockOf } from '../helpers/clock-of.ts';
import { withCopy } from '../helpers/packaged-template.ts';
import { goodClaims, keySet, RULES, type TestKey, testKey } from '../helpers/tokens.ts';

const NOW = 1_800_000_000;
const clock = clockOf(() => NOW * 1000);
let key: TestKey;
let stranger: TestKey;
beforeAll(async () => {
  key = await testKey('k1');
  stranger = await testKey('k1');
});

const sign = (claims: object = {}, header: object = {}, by = key) =>
  by.sign(JSON.parse(JSON.stringify({ ...goodClaims(NOW), ...claims })), header);

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function explained(token: string, { rules, ...options }: Partial<ExplainOptions> = {}) {
  const { lines, isGood } = await explain(token, {
    rules: { ...RULES, ...rules },
    fetchKeySet: async () => keySet(key),
    clock,
    sleep: () => new Promise(() => {}),
    decide: () => ({ allowed: true }),
    ...options,
  });
  return { said: lines.join('\n'), isGood };
}
const withRules = (rules: Partial<TokenRules>) => ({ rules: { ...RULES, ...rules } });

describe('a good token', () => {
  it('is shown rule by rule, with who it is', async () => {
    const { said, isGood } = await explained(await sign({ groups: ['team-*'] }));
    expect(isGood).toBe(true);
    expect(said).toContain("Judged at 2027-01-15T08:00:00.000Z, by this machine's clock.");
    expect(said).toContain('ok iss: https://issuer.example (jwtIssuer)');
    expect(said).toContain('ok aud: ["api"] (jwtAudience)');
    expect(said).toContain('The user alice (jwtUserClaim is sub).');
    expect(said).toContain('Granted: team-* (jwtGroupsClaim is groups; openGroups is not set).');
    expect(said).toContain('none of scope,scp (jwtServiceClaims) holds group:join (jwtServiceScope)');
  });

  it("is a service's, or says why it is none", async () => {
    const token = await sign({ scope: 'group:join', azp: 'backend', sub: undefined });
    expect(await explained(token)).toMatchObject({ isGood: true });
    expect((await explained(token)).said).toContain('A service, client backend: it may add anyone.');
    const { said, isGood } = await explained(token, withRules({ serviceClients: ['other'] }));
    expect(isGood).toBe(false);
    expect(said).toContain(
      "It is no service: its client backend is not in jwtServiceClients. For a user's token, sub is missing: let the",
    );
  });

  it('says if its claim of groups is missing, or holds none', async () => {
    const { said: starred } = await explained(await sign({ groups: ['*'] }), withRules({ openGroups: ['lobby'] }));
    expect(starred).toContain(
      'Granted: lobby (jwtGroupsClaim is groups, which holds none: a single * is none; openGroups',
    );
    const { said } = await explained(await sign());
    expect(said).toContain(
      'Granted: no group (jwtGroupsClaim is groups, which the token lacks; openGroups is not set).',
    );
  });

  it('may come with its scheme and blanks around it', async () => {
    expect(await explained(` Bearer ${await sign()}\n`)).toMatchObject({ isGood: true });
  });
});

describe('the rule', () => {
  it('is asked for a group, for whom the caller would add', async () => {
    const decide: ExplainOptions['decide'] = (_caller, { groupId, userIds }) =>
      groupId === 'g' ? { allowed: true } : { allowed: false, reason: `Not ${userIds}.` };
    const token = await sign();
    expect(await explained(token, { decide, groupId: 'g' })).toMatchObject({ isGood: true });
    const { said, isGood } = await explained(token, { decide, groupId: 'h' });
    expect([said.endsWith('403 FORBIDDEN: Not alice.'), isGood]).toEqual([true, false]);
    expect((await explained(token, { decide, groupId: 'h', userId: 'bob' })).said).toContain('Not bob.');
  });

  it('that is broken says where', async () => {
    const decide = () => {
      throw new Error('planted');
    };
    const { said, isGood } = await explained(await sign(), { decide, groupId: 'g' });
    expect(isGood).toBe(false);
    expect(said).toMatch(/503 POLICY_UNAVAILABLE: Error: planted\n +at .*explain\.test\.ts:\d+/);
  });
});

describe('a token that is refused', () => {
  it.each<[what: string, claims: object, header: object, hint: string]>([
    [
      'by a slash',
      { iss: 'https://issuer.example/' },
      {},
      'It differs by a slash at the end. Set jwtIssuer to https://issuer.example/',
    ],
    ['as v1.0', { iss: 'https://sts.windows.net/t/', ver: '1.0' }, {}, 'This is a v1.0 token of Entra ID.'],
    [
      'as of another issuer',
      { iss: 'https://b.example' },
      {},
      'The token is from https://b.example and not from https://issuer.example (jwtIssuer). Get one from the issuer that is set, or',
    ],
    [
      'as for another',
      { aud: 'other' },
      {},
      'It is for other and not for api (jwtAudience). Get one for what is set, or add other if it means this API.',
    ],
    ['without an aud', { aud: undefined }, {}, 'The token has no aud. Let the issuer put one in.'],
    ['as an id token', { aud: 'app', nonce: 'n' }, {}, 'This looks like an id token. Send the access token.'],
    ["as Cognito's id token", { token_use: 'id' }, {}, 'This is an id token. Send the access token.'],
    ['as too long-lived', { exp: NOW + 90_000 }, {}, 'Let the issuer make tokens that live 24 hours at most.'],
    ['as expired', { iat: NOW - 900, exp: NOW - 600 }, {}, 'Get a new token.'],
    ['by the clock', { iat: NOW + 600 }, {}, 'Set the clock right'],
    ['as bound', { cnf: {} }, {}, 'Get a token that is bound to no key (no DPoP, no mTLS).'],
    [
      'without a user',
      { sub: ' ' },
      {},
      `sub is " ": let the issuer put the user's id there, or set jwtUserClaim. It is no`,
    ],
    ['by its typ', {}, { typ: 'dpop+jwt' }, 'Send the access token: its typ is absent, JWT or at+jwt.'],
    [
      'by its key',
      {},
      { kid: 'k2' },
      "The token's kid is k2. The keys have k1. Look whether jwksUri, or jwks, is of this",
    ],
    ['as a key of Supabase', { iss: 'supabase' }, {}, 'This is a key of the Supabase project'],
    ['as a refresh token', { aud: 'issuer', typ: 'Refresh' }, {}, 'This is a refresh token. Send the access token.'],
    ["as Microsoft Graph's", { aud: '00000003-0000-0000-c000-000000000000' }, {}, 'This token is for Microsoft Graph.'],
    ['in milliseconds', { iat: NOW * 1000, exp: NOW * 1000 + 300 }, {}, 'Its times are in milliseconds.'],
    ['without times', { iat: undefined }, {}, 'Let the issuer put both in, as numbers of seconds since 1970.'],
  ])('%s says what would mend it', async (_what, claims, header, hint) => {
    const { said, isGood } = await explained(await sign(claims, header));
    expect(isGood).toBe(false);
    expect(said).toContain('401 UNAUTHENTICATED: ');
    expect(said.split('\n').at(-1)).toContain(hint);
  });

  it('for its signature is told whose it says that it is', async () => {
    const { said } = await explained(await sign({ iss: 'https://b.example' }, {}, stranger));
    expect(said).toContain('the signature is not by a key of the issuer: tried 1');
    expect(said).toContain('The token is from https://b.example');
    const { said: own } = await explained(await sign({}, {}, stranger));
    expect(own).toContain(
      'Look whether the token is whole, and whether jwksUri, or jwks, has the keys of this issuer.',
    );
  });

  it.each([
    ['HS512', 'It is signed with a shared secret (HS512). Let the issuer sign with a key pair.'],
    ['none', 'Let the issuer sign by RS256, PS256, ES256, ES384 or EdDSA.'],
  ])('for the alg %s says what is taken', async (alg, hint) => {
    const { said } = await explained(`${part({ alg })}.${part(goodClaims(NOW))}.AAAA`);
    expect(said).toContain(hint);
  });

  it.each([
    ['ZGVmZ2hp/xyz==@sg.rongnav.com;sg.rongcfg.com', "RongCloud's own user token"],
    ['opaque', 'This is no JWT.'],
    ['', 'No token came on standard input.'],
    ['sb_secret_pl4nted', 'This is a key of the Supabase project'],
    [`${part({ alg: 'dir' })}..aXY.Y2lwaGVy.dGFn`, 'It is encrypted'],
    ['"a.b.c"', 'This is no JWT.'],
  ])('as none at all: %j', async (given, hint) => {
    const { said, isGood } = await explained(given);
    expect([said.split('\n').at(-1), isGood]).toEqual([expect.stringContaining(hint), false]);
    expect(said).not.toContain('pl4nted');
  });

  it.each<[what: string, change: (token: string) => string]>([
    ['quotes', (token) => `"${token}"`],
    ["a header's name", (token) => `Authorization: Bearer ${token}`],
    ['a line break', (token) => token.replace('.', '.\n')],
    ['its end missing', (token) => token.split('.').slice(0, 2).join('.')],
    ['its middle cut short', (token) => token.replace(/\.(.{9}).*\./, '.$1.')],
  ])('for %s is told to be sent as it is', async (_what, change) => {
    const { said } = await explained(change(await sign()));
    expect(said.split('\n').at(-1)).toBe(
      'Send exactly one whole token: no quotes, blanks, line breaks or header name.',
    );
  });

  it('without times is told nothing of what they would be', async () => {
    const { said } = await explained(await sign({ iat: undefined }));
    expect(said.match(/^FAILS .*/gm)).toEqual([`FAILS times: {"exp":${NOW + 3600}}: iat or exp is missing`]);
    expect(said).not.toContain('lifetime');
  });

  it('for its length is told so', async () => {
    const { said } = await explained(await sign({ groups: ['x'.repeat(9000)] }));
    expect(said.split('\n').at(-1)).toBe('Let the issuer put less into it, such as fewer groups or roles.');
  });

  it('for its alg is known for an id token, or a key of Supabase, if it is one', async () => {
    const unsigned = (claims: object) => explained(`${part({ alg: 'HS256' })}.${part(claims)}.AAAA`);
    expect((await unsigned({ ...goodClaims(NOW), nonce: 'n' })).said).toContain('This looks like an id token.');
    expect((await unsigned({ iss: 'supabase', role: 'anon' })).said).toContain('This is a key of the Supabase project');
  });

  it('for a key id is told if the key has none', async () => {
    const { kid: _, ...bare } = key.jwk;
    const fetchKeySet = async () => JSON.stringify({ keys: [bare] });
    const { said } = await explained(await sign(), { fetchKeySet });
    expect(said).toContain(
      "The token's kid is k1. Leave it out, or put it into the key of the issuer, which has none.",
    );
  });

  it("as one without Entra ID's scope says which", async () => {
    const { said } = await explained(await sign(), withRules({ userClaim: 'oid' }));
    expect(said).toContain(
      "oid is missing: let the issuer put the user's id there, as Entra ID does for the scope profile",
    );
  });

  it('because no keys can be had says why', async () => {
    const fetchKeySet = () => Promise.reject(new Error('ECONNREFUSED'));
    const { said, isGood } = await explained(await sign(), { fetchKeySet });
    expect(isGood).toBe(false);
    expect(said).toContain("the issuer's keys are out of reach: ECONNREFUSED");
    expect(said).toContain('503 IDENTITY_UNAVAILABLE: ECONNREFUSED');
  });
});

it('prints no signature, and no claim that no rule reads', async () => {
  const token = await sign({ email: 'pl4nted', aud: ['other', 'x'.repeat(1000), '\u001b[31m'] }, { x5t: 'pl4nted' });
  const { said } = await explained(token);
  expect(said).not.toContain('pl4nted');
  expect(said).not.toContain(token.split('.').at(-1));
  expect(said).not.toContain('\u001b');
  expect(Math.max(...said.split('\n').map((line) => line.length))).toBeLessThan(600);
});

it('finds the cause that the door finds, whatever the token', async () => {
  const claim = <T>(...values: T[]) => fc.constantFrom<T | undefined>(...values, undefined);
  const claims = fc.record({
    iss: fc.constantFrom(RULES.issuer, RULES.issuer, RULES.issuer, 'https://other.example'),
    aud: fc.constantFrom<unknown>('api', 'api', ['x', 'api'], 'other', undefined),
    token_use: claim('access', 'access', 'id', null),
    client_id: claim<unknown>('api', 7),
    sub: fc.constantFrom<unknown>('alice', 'alice', '', 7, undefined),
    scope: claim<unknown>('group:join', ['group:join'], 'other'),
    iat: fc.constantFrom<unknown>(NOW, NOW, NOW - 100, NOW + 61, '1', undefined),
    exp: fc.constantFrom<unknown>(NOW + 100, NOW + 100, NOW - 61, NOW + 90_000, undefined),
    nbf: claim<unknown>(NOW, NOW + 61, 'x'),
    cnf: claim<unknown>({}),
    events: claim<unknown>(null),
  });
  const header = fc.record({ kid: fc.constantFrom<unknown>('k1', 'k1', 'k2', undefined), typ: claim('JWT', 'x') });
  const keys = createIssuerKeys(async () => keySet(key), clock);
  await fc.assert(
    fc.asyncProperty(claims, header, fc.constantFrom(0, 0, 0, 1), async (payload, head, by) => {
      const token = await (by === 0 ? key : stranger).sign(
        JSON.parse(JSON.stringify(payload)) as JWTPayload,
        head as object,
      );
      const verdict = await createAuthenticator({ rules: RULES, keys, clock })(`Bearer ${token}`).then(
        () => undefined,
        (error: Error) => (error.cause as Error).message,
      );
      const { said, isGood } = await explained(token);
      expect(isGood).toBe(verdict === undefined);
      const [, cause = 'the user claim is missing or no valid id'] =
        /^FAILS .*: (.+(?:: tried \d)?)$/m.exec(said) ?? [];
      if (verdict !== undefined) expect(`FAILS x: ${verdict}`).toContain(cause);
    }),
    { numRuns: 500 },
  );
}, 60_000);

describe('npm run explain', () => {
  const RUN = fileURLToPath(new URL('../../tools/explain/run.ts', import.meta.url));
  async function run(input: string, ...args: string[]) {
    // The stage is read in the folder that the command runs in.
    return withCopy({}, async (cwd) => {
      const child = spawn(process.execPath, [RUN, ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
      child.stdin.end(input);
      const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
      return { status: child.exitCode ?? (await new Promise((done) => child.once('exit', done))), said: out + err };
    });
  }
  const param = (name: string, value: string) => `--param=${name}=${value}`;

  it('judges by the values of the stage', { timeout: 60_000 }, async () => {
    const { iat: _, exp: __, ...claims } = goodClaims(0);
    const seconds = Math.floor(Date.now() / 1000);
    const token = await key.sign({ ...claims, ...MEMBER, iss: 'my-app', iat: seconds, exp: seconds + 300 });
    const stage = ['--stage', 'dev', param('jwtIssuer', 'my-app'), param('jwks', keySet(key))];
    const good = await run(
      token,
      ...stage,
      param('jwtAudience', 'api'),
      param('jwtGroupsClaim', 'groups'),
      '--group',
      memberGroup('x'),
    );
    expect(good.said).toContain('The user alice');
    expect(good).toMatchObject({ status: 0, said: expect.stringContaining('The rule lets it in.') });
    const bad = await run(token, ...stage, param('jwtAudience', 'other'));
    expect(bad).toMatchObject({
      status: 1,
      said: expect.stringContaining('It is for api and not for other (jwtAudience).'),
    });
  });

  it('names what is missing', { timeout: 60_000 }, async () => {
    expect(await run('', '--stage', 'dev')).toMatchObject({
      status: 2,
      said: expect.stringContaining('jwtIssuer is missing; jwtAudience is missing'),
    });
    expect(await run('')).toMatchObject({ status: 2, said: expect.stringContaining('--stage is missing') });
    const token = 'a.b.c';
    const asArgument = await run('', '--stage', 'dev', token);
    expect(asArgument).toMatchObject({ status: 2, said: expect.stringContaining('Usage: echo "$TOKEN" |') });
    expect(asArgument.said).not.toContain(token);
  });

  it('prints no parameter when the stage can not be read', { timeout: 60_000 }, async () => {
    const { status, said } = await run('', '--stage', 'dev', param('originSecret', 'planted'), '--param=malformed');
    expect([status, said.includes("The stage can't be read."), said.includes('planted')]).toEqual([2, true, false]);
  });
});
