import { describe, expect, it } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import { nameRefused } from '../../../lib/identity/refused-caller.ts';
import { describeFailure } from '../../../lib/telemetry/error-description.ts';
import { AUDIENCE, goodClaims, ISSUER } from '../../helpers/tokens.ts';

const NOW = 1_800_000_000;
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const bearer = (claims: unknown): string => `Bearer ${part({ alg: 'RS256' })}.${part(claims)}.c2ln`;

/** The error for a header that the authenticator refuses with another error. */
async function thrownFor(authorization: string | undefined, error: unknown = refusal()): Promise<unknown> {
  const refuses = async () => {
    throw error;
  };
  const named = nameRefused(refuses, { issuer: ISSUER, audiences: ['other', AUDIENCE], now: () => NOW * 1000 });
  return named(authorization).catch((thrown: unknown) => thrown);
}
const refusal = () => new JoinError('UNAUTHENTICATED', { cause: new Error('the audience is another') });

const GOOD = goodClaims(NOW);
const STRANGE = { ...GOOD, iss: 'https://elsewhere.example', aud: 'elsewhere' };

describe('a refused caller', () => {
  it.each([
    ['names the issuer', { ...STRANGE, iss: ISSUER }],
    ['names an audience', { ...STRANGE, aud: AUDIENCE }],
    ['names an audience among others', { ...STRANGE, aud: ['x', 'other'] }],
    [
      'names it as its client, without an audience',
      { ...STRANGE, aud: undefined, token_use: 'access', client_id: AUDIENCE },
    ],
  ])('is named if its token %s', async (_, claims) => {
    const [one, same, other] = [
      await thrownFor(bearer(claims)),
      await thrownFor(bearer({ ...claims, exp: NOW + 60 })),
      await thrownFor(bearer({ ...claims, sub: 'bob' })),
    ];
    const nameOf = (error: unknown) => (error instanceof JoinError ? error.caller : undefined);
    expect(nameOf(one)).toEqual(expect.any(String));
    expect(nameOf(same)).toBe(nameOf(one));
    expect(nameOf(other)).not.toBe(nameOf(one));
    // The refusal itself is the same, and its line says nothing more.
    expect(one).toMatchObject({ code: 'UNAUTHENTICATED', message: refusal().message });
    expect(describeFailure(one instanceof JoinError ? one : refusal())).toEqual(describeFailure(refusal()));
  });

  it.each([
    ['a stranger', bearer(STRANGE)],
    ['a stranger whose client is ours beside an audience', bearer({ ...STRANGE, client_id: AUDIENCE })],
    ['late', bearer({ ...GOOD, exp: NOW - 1 })],
    ['without a token', undefined],
    ['without claims', 'Bearer a.b.c'],
    ['with claims that are none', bearer(null)],
  ])('is not named if it is %s', async (_, authorization) => {
    const error = refusal();
    expect(await thrownFor(authorization, error)).toBe(error);
    expect(error.caller).toBeUndefined();
  });

  it('is nobody where nobody is refused', async () => {
    const outage = new JoinError('IDENTITY_UNAVAILABLE');
    expect(await thrownFor(bearer(GOOD), outage)).toBe(outage);
    const caller = { kind: 'service' as const, claims: GOOD };
    const named = nameRefused(async () => caller, { issuer: ISSUER, audiences: [AUDIENCE], now: () => 0 });
    expect(await named(bearer(GOOD))).toBe(caller);
  });
});
