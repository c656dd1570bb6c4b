import { describe, expect, it } from 'vitest';
import { Domains } from '../../../lib/rongcloud/domains.ts';

const two = () => new Domains(['https://p.example', 'https://b.example']);

describe('Domains', () => {
  it('begins with the primary and knows how many there are', () => {
    expect([two().current, two().count]).toEqual([0, 2]);
    expect(new Domains(['https://p.example']).count).toBe(1);
  });

  it("gives a path's address on each domain", () => {
    expect(two().url(0, '/group/join.json').href).toBe('https://p.example/group/join.json');
    expect(two().url(1, '/group/join.json').href).toBe('https://b.example/group/join.json');
  });

  it('parses an address once', () => {
    const domains = two();
    expect(domains.url(1, '/group/join.json')).toBe(domains.url(1, '/group/join.json'));
  });

  it('moves to the other domain when an attempt fails, and back when that one fails', () => {
    const domains = two();
    const atPrimary = domains.failover(0);
    expect(domains.current).toBe(0);
    expect(atPrimary()).toBe(true);
    expect(domains.current).toBe(1);
    expect(domains.failover(1)()).toBe(true);
    expect(domains.current).toBe(0);
  });

  it('moves once for many attempts that fail side by side', () => {
    const domains = two();
    const failovers = [domains.failover(0), domains.failover(0), domains.failover(0)];
    expect(failovers.map((failover) => failover())).toEqual([true, false, false]);
    expect(domains.current).toBe(1);
  });

  it('does not move for an attempt at a domain that calls no longer begin with', () => {
    const domains = two();
    domains.failover(0)();
    expect(domains.failover(0)()).toBe(false);
    expect(domains.current).toBe(1);
  });

  it('does not move for a failure that comes after a move away and back', () => {
    const domains = two();
    const late = domains.failover(0);
    domains.failover(0)();
    domains.failover(1)();
    expect(late()).toBe(false);
    expect(domains.current).toBe(0);
  });

  it('stays where there is no backup', () => {
    const domains = new Domains(['https://p.example']);
    expect(domains.failover(0)()).toBe(false);
    expect(domains.current).toBe(0);
  });
});
