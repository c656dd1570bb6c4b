import { describe, expect, it } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import { RequestCalls, type RequestClient } from '../../../lib/join/request-calls.ts';
import type { WantedCall } from '../../../lib/join/settle.ts';
import type { CallEnd } from '../../../lib/rongcloud/call.ts';

const LATE = new JoinError('DEADLINE_EXCEEDED');
const REJECTED: CallEnd = { kind: 'failed', error: new JoinError('UPSTREAM_REJECTED', { upstreamCode: 1002 }) };
const JOINED: CallEnd = { kind: 'joined' };

const usersOf = (form: string) => new URLSearchParams(form).getAll('userId').join('');
const wanted = (users: string, kind: WantedCall['kind'] = 'narrowing'): WantedCall => ({
  ...{ kind, groupId: 'g', userIds: [...users] },
  unwanted: () => undefined,
});

/**
 * Calls whose sendings end as `endOf` says, by their users and how often they were sent. A second sending follows where
 * one of `again` is set.
 */
function createCalls(
  endOf: (users: string, sending: number) => CallEnd,
  again: { died?: true; newSecret?: true } = {},
) {
  const sent: string[] = [];
  let sleeps = 0;
  const client = {
    isWary: false,
    async callWithRetries(form: string) {
      sent.push(usersOf(form));
      return { ...endOf(usersOf(form), 1), sendings: 1 };
    },
    newCall(form: string) {
      let last: CallEnd | undefined;
      let sendings = 0;
      return {
        async send() {
          sent.push(usersOf(form));
          sendings += 1;
          last = endOf(usersOf(form), sendings);
          return last;
        },
        get metDeadConnection() {
          return again.died === true && sendings === 1;
        },
        hasNewSecret: async () => again.newSecret === true && sendings === 1,
        over: (why: JoinError): CallEnd => (last && last.kind !== 'not_started' ? last : { kind: 'not_started', why }),
      };
    },
  } as unknown as RequestClient;
  const sleep = async (ms: number) => {
    sleeps += 1;
    await new Promise((resolve) => setTimeout(resolve, ms));
  };
  const log = { sent: () => {}, waitedForSecret: () => {} };
  const calls = new RequestCalls(client, sleep, { requestId: 'r', deadline: 8000, log }, 10);
  return { calls, sent, sleeps: () => sleeps };
}

describe('the calls of a request', () => {
  it('wait for nothing while everyone joins', async () => {
    const { calls, sleeps } = createCalls(() => JOINED);
    await Promise.all([calls.makeCall(wanted('ab', 'first')), calls.makeCall(wanted('cd', 'first'))]);
    expect(sleeps()).toBe(0);
  });

  it.each(['first', 'narrowing'] as const)(
    'let whoever waited for a %s one ask for smaller ones first',
    async (kind) => {
      const { calls, sent } = createCalls((users) => (users.includes('b') ? REJECTED : JOINED));
      const split = async () => {
        await calls.makeCall(wanted('abcd', kind));
        // Whoever splits a call needs a few steps for it.
        for (let step = 0; step < 5; step++) await Promise.resolve();
        await Promise.all([calls.makeCall(wanted('cd')), calls.makeCall(wanted('b'))]);
      };
      await Promise.all([split(), calls.makeCall(wanted('efgh'))]);
      expect(sent).toEqual(['abcd', 'b', 'cd', 'efgh']);
    },
  );

  it('are the smallest that wait, however long another has waited', async () => {
    const { calls, sent } = createCalls(() => JOINED);
    const waiting = ['abc', 'defg', 'h', 'ij'];
    await Promise.all(waiting.map((users) => calls.makeCall(wanted(users))));
    expect(sent).toEqual(['abc', 'h', 'ij', 'defg']);
  });

  it('are over once one was not started for what concerns all', async () => {
    const missing = new JoinError('CREDENTIALS_UNAVAILABLE');
    const { calls, sent } = createCalls(() => ({ kind: 'not_started', why: missing }));
    const ends = await Promise.all(['ab', 'cd', 'ef'].map((users) => calls.makeCall(wanted(users, 'first'))));
    expect(sent).toEqual(['ab']);
    expect(ends.map((end) => end.kind === 'not_started' && end.why.code)).toEqual(Array(3).fill(missing.code));
  });

  it('say why a narrowing one was not started', async () => {
    const { calls, sent } = createCalls(() => ({ kind: 'not_started', why: LATE }));
    expect(await calls.makeCall(wanted('a'))).toEqual({ kind: 'not_started', why: LATE });
    expect(await calls.makeCall(wanted('b'))).toMatchObject({ kind: 'not_started', why: { code: LATE.code } });
    expect(sent).toEqual(['a']);
  });

  it.each([
    ['met a dead connection', { died: true }],
    ['was refused for a secret that has changed', { newSecret: true }],
  ] as const)('send a narrowing one once more that %s', async (_, again) => {
    const { calls, sent } = createCalls((_users, sending) => (sending === 1 ? REJECTED : JOINED), again);
    expect(await calls.makeCall(wanted('a'))).toEqual(JOINED);
    expect(sent).toEqual(['a', 'a']);
  });
});
