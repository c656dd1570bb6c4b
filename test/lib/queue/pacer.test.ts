import { describe, expect, it } from 'vitest';
import { createPacer } from '../../../lib/queue/pacer.ts';

function setUp(ratePerSecond = 20) {
  const clock = { ms: 10_000 };
  const pacer = createPacer({
    ratePerSecond,
    now: () => clock.ms,
    sleep: async (ms) => {
      clock.ms += ms;
    },
  });
  const always = () => true;
  const slots = async (count: number) => {
    const times: number[] = [];
    await Promise.all(
      Array.from({ length: count }, async () => {
        await pacer.slot(always);
        times.push(clock.ms);
      }),
    );
    return times;
  };
  return { clock, pacer, slots };
}

describe('createPacer', () => {
  it('gives slots an interval apart, the first of an invocation one interval after its start', async () => {
    const { pacer, slots } = setUp();
    pacer.begin();
    expect(await slots(4)).toEqual([10_050, 10_100, 10_150, 10_200]);
  });

  it('keeps the rate over the start of another invocation, and makes up for no pause', async () => {
    const { clock, pacer, slots } = setUp();
    pacer.begin();
    await slots(1);
    pacer.begin();
    expect(await slots(1)).toEqual([10_100]);
    clock.ms = 20_000;
    pacer.begin();
    expect(await slots(3)).toEqual([20_050, 20_100, 20_150]);
  });

  it('makes no burst after a stall in the middle', async () => {
    const { clock, pacer, slots } = setUp();
    pacer.begin();
    await slots(2);
    clock.ms += 5000;
    const [first = 0, second = 0, third = 0] = await slots(3);
    expect([second - first, third - second]).toEqual([50, 50]);
  });

  it('takes no time for a slot that is not wanted any more', async () => {
    const { clock, pacer, slots } = setUp();
    pacer.begin();
    expect(await pacer.slot((at) => at <= 10_049)).toBe(false);
    expect(clock.ms).toBe(10_000);
    expect(await pacer.slot((at) => at <= 10_050)).toBe(true);
    expect(await slots(1)).toEqual([10_100]);
  });
});
