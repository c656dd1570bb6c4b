import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createAuthenticator } from '../../../lib/identity/authenticate.ts';
import { createIssuerKeys } from '../../../lib/identity/issuer-keys.ts';
import { clockOf } from '../../helpers/clock-of.ts';
import { goodClaims, keySet, RULES, type TestKey, testKey } from '../../helpers/tokens.ts';

const SECOND = 1000;
const START = 1_800_000_000_000;
const NAMELESS: object = { kid: undefined };

let old: TestKey;
let successor: TestKey;
let stranger: TestKey;
beforeAll(async () => {
  [old, successor, stranger] = await Promise.all([testKey('k1'), testKey('k1'), testKey('k1')]);
});

/** A door, and an issuer that rotates its keys at a moment of the clock. */
function setUp(rotatesAt: number, after: () => string) {
  const clock = { ms: 0 };
  const fetchedAt: number[] = [];
  const fetch = vi.fn(async () => {
    fetchedAt.push(clock.ms);
    return clock.ms < rotatesAt ? keySet(old) : after();
  });
  const wall = clockOf(() => START + clock.ms);
  const authenticate = createAuthenticator({ rules: RULES, keys: createIssuerKeys(fetch, wall), clock: wall });
  const isTaken = async (by: TestKey, header: object) => {
    const token = await by.sign(goodClaims(START / SECOND), header);
    return authenticate(`Bearer ${token}`).then(
      () => true,
      () => false,
    );
  };
  return { clock, fetchedAt, isTaken, authenticate };
}

describe.each([
  ['tokens that name no key', NAMELESS, () => keySet(successor)],
  ['tokens that name no key, beside the old one', NAMELESS, () => keySet(old, successor)],
  ['a key that has the id of the old one', {}, () => keySet(successor)],
  ['a key that shares its id', {}, () => keySet(old, successor)],
])('after a rotation, for %s', (_name, header, after) => {
  it('takes the new key within 5 seconds, whatever junk pours in, and fetches at most once in 5 seconds', async () => {
    const event = fc.record({
      gapMs: fc.integer({ min: 0, max: 4 * SECOND }),
      who: fc.constantFrom('old', 'junk', 'junk', 'new'),
    });
    const rotation = fc.integer({ min: 0, max: 20 * SECOND });
    await fc.assert(
      fc.asyncProperty(rotation, fc.array(event, { minLength: 5, maxLength: 20 }), async (rotatesAt, events) => {
        const { clock, fetchedAt, isTaken } = setUp(rotatesAt, after);
        for (const { gapMs, who } of events) {
          clock.ms += gapMs;
          if (who === 'old') await isTaken(old, header);
          else if (who === 'junk') expect(await isTaken(stranger, header)).toBe(false);
          else if (clock.ms >= rotatesAt + 5 * SECOND) expect(await isTaken(successor, header)).toBe(true);
        }
        const gaps = fetchedAt.slice(1).map((at, i) => at - (fetchedAt[i] ?? 0));
        expect(gaps.filter((gap) => gap < 5 * SECOND)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

it('tries the keys of a fetch that ended meanwhile', async () => {
  const { clock, fetchedAt, isTaken } = setUp(6 * SECOND, () => keySet(successor));
  expect(await isTaken(old, NAMELESS)).toBe(true);
  clock.ms = 6 * SECOND;
  const taken = await Promise.all(Array.from({ length: 10 }, () => isTaken(successor, NAMELESS)));
  expect([taken.filter(Boolean).length, fetchedAt.length]).toEqual([10, 2]);
});

it('fetches nothing more for tokens of a key that is held', async () => {
  const { clock, fetchedAt, isTaken } = setUp(Infinity, () => '');
  for (; clock.ms < 60 * SECOND; clock.ms += SECOND) expect(await isTaken(old, NAMELESS)).toBe(true);
  expect(fetchedAt).toEqual([0]);
});

it('counts the keys that were tried, those of a fetch for the token included', async () => {
  const { clock, authenticate } = setUp(SECOND, () => keySet(old, successor));
  const junk = `Bearer ${await stranger.sign(goodClaims(START / SECOND), {})}`;
  await expect(authenticate(junk)).rejects.toMatchObject({ cause: { message: expect.stringMatching(/: tried 1$/) } });
  clock.ms = 6 * SECOND;
  await expect(authenticate(junk)).rejects.toMatchObject({ cause: { message: expect.stringMatching(/: tried 2$/) } });
});

it('tries no key twice for junk, though a fetch gives the keys anew', async () => {
  const { clock, fetchedAt, authenticate } = setUp(0, () => keySet(old, successor));
  const junk = `Bearer ${await stranger.sign(goodClaims(START / SECOND), {})}`;
  const cause = { message: 'the signature is not by a key of the issuer: tried 2' };
  for (const ms of [0, 6 * SECOND, 12 * SECOND]) {
    clock.ms = ms;
    await expect(authenticate(junk)).rejects.toMatchObject({ cause });
  }
  expect(fetchedAt).toEqual([0, 6 * SECOND, 12 * SECOND]);
});
