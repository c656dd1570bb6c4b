import { describe, expect, it } from 'vitest';
import { type Caller, toCaller } from '../../lib/identity/caller.ts';
import { decide } from '../../lib/policy.ts';
import { RULES } from '../helpers/tokens.ts';

// The one file of tests that is about the rule as shipped. With another rule it becomes that rule's.

const user = (...groups: string[]): Caller => ({ kind: 'user', userId: 'alice', groupPatterns: groups, claims: {} });
const service: Caller = { kind: 'service', claims: {} };
const asks = (groupId: string, userIds = ['alice'], groupName?: string) => ({
  groupId,
  userIds,
  ...(groupName !== undefined && { groupName }),
});

describe('decide', () => {
  it('lets a service add anyone to any group and name it', () => {
    expect(decide(service, asks('g', ['x', 'y'], 'Name'))).toEqual({ allowed: true });
  });

  it('lets a user add itself to a group that it was granted', () => {
    expect(decide(user('g'), asks('g'))).toEqual({ allowed: true });
    expect(decide(user(), asks('g'))).toEqual({ allowed: false, reason: 'The caller has no grant for this group.' });
    expect(decide(user('h'), asks('g'))).toMatchObject({ allowed: false });
  });

  it('opens the groups that are open to all', () => {
    const stranger = toCaller({ sub: 'alice' }, { ...RULES, openGroups: ['lobby'] });
    if (stranger === undefined) throw new Error('no caller');
    expect(decide(stranger, asks('lobby'))).toEqual({ allowed: true });
    expect(decide(stranger, asks('lobby-2'))).toMatchObject({ allowed: false });
  });

  it('takes a trailing * as a prefix, and * alone as every group', () => {
    expect(decide(user('team-*'), asks('team-1'))).toEqual({ allowed: true });
    expect(decide(user('team-*'), asks('team-'))).toEqual({ allowed: true });
    expect(decide(user('team-*'), asks('steam-1'))).toMatchObject({ allowed: false });
    expect(decide(user('*'), asks('any'))).toEqual({ allowed: true });
    expect(decide(user('a*b'), asks('axb'))).toMatchObject({ allowed: false });
  });

  it('takes the id of a group that ends in * for a prefix too', () => {
    expect(decide(user('vip*'), asks('vip*'))).toEqual({ allowed: true });
    expect(decide(user('vip*'), asks('vip-1'))).toEqual({ allowed: true });
  });

  it('does not take a granted id for a prefix, nor match it by case', () => {
    expect(decide(user('team'), asks('team-1'))).toMatchObject({ allowed: false });
    expect(decide(user('Team'), asks('team'))).toMatchObject({ allowed: false });
  });

  it.each([[['bob']], [['alice', 'bob']], [['ALICE']]])('denies a user that adds %j', (userIds) => {
    expect(decide(user('g'), asks('g', userIds))).toEqual({ allowed: false, reason: 'A user may add only itself.' });
  });

  it('denies a user that names the group', () => {
    expect(decide(user('g'), asks('g', ['alice'], 'Mine'))).toEqual({
      allowed: false,
      reason: 'Only a service may set groupName.',
    });
  });
});
