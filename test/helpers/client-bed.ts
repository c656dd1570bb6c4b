import { vi } from 'vitest';
import type { JoinError } from '../../lib/errors.ts';
import type { Sending } from '../../lib/rongcloud/attempts.ts';
import type { CallEnd, CallOptions } from '../../lib/rongcloud/call.ts';
import { type ClientOptions, RongCloudClient } from '../../lib/rongcloud/client.ts';
import type { UpstreamAnswer } from '../../lib/rongcloud/return-codes.ts';
import type { AppCredentials, CredentialSource } from '../../lib/rongcloud/signature.ts';
import { clockOf } from './clock-of.ts';

export const FIRST: AppCredentials = { appKey: 'key', appSecret: 'first' };
export const SECOND: AppCredentials = { appKey: 'key', appSecret: 'second' };
export const answered = (code: number, status = 200): UpstreamAnswer => ({
  status,
  body: `{"code":${code}}`,
  complete: true,
});
export const SUCCESS = answered(200);
export const BROKEN = answered(1050, 504);

/** A sending, and when it went out. */
export interface Sent {
  host: string;
  path: string;
  headers: Record<string, string>;
  body: string;
  timeoutMs: number;
  at: number;
}

/** A client whose nth sending ends as told; the last ending goes on for ever. Waits pass at once. */
export function startClient(endings: (UpstreamAnswer | JoinError)[] = [SUCCESS], options: Partial<ClientOptions> = {}) {
  const clock = { ms: 1_700_000_000_000 };
  const sent: Sent[] = [];
  const slept: number[] = [];
  const attempts: Sending[] = [];
  let seed = 0;
  const credentials = {
    get: vi.fn((): ReturnType<CredentialSource['get']> => FIRST),
    replace: vi.fn(async (): Promise<AppCredentials | undefined> => undefined),
    /** From the next read on there are others. */
    rotate(): void {
      credentials.replace.mockImplementation(async () => {
        credentials.get.mockReturnValue(SECOND);
        return SECOND;
      });
    },
  };
  const client = new RongCloudClient({
    urls: ['https://p.example', 'https://b.example'],
    transport: {
      async post({ url, headers, body, timeoutMs }) {
        sent.push({ host: url.hostname, path: url.pathname, headers, body, timeoutMs, at: clock.ms });
        const ending = endings[Math.min(sent.length, endings.length) - 1] ?? SUCCESS;
        return ending;
      },
      close: () => {},
    },
    credentials,
    clock: clockOf(() => clock.ms),
    random: () => 0.5,
    randomUUID: () => `${seed++}`.padStart(32, '0'),
    sleep: async (ms, waiting) => {
      // A wait that may be cut short is a time limit, and nothing here is late.
      if (waiting) return new Promise(() => {});
      // Lets others go on, and takes no time.
      if (ms === 0) return undefined;
      slept.push(ms);
      clock.ms += ms;
      return undefined;
    },
    ...options,
  });
  const log = { sent: (sending: Sending) => attempts.push(sending), waitedForSecret: () => {} };
  const join = async (leftMs = 10_000, more: Partial<CallOptions> = {}) =>
    errorOf(
      await client.callWithRetries('groupId=g&userId=a', {
        requestId: 'r-1',
        deadline: clock.ms + leftMs,
        log,
        ...more,
      }),
    );
  const call = (leftMs = 10_000) =>
    client.newCall('groupId=g&userId=a', { requestId: 'r-1', deadline: clock.ms + leftMs, log });
  const hosts = () => sent.map(({ host }) => host[0]).join('');
  return { client, clock, sent, slept, attempts, credentials, join, call, hosts };
}

/** The failure of a join; throws if it succeeded. */
export const failure = async (join: Promise<JoinError | undefined>) => {
  const error = await join;
  if (error) return error;
  throw new Error('the join succeeded');
};

/** Why a call's users did not join, if they did not. */
export function errorOf(end: CallEnd): JoinError | undefined {
  if (end.kind === 'joined') return undefined;
  return end.kind === 'failed' ? end.error : end.why;
}
