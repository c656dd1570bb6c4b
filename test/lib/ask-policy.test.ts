import { describe, expect, it, vi } from 'vitest';
import { askPolicy, type Decide } from '../../lib/ask-policy.ts';
import type { JoinError } from '../../lib/errors.ts';
import type { Caller } from '../../lib/identity/caller.ts';
import { createSimulatedTime, type SimulatedTime } from '../../tools/sim/simulated-time.ts';
import { ask as askDoor } from '../helpers/http-door.ts';

const caller: Caller = { kind: 'user', userId: 'alice', groupPatterns: ['a'], claims: { roles: [{ of: 'a' }] } };

/** Asks a rule, with a deadline 8 seconds away, and gives the failure that it ends with, when, and the waits. */
async function ask(rule: (...args: [...Parameters<Decide>, SimulatedTime]) => unknown, deadlineMs = 8000) {
  const time = createSimulatedTime(0);
  const sleep = vi.fn(time.sleep);
  const decide = vi.fn((...args: Parameters<Decide>) => rule(...args, time)) as unknown as Decide;
  const asked = askPolicy({ decide, clock: time.clock, sleep }, caller, request(), deadlineMs);
  const failure = await time.run(
    asked.then(
      () => undefined,
      (error: JoinError) => error,
    ),
  );
  return { failure, endedAt: time.now(), sleep, time };
}
const plant = (): never => {
  throw new Error('planted');
};
const request = () => ({ groupId: 'g', userIds: ['alice'] });

const thenable = (then: (done: (value: unknown) => void) => void): object =>
  Object.defineProperty({}, 'then', { value: then });

const NO = { allowed: false, reason: 'No.' } as const;

