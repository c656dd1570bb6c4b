import { describe, expect, it, vi } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import type { ClientEvent } from '../../../lib/rongcloud/client.ts';
import { DeadConnection } from '../../../lib/rongcloud/transport.ts';
import { answered, BROKEN, failure, SUCCESS, startClient } from '../../helpers/client-bed.ts';

const dead = () => new DeadConnection(new Error('ECONNRESET'));
const UNREACHABLE = new JoinError('UPSTREAM_UNREACHABLE');

describe("a client's sendings", () => {
  it('are made once more on a new connection if a kept-alive one is dead, and that is no retry', async () => {
    const { join, hosts, slept, attempts } = startClient([dead(), SUCCESS]);
    expect(await join()).toBeUndefined();
    expect([hosts(), slept]).toEqual(['pp', []]);
    expect(attempts.map(({ ordinal, error }) => [ordinal, error?.code])).toEqual([
      [1, 'UPSTREAM_UNAVAILABLE'],
      [2, undefined],
    ]);
  });

  it('are signed anew on the new connection', async () => {
    const { join, sent } = startClient([dead(), SUCCESS]);
    await join();
    expect(new Set(sent.map(({ headers }) => headers.Nonce)).size).toBe(2);
  });

  it('are not made a third time if the new connection is dead too', async () => {
    const { join, hosts } = startClient([dead(), dead(), answered(405)]);
    // The other domain has its turn.
    expect(await failure(join())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(hosts()).toBe('ppb');
  });

  it('may have arrived on a dead connection, if the new one does not tell', async () => {
    const unsent = startClient([dead(), UNREACHABLE]);
    expect(await failure(unsent.join())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', outcome: 'unknown' });
    const full = startClient([dead(), answered(405)]);
    expect(await failure(full.join())).toMatchObject({ code: 'GROUP_FULL', outcome: 'unknown', upstreamCode: 405 });
  });

  it('of a call without retries are made by whoever makes the call, one by one', async () => {
    const { call, hosts, credentials } = startClient([dead(), answered(1004), answered(1002)]);
    credentials.rotate();
    const made = call();
    expect(await made.send()).toMatchObject({ kind: 'failed', error: { code: 'UPSTREAM_UNAVAILABLE' } });
    expect([hosts(), made.metDeadConnection, await made.hasNewSecret()]).toEqual(['p', true, false]);
    expect(await made.send()).toMatchObject({ kind: 'failed', error: { code: 'UPSTREAM_CREDENTIALS' } });
    expect([hosts(), made.metDeadConnection, await made.hasNewSecret()]).toEqual(['pp', false, true]);
    expect(await made.send()).toMatchObject({ kind: 'failed', error: { outcome: 'rejected', upstreamCode: 1002 } });
    // The first sending may have arrived.
    expect(made.over()).toMatchObject({ kind: 'failed', error: { outcome: 'unknown', upstreamCode: 1002 } });
    expect(made.sendings).toBe(3);
  });

  it('that never were are told apart from failed ones', async () => {
    const why = new JoinError('GROUP_FULL');
    expect(startClient().call().over(why)).toEqual({ kind: 'not_started', why });
    const late = startClient();
    const made = late.call(999);
    expect(await made.send()).toMatchObject({ kind: 'not_started', why: { code: 'DEADLINE_EXCEEDED' } });
    expect([late.sent, made.sendings]).toEqual([[], 0]);
    const refused = startClient([answered(1008, 429)]).call();
    await refused.send();
    expect(refused.over(why)).toMatchObject({ kind: 'failed', error: { code: 'UPSTREAM_RATE_LIMITED' } });
  });

  it('may have arrived before RongCloud refused one for rate', async () => {
    const made = startClient([dead(), answered(1008, 429), answered(405)]).call();
    for (let i = 0; i < 3; i++) await made.send();
    expect(made.over()).toMatchObject({ error: { code: 'GROUP_FULL', outcome: 'unknown' } });
  });

  it('are told of with what they took, in order', async () => {
    const { join, clock, attempts } = startClient([], {
      transport: {
        async post() {
          clock.ms += 30;
          return attempts.length === 0 ? BROKEN : SUCCESS;
        },
        close: () => {},
      },
    });
    expect(await join()).toBeUndefined();
    expect(attempts.map(({ ordinal, durationMs }) => [ordinal, durationMs])).toEqual([
      [1, 30],
      [2, 30],
    ]);
  });

  it('come after the wait for the credentials, which is told of', async () => {
    const { join, clock, credentials } = startClient();
    const waitedForSecret = vi.fn();
    credentials.get.mockImplementationOnce(async () => {
      clock.ms += 25;
      return new JoinError('CREDENTIALS_UNAVAILABLE');
    });
    await failure(join(10_000, { log: { sent: () => {}, waitedForSecret } }));
    expect(waitedForSecret.mock.calls).toEqual([[25]]);
  });
});

describe("a client's events", () => {
  function watch(...endings: Parameters<typeof startClient>[0] & object) {
    const events: ClientEvent[] = [];
    return { events, ...startClient(endings, { observe: (event) => events.push(event) }) };
  }

  it('tell of each move to another domain', async () => {
    const { events, join } = watch(BROKEN, SUCCESS);
    await join();
    expect(events).toEqual(['domainSwitch']);
    await join();
    expect(events).toEqual(['domainSwitch']);
  });

  it('tell of no move for a failure that is not about the domain', async () => {
    const { events, join } = watch(answered(1002));
    await failure(join());
    expect(events).toEqual([]);
  });

  it('tell of each call that is cut short because the budget of retries is empty', async () => {
    const { events, join, sent } = watch(answered(1008, 429));
    let cutShort = 0;
    for (let i = 0; i < 10; i++) {
      const before = sent.length;
      await failure(join(60_000));
      if (sent.length - before < 3) cutShort += 1;
      expect(events).toEqual(Array(cutShort).fill('retryBudgetExhausted'));
    }
    expect(cutShort).toBeGreaterThan(0);
  });
});
