import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { createAuthenticator } from '../../../lib/identity/authenticate.ts';
import { createIssuerKeys } from '../../../lib/identity/issuer-keys.ts';
import type { TokenRules } from '../../../lib/identity/token-rules.ts';
import { clockOf } from '../../helpers/clock-of.ts';
import { keySet, type TestKey, testKey } from '../../helpers/tokens.ts';

const NOW = 1_800_000_000;
const clock = clockOf(() => NOW * 1000);
const ISS = 'https://issuer.example';

let key: TestKey;
beforeAll(async () => {
  key = await testKey('k1', 'ES256');
});

type Claims = Record<string, unknown>;
type Verdict = 'refused' | { kind: 'service' } | { kind: 'user'; userId: string; groupPatterns: string[] };

/** What the docs say becomes of a token, written down anew and without the code's own tables. */
function expected(claims: Claims, rules: TokenRules): Verdict {
  const number = (name: string) => (typeof claims[name] === 'number' ? claims[name] : Number.NaN);
  const [iat, exp] = [number('iat'), number('exp')];
  const inTime = exp > NOW - 60 && iat <= NOW + 60 && exp - iat <= 86_400;
  const begun = !('nbf' in claims) || number('nbf') <= NOW + 60;
  const forAccess = !('token_use' in claims) || claims.token_use === 'access';
  const forUs = [claims.aud].flat().some((one) => rules.audiences.includes(one));
  const forOurClient =
    !('aud' in claims) && claims.token_use === 'access' && rules.audiences.includes(claims.client_id);
  const bearer = !('cnf' in claims) && !('events' in claims);
  if (claims.iss !== ISS || !inTime || !begun || !forAccess || !(forUs || forOurClient) || !bearer) return 'refused';

  const words = (value: unknown): unknown[] =>
    typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
  const scoped = rules.serviceClaims.some((name) => words(claims[name]).includes(rules.serviceScope));
  const first = ['client_id', 'azp', 'cid', 'appid'].find((name) => name in claims);
  const client = first === undefined ? undefined : claims[first];
  const counts =
    rules.serviceClients.length === 0 || (typeof client === 'string' && rules.serviceClients.includes(client));
  if (scoped && counts) return { kind: 'service' };

  const userId = claims[rules.userClaim];
  if (typeof userId !== 'string' || userId === '' || userId.length > 64 || userId.trim() !== userId) return 'refused';
  const listed = rules.groupsClaim === undefined ? [] : claims[rules.groupsClaim];
  const granted = (typeof listed === 'string' ? [listed] : Array.isArray(listed) ? listed : []).filter(
    (group): group is string => typeof group === 'string' && group !== '*',
  );
  return { kind: 'user', userId, groupPatterns: [...granted, ...rules.openGroups] };
}

/** Often the first, at times another, now and then none. */
const pick = (good: unknown, ...others: unknown[]) =>
  fc.oneof(
    { weight: 20, arbitrary: fc.constant(good) },
    { weight: 2, arbitrary: fc.constantFrom(...others) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
const perhaps = (...values: unknown[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 3, arbitrary: fc.constantFrom(...values) });
const SCOPES = [
  'group:join',
  'openid group:join',
  'openid group:join',
  ['group:join'],
  ['x', 'group:join'],
  'group:joiner',
  ['openid group:join'],
  7,
  { 0: 'group:join' },
];
const CLIENTS = ['backend', 'backend', 'backend', 'app', '', ['backend'], null, 7];

const claims = fc.record({
  iss: fc.oneof(
    { weight: 20, arbitrary: fc.constant(ISS) },
    { weight: 1, arbitrary: fc.constantFrom(`${ISS}/`, [ISS], null) },
  ),
  aud: pick(
    ['app', 'backend'],
    'app',
    'backend',
    ['x', 'backend'],
    'other',
    [],
    null,
    '',
    ['app,backend'],
    'app,backend',
  ),
  token_use: perhaps(...Array(12).fill('access'), 'id', null, ['access']),
  client_id: perhaps(...CLIENTS),
  azp: perhaps(...CLIENTS),
  cid: perhaps(...CLIENTS),
  appid: perhaps(...CLIENTS),
  scope: perhaps(...SCOPES),
  scp: perhaps(...SCOPES),
  permissions: perhaps(...SCOPES),
  roles: perhaps(...SCOPES),
  sub: pick('alice', '', ' alice', 'x'.repeat(64), 'x'.repeat(65), 7, null, ['alice']),
  oid: perhaps('o-1', '', 7),
  groups: perhaps(['g', 'team-*'], 'g', '*', ['*'], [7, 'g', null], { g: true }, 7, null),
  iat: fc.oneof(
    { weight: 20, arbitrary: fc.constant<unknown>(NOW) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(NOW + 60, NOW + 61, -1e308, '1', null, undefined) },
  ),
  exp: fc.oneof(
    { weight: 20, arbitrary: fc.constant<unknown>(NOW + 300) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<unknown>(NOW - 59, NOW - 60, NOW + 86_400, NOW + 86_401, 1e308, '9', null, undefined),
    },
  ),
  nbf: perhaps(NOW, ...Array(9).fill(NOW + 60), NOW + 61, 'x', null),
  cnf: fc.oneof({ weight: 30, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom({}, null) }),
  events: fc.oneof(
    { weight: 30, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom({}, null) },
  ),
});
const rules = fc.record({
  issuer: fc.constant(ISS),
  audiences: fc.constantFrom(['app'], ['app', 'backend'], ['backend']),
  userClaim: fc.constantFrom('sub', 'sub', 'sub', 'sub', 'oid', 'constructor', '__proto__'),
  groupsClaim: fc.constantFrom('groups', 'groups', undefined, 'toString'),
  serviceScope: fc.constant('group:join'),
  serviceClaims: fc.constantFrom(['scope', 'scp'], ['permissions'], ['scope', 'roles'], ['constructor']),
  serviceClients: fc.constantFrom([], ['backend'], ['backend', 'other'], ['none']),
  openGroups: fc.constantFrom([], ['lobby'], ['*']),
});

it('every token is taken for what the docs say', { timeout: 60_000 }, async () => {
  const keys = createIssuerKeys(async () => keySet(key), clock);
  const seen = { refused: 0, user: 0, service: 0 };
  await fc.assert(
    fc.asyncProperty(claims, rules, async (all, { groupsClaim, ...others }) => {
      const token = JSON.parse(JSON.stringify(all));
      const some: TokenRules = { ...others, ...(groupsClaim !== undefined && { groupsClaim }) };
      const authenticate = createAuthenticator({ rules: some, keys, clock });
      const authorization = `Bearer ${await key.sign(token)}`;
      const judge = () =>
        authenticate(authorization).then(
          ({ claims: _, ...caller }) => caller,
          ({ code }) => (code === 'UNAUTHENTICATED' ? 'refused' : code),
        );
      const verdict = expected(token, some);
      seen[typeof verdict === 'string' ? 'refused' : verdict.kind] += 1;
      expect(await judge()).toEqual(verdict);
      // Remembered or not.
      expect(await judge()).toEqual(verdict);
    }),
    { numRuns: 3000 },
  );
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(50);
});