describe('a rule', () => {
  it.each([
    ['at once', (decision: unknown) => decision],
    ['in a promise', async (decision: unknown) => decision],
    ['in a promise of another library', (decision: unknown) => thenable((done) => done(decision))],
  ])('that decides %s lets in, or refuses with its reason', async (_how, give) => {
    expect((await ask(() => give({ allowed: true }))).failure).toBeUndefined();
    const { failure } = await ask(() => give(NO));
    expect(failure).toMatchObject({ code: 'FORBIDDEN', message: 'No.' });
  });

  it('may take a while', async () => {
    const lookUp: Parameters<typeof ask>[0] = async (_caller, _request, _options, time) => {
      await time.sleep(1999);
      return { allowed: true };
    };
    expect(await ask(lookUp)).toMatchObject({ failure: undefined, endedAt: 1999 });
  });

  it('that decides at once causes no wait', async () => {
    const { failure, sleep } = await ask(() => ({ allowed: true }));
    expect(failure).toBeUndefined();
    expect(sleep).not.toHaveBeenCalled();
  });

  it.each([
    [8000, 2000],
    [1200, 1200],
    [-5, 0],
  ])(
    'with a deadline in %i ms has %i ms, and learns from its signal when they are over',
    async (deadlineMs, limitMs) => {
      let seen: AbortSignal | undefined;
      const hang: Decide = (_caller, _request, { signal }) => {
        seen = signal;
        return new Promise(() => {});
      };
      const { failure, endedAt } = await ask(hang, deadlineMs);
      expect(failure).toMatchObject({
        code: 'POLICY_UNAVAILABLE',
        cause: { name: 'TimeoutError', message: `the rule gave no answer within ${limitMs} ms` },
      });
      expect(endedAt).toBe(limitMs);
      expect(seen).toMatchObject({ aborted: true, reason: { name: 'TimeoutError' } });
    },
  );

  it('finds its signal in a copy of its options', async () => {
    let copy: object | undefined;
    await ask((_caller, _request, options) => {
      copy = { ...options, method: 'POST' };
      return { allowed: true };
    });
    expect(copy).toMatchObject({ signal: { aborted: false } });
  });

  it('that asks for its signal late finds it aborted', async () => {
    let aborted: boolean | undefined;
    const { time } = await ask(async (_caller, _request, options, time) => {
      await time.sleep(3000);
      aborted = options.signal.aborted;
    });
    await time.run(time.sleep(1500));
    expect(aborted).toBe(true);
  });

  it('is not aborted once it has decided', async () => {
    let seen: AbortSignal | undefined;
    const { time } = await ask(async (_caller, _request, { signal }) => {
      seen = signal;
      return { allowed: true };
    });
    await time.run(time.sleep(10_000));
    expect(seen?.aborted).toBe(false);
  });

  it('may fail after its time without a trace', async () => {
    const rejections = vi.fn();
    process.on('unhandledRejection', rejections);
    const { time } = await ask(async (_caller, _request, _options, time) => {
      await time.sleep(3000);
      throw new Error('planted');
    });
    await time.run(time.sleep(2000));
    await new Promise(setImmediate);
    process.off('unhandledRejection', rejections);
    expect(rejections).not.toHaveBeenCalled();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('planted');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('planted');
      },
    ],
    ['throws where its promise is read', () => Object.defineProperty({}, 'then', { get: plant })],
    [
      'throws where its answer is read',
      () => ({
        get allowed() {
          throw new Error('planted');
        },
      }),
    ],
  ])('that %s lets nobody in, and keeps its cause', async (_what, rule) => {
    const { failure } = await ask(rule);
    expect(failure).toMatchObject({ code: 'POLICY_UNAVAILABLE', status: 503, cause: { message: 'planted' } });
  });

  it.each([
    undefined,
    null,
    true,
    'yes',
    1,
    [],
    {},
    { allowed: 1 },
    { allowed: 'true' },
    { allowed: false },
    { reason: 'No.' },
    { allowed: false, reason: 1 },
    () => ({ allowed: true }),
  ])('that gives %j lets nobody in', async (answer) => {
    for (const give of [() => answer, async () => answer]) {
      const { failure } = await ask(give);
      expect(failure).toMatchObject({ code: 'POLICY_UNAVAILABLE', cause: { message: 'the rule gave no Decision' } });
    }
  });

  it('whose answer changes from look to look lets nobody in', async () => {
    const answers = [false, true];
    const { failure } = await ask(() => ({
      get allowed() {
        return answers.shift();
      },
      reason: 'No.',
    }));
    expect(failure).toMatchObject({ code: 'FORBIDDEN', message: 'No.' });
  });

  it.each<[string, (...asked: Parameters<Decide>) => object]>([
    ['the caller', (caller) => caller],
    ["the caller's groups", (caller) => ('groupPatterns' in caller ? caller.groupPatterns : {})],
    ['the claims', (caller) => caller.claims],
    ['what a claim holds', (caller) => Object(caller.claims.roles)[0]],
    ['the request', (_caller, request) => request],
    ['the users', (_caller, request) => request.userIds],
    ['the options', (_caller, _request, options) => options],
  ])('that changes %s fails', async (_what, partOf) => {
    const { failure } = await ask((...asked) => {
      Object.assign(partOf(asked[0], asked[1], asked[2]), { 0: 'bob' });
      return { allowed: true };
    });
    expect(failure).toMatchObject({ code: 'POLICY_UNAVAILABLE', cause: { name: 'TypeError' } });
  });
});

describe('the HTTP door', () => {
  const fails = () => {
    throw new Error('planted');
  };

  it('answers 503 when the rule fails, sends nothing and says nothing of the cause', async () => {
    const { statusCode, json, body, headers, joinUsers, log } = await askDoor({ decide: fails });
    expect(statusCode).toBe(503);
    expect(json).toMatchObject({ code: 'POLICY_UNAVAILABLE', outcome: 'not_sent', retryable: true });
    expect(headers).toMatchObject({ 'Retry-After': '5' });
    expect(body).not.toContain('planted');
    expect(joinUsers).not.toHaveBeenCalled();
    expect(log.mock.lastCall?.[1]).toMatchObject({ code: 'POLICY_UNAVAILABLE', cause: { message: 'planted' } });
  });

  it.each(['respond-async', 'respond-async, wait=2'])(
    'queues nothing with Prefer: %s when the rule fails',
    async (prefer) => {
      const enqueue = vi.fn(async () => undefined);
      for (const decide of [fails, async () => fails(), () => new Promise<never>(() => {})]) {
        const answer = await askDoor({ decide, enqueue, headers: { prefer }, sleep: async () => undefined });
        expect(answer).toMatchObject({ statusCode: 503, json: { code: 'POLICY_UNAVAILABLE' } });
      }
      expect(enqueue).not.toHaveBeenCalled();
    },
  );
});
