import { describe, expect, it, vi } from 'vitest';
import { JoinError, type JoinErrorCode } from '../../../lib/errors.ts';
import type { WantedCall } from '../../../lib/join/settle.ts';
import { Pacer } from '../../../lib/queue/pacer.ts';
import { Turns } from '../../../lib/queue/turns.ts';
import type { CallEnd } from '../../../lib/rongcloud/call.ts';
import { createSimulatedTime } from '../../../tools/sim/simulated-time.ts';
import { FIREWALL, FULL, INTERNAL, REJECTED, TIMEOUT } from '../../helpers/narrowed-group.ts';
import { people } from '../../helpers/queued-joins.ts';

const RATE_REFUSAL = new JoinError('UPSTREAM_RATE_LIMITED');

/** Turns at one call a second. */
function setUp(
  lastStart = Number.POSITIVE_INFINITY,
  ready: () => Promise<JoinError | undefined> = async () => undefined,
) {
  const time = createSimulatedTime(0);
  const pacer = new Pacer({ ratePerSecond: 1, clock: time.clock, sleep: time.sleep });
  const refused = vi.spyOn(pacer, 'slowDown');
  const turns = new Turns({ pacer, lastStart, ready });
  pacer.begin();
  const log: string[] = [];
  const pass = (seconds: number) => time.run(time.sleep(seconds * 1000));
  const take = (call: Partial<WantedCall>) =>
    turns.take({ kind: 'first', groupId: 'g', userIds: ['u'], unwanted: () => undefined, ...call });
  return {
    turns,
    refused,
    pass,
    /** What became of those that asked: the second of their start, or why they may not. */
    log,
    ask(name: string, call: Partial<WantedCall> = {}) {
      void take(call).then((why) => log.push(why ? `${name}: ${why.code}` : `${name} at ${time.now() / 1000}`));
    },
    /** Starts so many calls without an end. */
    async start(count: number) {
      for (let i = 0; i < count; i++) expect(await time.run(take({}))).toBeUndefined();
    },
    /** Starts so many calls that end like this, one after another. */
    async end(error: JoinError | undefined, count: number) {
      for (let i = 0; i < count; i++) {
        expect(await time.run(take({}))).toBeUndefined();
        turns.ended(ended(error));
      }
    },
  };
}

const narrowing = (groupId = 'g', users = 1): Partial<WantedCall> => {
  return { kind: 'narrowing', groupId, userIds: people(users) };
};

const ended = (error: JoinError | undefined): CallEnd => (error ? { kind: 'failed', error } : { kind: 'joined' });

describe('the turns', () => {
  it('are one a slot, for first calls before narrowing ones', async () => {
    const { ask, pass, log } = setUp();
    ask('n1', narrowing());
    ask('n2', narrowing());
    ask('f1');
    ask('f2');
    await pass(1.5);
    ask('f3');
    await pass(8);
    expect(log).toEqual(['f1 at 1', 'f2 at 2', 'f3 at 3', 'n1 at 4', 'n2 at 5']);
    ask('late');
    await pass(1);
    expect(log.at(-1)).toBe('late at 9.5');
  });

  it('go round the groups when they narrow down', async () => {
    const { ask, pass, log } = setUp();
    for (const name of ['g1', 'g2', 'g3']) ask(name, narrowing('g', 9));
    for (const name of ['h1', 'h2']) ask(name, narrowing('h', 5));
    ask('i1', narrowing('i', 2));
    await pass(9);
    expect(log.map((line) => line.slice(0, 2))).toEqual(['g1', 'h1', 'i1', 'g2', 'h2', 'g3']);
  });

  it('take no slot if the call is not wanted when its turn comes', async () => {
    const { ask, pass, log } = setUp();
    let full: JoinError | undefined;
    ask('a', { unwanted: () => full });
    ask('b', { unwanted: () => full });
    ask('c', { unwanted: () => full, ...narrowing() });
    ask('d', narrowing('h'));
    await pass(1.5);
    full = FULL;
    await pass(5);
    expect(log).toEqual(['a at 1', 'b: GROUP_FULL', 'c: GROUP_FULL', 'd at 2']);
  });

  it('end in time for the last call, without waiting for it', async () => {
    const { ask, pass, log, turns } = setUp(2000);
    for (const name of ['a', 'b', 'c']) ask(name);
    ask('d', narrowing());
    await pass(2.5);
    expect(log).toEqual(['a at 1', 'b at 2', 'c: DEADLINE_EXCEEDED', 'd: DEADLINE_EXCEEDED']);
    expect(turns.stoppedBy).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });
});

describe('an end of a call', () => {
  it('makes the pacer give way after a refusal for rate, and after nothing else', async () => {
    const { end, refused } = setUp();
    for (const error of [undefined, REJECTED, FULL, INTERNAL, TIMEOUT]) await end(error, 1);
    expect(refused).not.toHaveBeenCalled();
    await end(RATE_REFUSAL, 1);
    expect(refused).toHaveBeenCalledOnce();
  });

  it('stops all others when it is told to, for the first reason that it is given', async () => {
    const { start, ask, pass, log, turns } = setUp();
    const error = new JoinError('UPSTREAM_MISCONFIGURED', { upstreamCode: 1006 });
    await start(1);
    ask('a');
    ask('b', narrowing());
    turns.stop(error);
    turns.stop(new JoinError('CREDENTIALS_UNAVAILABLE'));
    await pass(1);
    ask('c');
    await pass(0);
    expect(log).toEqual(['a', 'b', 'c'].map((name) => `${name}: ${error.code}`));
    expect(turns.stoppedBy).toBe(error);
  });

  it.each([REJECTED, FULL, INTERNAL, FIREWALL, TIMEOUT, RATE_REFUSAL, new JoinError('INTERNAL')])(
    'stops nothing after $code',
    async (error) => {
      const { end, turns } = setUp();
      await end(error, 2);
      await end(undefined, 1);
      expect(turns.stoppedBy).toBeUndefined();
    },
  );
});

