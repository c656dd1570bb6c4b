import { JoinError } from '../errors.ts';
import type { ApiUrls } from './data-centers.ts';
import { judgeAnswer } from './return-codes.ts';
import { type AppCredentials, nonceFrom, sign } from './signature.ts';
import type { Transport } from './transport.ts';

const JOIN_PATH = '/group/join.json';
/** RongCloud's own threshold for calling a domain dead. */
const ANSWER_TIMEOUT_MS = 5000;
/** An attempt with less time than this is not worth starting. */
const MIN_ATTEMPT_MS = 1000;

export interface ClientOptions {
  urls: ApiUrls;
  transport: Transport;
  credentials: { get(): Promise<AppCredentials> };
  /** Milliseconds since 1970. */
  now: () => number;
  randomBytes: (size: number) => Uint8Array;
}

export interface CallOptions {
  /** Sent as `X-Request-ID`, at most 36 characters. */
  requestId: string;
  /** When this call must be over, in milliseconds since 1970. */
  deadline: number;
}

export interface RongCloudClient {
  /**
   * Makes one `/group/join.json` call with a form of `toCalls`. Resolves when every user in it has joined, throws
   * a JoinError otherwise.
   */
  join(form: string, options: CallOptions): Promise<void>;
}

export function createClient({ urls, transport, credentials, now, randomBytes }: ClientOptions): RongCloudClient {
  const url = new URL(JOIN_PATH, urls[0]);
  return {
    async join(form, { requestId, deadline }) {
      const app = await credentials.get();
      const leftMs = deadline - now();
      if (leftMs < MIN_ATTEMPT_MS) throw new JoinError('DEADLINE_EXCEEDED');
      const answer = await transport.post({
        url,
        headers: {
          ...sign(app, nonceFrom(randomBytes(9)), now()),
          'Content-Type': 'application/x-www-form-urlencoded',
          'X-Request-ID': requestId,
        },
        body: form,
        timeoutMs: Math.min(ANSWER_TIMEOUT_MS, leftMs),
      });
      const error = judgeAnswer(answer);
      if (error) throw error;
    },
  };
}
