import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { clientNameOf, senderOf } from '../../../lib/identity/sender.ts';

const service = (claims: object) => senderOf({ kind: 'service', claims: { ...claims } });
const hashOf = (client: string) => createHash('sha256').update(client).digest('hex').slice(0, 32);

describe('senderOf', () => {
  it.each([
    [{ client_id: 'c', azp: 'a', sub: 's' }, 'c'],
    [{ azp: 'a', sub: 's' }, 'a'],
    [{ cid: 'o', appid: 'e', sub: 's' }, 'o'],
    [{ appid: 'e', sub: 's' }, 'e'],
    [{ sub: 's' }, 's'],
    [{ client_id: '', azp: 'a', sub: 's' }, 's'],
    [{ client_id: 7, azp: ['a'], sub: 's' }, 's'],
    [{ client_id: null, azp: { a: 1 }, sub: '用户 ' }, '用户 '],
  ])('names the service of %j by the hash of %s', (claims, client) => {
    expect(service(claims)).toBe(hashOf(client));
  });

  it.each([{}, { sub: '' }, { client_id: 1, azp: true, sub: null }])('names no service of %j', (claims) => {
    expect(service(claims)).toBeUndefined();
  });

  it('tells services apart, and gives a name that SQS takes', () => {
    expect(service({ client_id: 'a' })).not.toBe(service({ client_id: 'b' }));
    expect(service({ client_id: 'x'.repeat(5000) })).toMatch(/^[\da-f]{32}$/);
  });

  it('names no user', () => {
    const claims = { client_id: 'app', azp: 'app', sub: 'alice' };
    expect(senderOf({ kind: 'user', userId: 'alice', groupPatterns: [], claims })).toBeUndefined();
  });
});

describe('clientNameOf', () => {
  const clientOfService = (claims: object) => clientNameOf({ kind: 'service', claims: { ...claims } });

  it.each([
    [{ client_id: 'c', azp: 'a', sub: 's' }, 'c'],
    [{ client_id: '', azp: 'a', sub: 's' }, undefined],
    [{ appid: 'e', sub: 's' }, 'e'],
    [{ client_id: 7, sub: 's' }, undefined],
    [{ sub: 'alice' }, undefined],
  ])('names the client of a service of %j: %s', (claims, client) => {
    expect(clientOfService(claims)).toBe(client);
  });

  it('cuts off a name that is longer than 128 characters', () => {
    expect(clientOfService({ client_id: 'x'.repeat(128) })).toBe('x'.repeat(128));
    expect(clientOfService({ client_id: 'x'.repeat(129) })).toBe('x'.repeat(128));
  });

  it('shows no control characters, which a terminal would obey', () => {
    expect(clientOfService({ client_id: 'a\u009b31mb\u0007\n\u007f用' })).toBe('a\uFFFD31mb\uFFFD\uFFFD\uFFFD用');
  });

  it('names nothing of a user', () => {
    const claims = { client_id: 'app', azp: 'app', sub: 'alice' };
    expect(clientNameOf({ kind: 'user', userId: 'alice', groupPatterns: [], claims })).toBeUndefined();
  });
});
