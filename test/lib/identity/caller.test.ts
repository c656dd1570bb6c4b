import type { JWTPayload } from 'jose';
import { describe, expect, it } from 'vitest';
import { type Caller, toCaller } from '../../../lib/identity/caller.ts';
import type { TokenRules } from '../../../lib/identity/token-rules.ts';
import { RULES } from '../../helpers/tokens.ts';

const callerOf = (claims: JWTPayload, changes: Partial<TokenRules> = {}): Caller | undefined =>
  toCaller(claims, { ...RULES, ...changes });

describe('toCaller', () => {
  it('gives the user that the claims speak of, with its groups and all claims', () => {
    const claims = { sub: 'alice', groups: ['team-*', 'g'], extra: 1 };
    expect(callerOf(claims)).toEqual({ kind: 'user', userId: 'alice', groupPatterns: ['team-*', 'g'], claims });
  });

  it.each([
    ['missing', {}],
    ['empty', { sub: '' }],
    ['a number', { sub: 7 }],
    ['a list', { sub: ['alice'] }],
    ['65 characters long', { sub: 'x'.repeat(65) }],
    ['in white space', { sub: ' alice' }],
    ['with a control character', { sub: 'al\u0000ice' }],
    ['no UTF-8', { sub: 'al\ufffdice' }],
  ])('gives nobody where the user claim is %s, but to a service', (_name, claims) => {
    // A token may hold whatever JSON can say.
    const token = JSON.parse(JSON.stringify(claims));
    expect(callerOf(token)).toBeUndefined();
    expect(callerOf({ ...token, scope: 'group:join' })).toMatchObject({ kind: 'service' });
  });

  it('takes a user claim of 64 characters', () => {
    expect(callerOf({ sub: 'x'.repeat(64) })).toMatchObject({ userId: 'x'.repeat(64) });
  });

  it('reads the user from the claim that the rules name, and from nothing that it inherits', () => {
    const claims = { sub: 'alice', 'https://app.example/uid': 'u7' };
    expect(callerOf(claims, { userClaim: 'https://app.example/uid' })).toMatchObject({ userId: 'u7' });
    expect(callerOf(claims, { userClaim: 'uid' })).toBeUndefined();
    const inherited: JWTPayload = Object.create({ uid: 'u7', groups: ['g'] });
    expect(callerOf(inherited, { userClaim: 'uid' })).toBeUndefined();
    expect(callerOf(Object.assign(inherited, { sub: 'alice' }))).toMatchObject({ groupPatterns: [] });
  });

  it.each([
    ['scope text', { scope: 'openid group:join' }],
    ['scope list', { scope: ['group:join'] }],
    ['scp text', { scp: 'group:join' }],
    ['scp list', { scp: ['openid', 'group:join'] }],
  ])('takes the whole word in a %s for a service', (_name, given) => {
    const claims = { sub: 'backend', groups: ['g'], ...given };
    expect(callerOf(claims)).toEqual({ kind: 'service', claims });
  });

  it.each([
    { scope: 'group:joiner' },
    { scope: 'xgroup:join' },
    { scope: 'group:join,openid' },
    { scope: ['a group:join'] },
    { scope: { 'group:join': true } },
    { scp: 7 },
    { roles: ['group:join'] },
  ])('takes %j for a user', (claims) => {
    expect(callerOf({ sub: 'alice', ...claims })).toMatchObject({ kind: 'user' });
  });

  it('takes the scope that the rules name, and no other', () => {
    const changes = { serviceScope: 'join' };
    expect(callerOf({ sub: 'a', scope: 'join' }, changes)).toMatchObject({ kind: 'service' });
    expect(callerOf({ sub: 'a', scope: 'group:join' }, changes)).toMatchObject({ kind: 'user' });
  });

  it('looks for the scope where the rules say', () => {
    const permissions = { sub: 'a', permissions: ['group:join'] };
    expect(callerOf(permissions)).toMatchObject({ kind: 'user' });
    const changes = { serviceClaims: ['permissions', 'roles'] };
    expect(callerOf(permissions, changes)).toMatchObject({ kind: 'service' });
    expect(callerOf({ sub: 'a', roles: ['group:join'] }, changes)).toMatchObject({ kind: 'service' });
    expect(callerOf({ sub: 'a', scope: 'group:join' }, changes)).toMatchObject({ kind: 'user' });
  });

  it.each([
    { client_id: 'backend' },
    { azp: 'backend' },
    { cid: 'backend' },
    { appid: 'backend' },
    { client_id: 'other-backend', azp: 'app' },
  ])('takes the scope of a client that is listed for a service: %j', (claims) => {
    const changes = { serviceClients: ['backend', 'other-backend'] };
    expect(callerOf({ scope: 'group:join', ...claims }, changes)).toMatchObject({ kind: 'service' });
  });

  it.each([
    {},
    { sub: 'backend' },
    { client_id: 'app', azp: 'backend' },
    { client_id: ['backend'] },
    { client_id: null, azp: 'backend' },
    { client_id: '', azp: 'backend' },
    { client_id: 'Backend' },
    { client_id: 'backend ' },
  ])('takes the scope of no other client: %j is a user', (claims) => {
    const token = JSON.parse(JSON.stringify({ sub: 'alice', scope: 'group:join', ...claims }));
    expect(callerOf(token, { serviceClients: ['backend'] })).toMatchObject({ kind: 'user', groupPatterns: [] });
    expect(callerOf({ ...token, sub: '' }, { serviceClients: ['backend'] })).toBeUndefined();
  });

  it('takes no client for a service without the scope', () => {
    expect(callerOf({ sub: 'a', client_id: 'backend' }, { serviceClients: ['backend'] })).toMatchObject({
      kind: 'user',
    });
  });

  it('grants by a list of texts in the groups claim, and never by * alone', () => {
    expect(callerOf({ sub: 'a', groups: ['g', '*', 7, null, 'team-*'] })).toMatchObject({
      groupPatterns: ['g', 'team-*'],
    });
  });

  it('takes a text in the groups claim for a list of one', () => {
    const patternsOf = (groups: unknown) => callerOf({ sub: 'a', groups });
    expect(patternsOf('team-1')).toMatchObject({ groupPatterns: ['team-1'] });
    expect(patternsOf('a,b c')).toMatchObject({ groupPatterns: ['a,b c'] });
    expect(patternsOf('*')).toMatchObject({ groupPatterns: [] });
    for (const groups of [7, true, null, { 0: 'g' }, [['g']]])
      expect(patternsOf(groups)).toMatchObject({ groupPatterns: [] });
  });

  it('grants nothing where no groups claim is named', () => {
    const { groupsClaim: _, ...rules } = RULES;
    expect(toCaller({ sub: 'a', groups: ['g'], undefined: ['g'] }, rules)).toMatchObject({ groupPatterns: [] });
  });

  it('adds the groups that are open to all', () => {
    expect(callerOf({ sub: 'a', groups: ['g'] }, { openGroups: ['*'] })).toMatchObject({ groupPatterns: ['g', '*'] });
  });
});
