import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { JoinError, type JoinErrorCode } from '../../../lib/errors.ts';
import { Outage } from '../../../lib/rongcloud/outage.ts';
import { answered, BROKEN, failure, SUCCESS, startClient } from '../../helpers/client-bed.ts';
import { clockOf } from '../../helpers/clock-of.ts';

const attempts = (...codes: JoinErrorCode[]) =>
  codes.map((code, domainIndex) => ({ domainIndex, error: new JoinError(code) }));

function setUp() {
  const clock = { ms: 0 };
  return { clock, outage: new Outage(clockOf(() => clock.ms)) };
}

describe('Outage', () => {
  it('is wary for 10 seconds after a call that failed on every domain it tried', () => {
    const { clock, outage } = setUp();
    expect(outage.isWary).toBe(false);
    outage.failed(attempts('UPSTREAM_TIMEOUT', 'UPSTREAM_UNREACHABLE'), 0);
    clock.ms = 9_999;
    expect(outage.isWary).toBe(true);
    clock.ms = 10_000;
    expect(outage.isWary).toBe(false);
  });

  it('forgets both after a clock that was ahead has been set right', () => {
    const { clock, outage } = setUp();
    clock.ms = 60_000;
    outage.failed(attempts('UPSTREAM_TIMEOUT'), 0);
    outage.failed(attempts('UPSTREAM_RATE_LIMITED'), 0);
    expect([outage.isWary, outage.isRateLimited]).toEqual([true, true]);
    clock.ms = 0;
    expect([outage.isWary, outage.isRateLimited]).toEqual([false, false]);
  });

  it('is wary until the first success', () => {
    const { outage } = setUp();
    outage.failed(attempts('UPSTREAM_UNAVAILABLE'), 0);
    outage.answered(undefined);
    expect(outage.isWary).toBe(false);
  });

  it.each(['GROUP_FULL', 'UPSTREAM_RATE_LIMITED', 'UPSTREAM_CREDENTIALS', 'DEADLINE_EXCEEDED'] as const)(
    'is not wary after %s, though another domain failed before',
    (code) => {
      const { outage } = setUp();
      outage.failed(attempts('UPSTREAM_TIMEOUT', code), 0);
      expect(outage.isWary).toBe(false);
    },
  );

  it('knows for 2 seconds that calls are refused for their rate', () => {
    const { clock, outage } = setUp();
    outage.failed(attempts('UPSTREAM_TIMEOUT', 'UPSTREAM_RATE_LIMITED'), 0);
    clock.ms = 1999;
    expect(outage.isRateLimited).toBe(true);
    clock.ms = 2000;
    expect(outage.isRateLimited).toBe(false);
    outage.failed(attempts('UPSTREAM_TIMEOUT'), 0);
    expect(outage.isRateLimited).toBe(false);
  });
});

/** A client, and how long it waited for answers where that was less than usual. */
function startWary(endings: Parameters<typeof startClient>[0]) {
  const bed = startClient(endings);
  return { ...bed, waits: () => bed.sent.map(({ timeoutMs }) => timeoutMs).filter((ms) => ms < 5000) };
}

describe('a client', () => {
  it('makes one attempt of 2 seconds while it is wary, at the domain that it would begin with', async () => {
    const endings = [SUCCESS];
    const { clock, join, waits, hosts } = startWary(endings);
    // Earns retries, so that their budget is not what ends a call.
    for (let i = 0; i < 100; i++) await join();
    clock.ms += 1;
    endings[0] = BROKEN;
    const before = hosts().length;
    await failure(join());
    expect(hosts().slice(before)).toBe('pbp');
    clock.ms += 9_000;
    await failure(join());
    await failure(join());
    expect(hosts().slice(before)).toBe('pbpbp');
    expect(waits()).toEqual([2000, 2000]);
    clock.ms += 10_000;
    await failure(join());
    expect(hosts().slice(before)).toBe('pbpbpbpb');
    expect(waits()).toEqual([2000, 2000]);
  });

  it('has all its time and attempts if an answer came while it was frozen', async () => {
    let thaw = (): void => {};
    let isThawed = false;
    const timeouts: number[] = [];
    const { join } = startClient([], {
      transport: {
        close: () => {},
        async post({ timeoutMs, onLateAnswer }) {
          timeouts.push(timeoutMs);
          if (isThawed) return SUCCESS;
          // What was held in the frozen environment is read with the next turn of its event loop.
          thaw = () => {
            isThawed = true;
            setImmediate(() => onLateAnswer?.(SUCCESS));
          };
          return new JoinError('UPSTREAM_TIMEOUT');
        },
      },
      sleep: (_ms, waiting) => (waiting ? new Promise(() => {}) : setTimeout(5)),
    });
    await failure(join());
    const before = timeouts.length;
    thaw();
    expect(await join()).toBeUndefined();
    expect(timeouts.slice(before)).toEqual([5000]);
  });

  it('is as before after one success', async () => {
    const { join, waits } = startWary([BROKEN, BROKEN, BROKEN, SUCCESS, SUCCESS]);
    await failure(join());
    await join();
    await join();
    expect(waits()).toEqual([2000]);
  });

  it.each([answered(405), answered(1002, 400)])('is as before after a clear no', async (no) => {
    const { join, waits } = startWary([BROKEN, BROKEN, BROKEN, no, SUCCESS]);
    for (let i = 0; i < 3; i++) await join();
    expect(waits()).toEqual([2000]);
  });

  it('stays wary after a refusal that says nothing of RongCloud', async () => {
    const { join, waits } = startWary([BROKEN, BROKEN, BROKEN, answered(1008, 429), SUCCESS]);
    for (let i = 0; i < 3; i++) await join();
    expect(waits()).toEqual([2000, 2000]);
  });

  it('says whether RongCloud has just refused a call for its rate', async () => {
    const { client, clock, join } = startClient([answered(1008, 429)]);
    expect(client.isRateLimited).toBe(false);
    await failure(join());
    expect(client.isRateLimited).toBe(true);
    clock.ms += 2000;
    expect(client.isRateLimited).toBe(false);
  });

  it('earns retries by calls that succeed at first try, and by no others', async () => {
    const endings = [SUCCESS];
    const { join, sent } = startClient(endings);
    for (let i = 0; i < 100; i++) await join();
    let retried = -1;
    let error: JoinError | undefined;
    while (!error) {
      retried += 1;
      endings[sent.length] = BROKEN;
      endings[sent.length + 1] = SUCCESS;
      error = await join();
    }
    expect(retried).toBe(10);
  });

  it('retries a refusal for rate once, and then with what its successes have earned', async () => {
    const endings = [answered(1008, 429)];
    const { join, sent } = startClient(endings);
    const sendings = async (): Promise<number> => {
      const before = sent.length;
      await failure(join());
      return sent.length - before;
    };
    expect([await sendings(), await sendings()]).toEqual([2, 1]);
    endings[0] = SUCCESS;
    for (let i = 0; i < 10; i++) await join();
    endings[0] = answered(1008, 429);
    expect([await sendings(), await sendings()]).toEqual([2, 1]);
  });
});