describe('doubt', () => {
  it.each([INTERNAL, FIREWALL])('begins with the third $code in a row, and ends when somebody joins', async (error) => {
    const { end, turns } = setUp();
    await end(error, 2);
    expect(turns.isInDoubt).toBe(false);
    // A refusal says nothing of the others.
    await end(REJECTED, 1);
    await end(error, 1);
    expect(turns.isInDoubt).toBe(true);
    await end(undefined, 1);
    expect(turns.isInDoubt).toBe(false);
  });

  it.each<JoinErrorCode>(['UPSTREAM_TIMEOUT', 'UPSTREAM_REJECTED', 'UPSTREAM_RATE_LIMITED', 'GROUP_FULL'])(
    'does not begin with %s',
    async (code) => {
      const { end, turns } = setUp();
      await end(new JoinError(code), 5);
      expect(turns.isInDoubt).toBe(false);
    },
  );

  it('lets calls start one at a time, the smallest narrowing one first, and before first calls', async () => {
    const { end, ask, pass, log, turns } = setUp();
    await end(INTERNAL, 3);
    ask('first');
    ask('big', narrowing('h', 10));
    ask('large', narrowing('g', 9));
    ask('small', narrowing('g', 2));
    ask('middle', narrowing('g', 5));
    await pass(5);
    expect(log).toEqual(['small at 4']);
    turns.ended(ended(INTERNAL));
    await pass(5);
    expect(log.slice(1)).toEqual(['middle at 8']);
    turns.ended(ended(INTERNAL));
    ask('other', narrowing('i', 8));
    await pass(5);
    expect(log.slice(2)).toEqual(['other at 13']);
    turns.ended(ended(undefined));
    await pass(5);
    expect(log.slice(3)).toEqual(['first at 18', 'big at 19', 'large at 20']);
  });

  it('lets first calls start when there is nothing to narrow down', async () => {
    const { end, ask, pass, log } = setUp();
    await end(INTERNAL, 3);
    ask('a');
    ask('b');
    await pass(5);
    expect(log).toEqual(['a at 4']);
  });

  it('does not hold up more than a stop would', async () => {
    const { end, start, ask, pass, log, turns } = setUp();
    await end(INTERNAL, 3);
    await start(1);
    ask('a');
    await pass(5);
    expect(log).toEqual([]);
    const reason = new JoinError('CREDENTIALS_UNAVAILABLE');
    turns.stop(reason);
    await pass(0);
    expect(log).toEqual(['a: CREDENTIALS_UNAVAILABLE']);
    expect(turns.stoppedBy).toBe(reason);
  });
});

describe('an outage', () => {
  it.each([
    [7, 'n at 8'],
    [8, 'n: UPSTREAM_UNAVAILABLE'],
  ])('after %i failures in a row with nobody joined: %s', async (count, expected) => {
    const { end, ask, pass, log, turns } = setUp();
    await end(INTERNAL, count);
    ask('n', narrowing());
    await pass(5);
    expect(log).toEqual([expected]);
    expect(turns.stoppedBy).toBeUndefined();
  });

  it('leaves first calls going, one at a time, and is over when somebody joins', async () => {
    const { end, ask, pass, log, turns } = setUp();
    await end(INTERNAL, 8);
    ask('f1');
    ask('f2');
    await pass(5);
    expect(log).toEqual(['f1 at 9']);
    ask('n', narrowing());
    turns.ended(ended(undefined));
    await pass(5);
    expect(log.slice(1)).toEqual(['f2 at 13', 'n at 14']);
  });

  it('lets narrowing calls wait for the first calls that were asked for', async () => {
    const { end, ask, pass, log, turns } = setUp();
    await end(INTERNAL, 8);
    ask('n', narrowing());
    ask('f');
    await pass(5);
    expect(log).toEqual(['f at 9']);
    turns.ended(ended(undefined));
    await pass(5);
    expect(log.slice(1)).toEqual(['n at 13']);
  });
});

describe('calls without a yes or a no', () => {
  it.each([undefined, REJECTED, FULL])('may be 20 before the others wait for one', async (answer) => {
    const { start, ask, pass, log, turns } = setUp();
    await start(20);
    ask('a');
    ask('b');
    await pass(10);
    turns.ended(ended(TIMEOUT));
    await pass(1);
    expect(log).toEqual([]);
    turns.ended(ended(answer));
    await pass(5);
    expect(log).toHaveLength(2);
    expect(turns.stoppedBy).toBeUndefined();
  });

  it('may be refused for a secret that has changed, however many they are', async () => {
    const { end, turns } = setUp();
    await end(new JoinError('UPSTREAM_CREDENTIALS'), 30);
    expect(turns.stoppedBy).toBeUndefined();
    await end(TIMEOUT, 19);
    expect(turns.stoppedBy).toBeUndefined();
  });

  it.each([TIMEOUT, RATE_REFUSAL])('end the batch after 20 that ended with $code', async (error) => {
    const { end, ask, pass, log, turns } = setUp();
    await end(error, 19);
    await end(undefined, 1);
    await end(error, 20);
    ask('a');
    ask('b', narrowing());
    await pass(5);
    expect(log).toEqual([`a: ${error.code}`, `b: ${error.code}`]);
    expect(turns.stoppedBy).toBe(error);
  });
});
