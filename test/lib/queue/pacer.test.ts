import { describe, expect, it } from 'vitest';
import { Pacer } from '../../../lib/queue/pacer.ts';
import { createSimulatedTime } from '../../../tools/sim/simulated-time.ts';

function setUp(ratePerSecond = 20) {
  const time = createSimulatedTime(0);
  const pacer = new Pacer({ ratePerSecond, clock: time.clock, sleep: time.sleep });
  const give = async (count: number) => {
    const slots: number[] = [];
    while (slots.length < count) {
      await pacer.slot(() => true);
      slots.push(time.now());
    }
    return slots;
  };
  return {
    time,
    pacer,
    /** The times of the next slots, rounded to milliseconds. */
    slots: async (count: number) => (await time.run(give(count))).map(Math.round),
    pass: (ms: number) => time.run(time.sleep(ms)),
    /** How long a slot takes from now on. */
    async interval() {
      pacer.begin();
      const startedAt = time.now();
      const [at = 0] = await time.run(give(1));
      return Math.round(at - startedAt);
    },
  };
}

describe('the slots', () => {
  it('are an interval apart, the first of an invocation one interval after its start', async () => {
    const { pacer, slots } = setUp();
    pacer.begin();
    expect(await slots(4)).toEqual([50, 100, 150, 200]);
  });

  it('keep the rate over the start of another invocation, and make up for no pause', async () => {
    const { pacer, slots, pass } = setUp();
    pacer.begin();
    await slots(1);
    pacer.begin();
    expect(await slots(1)).toEqual([100]);
    await pass(9900);
    pacer.begin();
    expect(await slots(3)).toEqual([10_050, 10_100, 10_150]);
  });

  it('make no burst after a stall in the middle', async () => {
    const { pacer, slots, pass } = setUp();
    pacer.begin();
    await slots(2);
    await pass(5000);
    expect(await slots(3)).toEqual([5100, 5150, 5200]);
  });

  it('count from when they were really given, where a wait lasts longer than it should', async () => {
    const time = createSimulatedTime(0);
    const pacer = new Pacer({ ratePerSecond: 20, clock: time.clock, sleep: (ms) => time.sleep(ms + 30) });
    pacer.begin();
    for (const at of [80, 160]) {
      await time.run(pacer.slot(() => true));
      expect(time.now()).toBe(at);
    }
  });

  it('take no time if they are not wanted any more', async () => {
    const { time, pacer, slots } = setUp();
    pacer.begin();
    const asked: number[] = [];
    const wanted = (limit: number) => (at: number) => {
      asked.push(at);
      return at <= limit;
    };
    expect(await time.run(pacer.slot(wanted(49)))).toBe(false);
    expect(time.now()).toBe(0);
    expect(await time.run(pacer.slot(wanted(50)))).toBe(true);
    expect(asked).toEqual([50, 50]);
    expect(await slots(1)).toEqual([100]);
  });

  it('may be less than one a second', async () => {
    const { pacer, slots } = setUp(0.5);
    pacer.begin();
    expect(await slots(2)).toEqual([2000, 4000]);
  });
});

describe('a refusal', () => {
  it('leaves a quarter of the rate, however many come at once', async () => {
    const { pacer, interval } = setUp(24);
    expect(await interval()).toBe(Math.round(1000 / 24));
    for (let i = 0; i < 5; i++) pacer.slowDown();
    expect(await interval()).toBe(Math.round(1000 / 6));
  });

  it.each([
    [999, 6],
    [1000, 1.75],
  ])('%i ms after another leaves %d calls a second', async (ms, rate) => {
    const { pacer, interval, pass } = setUp(24);
    pacer.slowDown();
    await pass(ms);
    pacer.slowDown();
    expect(await interval()).toBe(Math.round(1000 / rate));
  });

  it('cuts it again a second later, while refusals go on', async () => {
    const { pacer, interval, pass } = setUp(24);
    for (let i = 0; i < 3; i++) {
      pacer.slowDown();
      await pass(600);
    }
    expect(await interval()).toBe(Math.round(1000 / 1.5));
  });

  it('leaves one call a second', async () => {
    const { pacer, interval } = setUp(1.5);
    pacer.slowDown();
    expect(await interval()).toBe(1000);
  });

  it('lowers no rate that is under one a second, and nothing raises it', async () => {
    const { pacer, interval, pass } = setUp(0.5);
    pacer.slowDown();
    expect(await interval()).toBe(2000);
    await pass(60_000);
    expect(await interval()).toBe(2000);
  });

  it('gives one call a second back for each second without another, up to the configured rate', async () => {
    for (const [ms, rate] of [
      [0, 6],
      [999, 6],
      [1000, 7],
      [5999, 11],
      [17_000, 23],
      [18_000, 24],
      [3_600_000, 24],
    ] as const) {
      const { pacer, interval, pass } = setUp(24);
      pacer.slowDown();
      await pass(ms);
      expect(await interval(), `${ms} ms later`).toBe(Math.round(1000 / rate));
    }
  });

  it('begins the wait anew, if it comes before a second is over', async () => {
    const { pacer, interval, pass } = setUp(24);
    pacer.slowDown();
    await pass(900);
    pacer.slowDown();
    await pass(900);
    expect(await interval()).toBe(Math.round(1000 / 6));
  });
});
