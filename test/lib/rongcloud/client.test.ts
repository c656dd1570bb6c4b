import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import type { UpstreamAnswer } from '../../../lib/rongcloud/return-codes.ts';
import { answered, BROKEN, failure, SUCCESS, startClient } from '../../helpers/client-bed.ts';

describe('a client of RongCloud', () => {
  it('posts the form, signed, to the primary', async () => {
    const { sent, join } = startClient();
    await join();
    const nonce = '000000000000000000';
    expect(sent).toEqual([
      {
        host: 'p.example',
        path: '/group/join.json',
        body: 'groupId=g&userId=a',
        timeoutMs: 5000,
        at: 1_700_000_000_000,
        headers: {
          'App-Key': 'key',
          Nonce: nonce,
          Timestamp: '1700000000000',
          Signature: createHash('sha1').update(`first${nonce}1700000000000`).digest('hex'),
          'Content-Type': 'application/x-www-form-urlencoded',
          'X-Request-ID': 'r-1',
        },
      },
    ]);
  });

  it('signs every attempt anew and keeps the request id', async () => {
    const { sent, join } = startClient([BROKEN, BROKEN, SUCCESS]);
    await join();
    expect(new Set(sent.map(({ headers }) => headers.Nonce)).size).toBe(3);
    expect(sent.map(({ headers, at }) => headers.Timestamp === String(at))).toEqual([true, true, true]);
    expect(new Set(sent.map(({ headers }) => headers.Signature)).size).toBe(3);
    expect(new Set(sent.map(({ headers }) => headers['X-Request-ID']))).toEqual(new Set(['r-1']));
  });

  it('gives what the answer means', async () => {
    const { join, hosts } = startClient([answered(405)]);
    expect(await failure(join())).toMatchObject({ code: 'GROUP_FULL', upstreamCode: 405 });
    expect(hosts()).toBe('p');
  });

  it.each([
    [1000, [1000]],
    [4999, [4999]],
    [5001, [5000]],
  ])('with %i ms left waits for the answer %j ms', async (leftMs, waits) => {
    const { sent, join } = startClient();
    await join(leftMs);
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual(waits);
  });

  it('sends nothing with 999 ms left', async () => {
    const { sent, join } = startClient();
    expect(await failure(join(999))).toMatchObject({ code: 'DEADLINE_EXCEEDED', outcome: 'not_sent' });
    expect(sent).toEqual([]);
  });

  it('tries no more than 3 times, nor once with too little time left', async () => {
    const many = startClient([BROKEN]);
    await failure(many.join());
    expect(many.hosts()).toBe('pbp');
    const late = startClient([BROKEN]);
    // Half of the 100 ms before the other domain, and a millisecond less than an attempt wants.
    await failure(late.join(50 + 999));
    expect(late.hosts()).toBe('p');
    expect(late.slept).toEqual([]);
    const limited = startClient([answered(1008, 429)]);
    await failure(limited.join(1500 + 999));
    expect([limited.hosts(), limited.slept]).toEqual(['p', []]);
    const inTime = startClient([BROKEN]);
    await failure(inTime.join(50 + 1000));
    expect(inTime.hosts()).toBe('pb');
  });

  it('stays on the domain that works', async () => {
    const { join, hosts } = startClient([BROKEN, SUCCESS]);
    await join();
    await join();
    await join();
    expect(hosts()).toBe('pbbb');
  });

  it('does not leave a domain that refuses the request', async () => {
    const { join, hosts } = startClient([answered(1002), answered(1004), answered(1006), SUCCESS]);
    for (let i = 0; i < 3; i++) await failure(join());
    await join();
    expect(hosts()).toBe('pppp');
  });

  it('reports the least certain of its attempts, and the last of equals', async () => {
    const timeout = new JoinError('UPSTREAM_TIMEOUT');
    const refused = new JoinError('UPSTREAM_UNREACHABLE');
    expect(await failure(startClient([timeout, refused]).join())).toBe(timeout);
    expect(await failure(startClient([timeout, answered(405)]).join())).toBe(timeout);
    expect(await failure(startClient([refused, answered(405)]).join())).toMatchObject({ code: 'GROUP_FULL' });
    expect(await failure(startClient([timeout, BROKEN, BROKEN]).join())).toMatchObject({ upstreamCode: 1050 });
  });

  it('tells of every attempt', async () => {
    const { attempts, join } = startClient([BROKEN, SUCCESS]);
    await join();
    expect(attempts.map(({ host, error }) => [host, error?.code])).toEqual([
      ['p.example', 'UPSTREAM_UNAVAILABLE'],
      ['b.example', undefined],
    ]);
  });

  it('uses its one domain again where there is no backup', async () => {
    const { join, hosts, slept } = startClient([BROKEN, BROKEN, SUCCESS], { urls: ['https://p.example'] });
    await join();
    expect(hosts()).toBe('ppp');
    expect(slept).toEqual([100, 200]);
  });

  it('earns a retry for ten successes at the first try, and keeps ten at most', async () => {
    const endings: (UpstreamAnswer | JoinError)[] = [];
    const { clock, join, sent } = startClient(endings);
    const retriesOf = async (calls: number, ending: UpstreamAnswer) => {
      const before = sent.length;
      endings.length = 0;
      endings.push(ending);
      for (let i = 0; i < calls; i++) {
        // So that no call is wary because of the one before it.
        clock.ms += 10_000;
        await join();
      }
      return sent.length - before - calls;
    };
    expect(await retriesOf(500, SUCCESS)).toBe(0);
    expect(await retriesOf(500, BROKEN)).toBe(10);
    await retriesOf(9, SUCCESS);
    expect(await retriesOf(50, BROKEN)).toBe(0);
    await retriesOf(1, SUCCESS);
    expect(await retriesOf(50, BROKEN)).toBe(1);
  });

  it('calls what nobody foresaw INTERNAL', async () => {
    const post = async () => {
      throw new TypeError('a bug');
    };
    const { join } = startClient([], { transport: { post, close: () => {} } });
    expect(await failure(join())).toMatchObject({ code: 'INTERNAL', outcome: 'unknown', cause: { message: 'a bug' } });
  });
});
