import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import { type Attempt, type ClientOptions, createClient } from '../../../lib/rongcloud/client.ts';
import type { UpstreamAnswer } from '../../../lib/rongcloud/return-codes.ts';
import type { AppCredentials } from '../../../lib/rongcloud/signature.ts';

const FIRST: AppCredentials = { appKey: 'key', appSecret: 'first' };
const SECOND: AppCredentials = { appKey: 'key', appSecret: 'second' };
const answered = (code: number, status = 200): UpstreamAnswer => ({ status, body: `{"code":${code}}`, complete: true });
const SUCCESS = answered(200);
const BROKEN = answered(1050, 504);

interface Sent {
  host: string;
  headers: Record<string, string>;
  body: string;
  timeoutMs: number;
  at: number;
}

/** A client whose nth sending ends as told; the last ending goes on for ever. */
function setUp(endings: (UpstreamAnswer | JoinError)[] = [SUCCESS], options: Partial<ClientOptions> = {}) {
  const clock = { ms: 1_700_000_000_000 };
  const sent: Sent[] = [];
  const slept: number[] = [];
  const attempts: Attempt[] = [];
  let seed = 0;
  const credentials = {
    get: vi.fn(async (): Promise<AppCredentials | JoinError> => FIRST),
    replace: vi.fn(async (): Promise<AppCredentials | undefined> => undefined),
  };
  const client = createClient({
    urls: ['https://p.example', 'https://b.example'],
    transport: {
      async post({ url, headers, body, timeoutMs }) {
        sent.push({ host: url.hostname, headers, body, timeoutMs, at: clock.ms });
        const ending = endings[Math.min(sent.length, endings.length) - 1] ?? SUCCESS;
        return ending;
      },
      close: () => {},
    },
    credentials,
    now: () => clock.ms,
    random: () => 0.5,
    randomBytes: (size) => new Uint8Array(size).fill(seed++),
    sleep: async (ms, waiting) => {
      // A wait that may be cut short is a time limit, and nothing here is late.
      if (waiting) return new Promise(() => {});
      slept.push(ms);
      clock.ms += ms;
      return undefined;
    },
    ...options,
  });
  const join = (leftMs = 10_000) =>
    client.join('groupId=g&userId=a', {
      requestId: 'r-1',
      deadline: clock.ms + leftMs,
      onAttempt: (attempt) => attempts.push(attempt),
    });
  const hosts = () => sent.map(({ host }) => host[0]).join('');
  return { clock, sent, slept, attempts, credentials, join, hosts };
}

const failure = async (join: Promise<JoinError | undefined>) => {
  const error = await join;
  if (error) return error;
  throw new Error('the join succeeded');
};

describe('createClient', () => {
  it('posts the form, signed, to the primary', async () => {
    const { sent, join } = setUp();
    await join();
    const nonce = '000000000000000000';
    expect(sent).toEqual([
      {
        host: 'p.example',
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
    const { sent, join } = setUp([BROKEN, BROKEN, SUCCESS]);
    await join();
    expect(new Set(sent.map(({ headers }) => headers.Nonce)).size).toBe(3);
    expect(sent.map(({ headers, at }) => headers.Timestamp === String(at))).toEqual([true, true, true]);
    expect(new Set(sent.map(({ headers }) => headers.Signature)).size).toBe(3);
    expect(new Set(sent.map(({ headers }) => headers['X-Request-ID']))).toEqual(new Set(['r-1']));
  });

  it('gives what the answer means', async () => {
    const { join, hosts } = setUp([answered(405)]);
    expect(await failure(join())).toMatchObject({ code: 'GROUP_FULL', upstreamCode: 405 });
    expect(hosts()).toBe('p');
  });

  it.each([
    [999, undefined],
    [1000, 1000],
    [4999, 4999],
    [5001, 5000],
  ])('with %i ms left gives an attempt %s ms', async (leftMs, timeoutMs) => {
    const { sent, join } = setUp();
    if (timeoutMs === undefined) {
      expect(await failure(join(leftMs))).toMatchObject({ code: 'DEADLINE_EXCEEDED', outcome: 'not_sent' });
      expect(sent).toEqual([]);
    } else {
      await join(leftMs);
      expect(sent.map((request) => request.timeoutMs)).toEqual([timeoutMs]);
    }
  });

  it('tries no more than 3 times, nor once with too little time left', async () => {
    const many = setUp([BROKEN]);
    await failure(many.join());
    expect(many.hosts()).toBe('pbp');
    const late = setUp([BROKEN]);
    // Half of the 100 ms before the other domain, and a millisecond less than an attempt wants.
    await failure(late.join(50 + 999));
    expect(late.hosts()).toBe('p');
    expect(late.slept).toEqual([]);
    const limited = setUp([answered(1008, 429)]);
    await failure(limited.join(1500 + 999));
    expect([limited.hosts(), limited.slept]).toEqual(['p', []]);
    const inTime = setUp([BROKEN]);
    await failure(inTime.join(50 + 1000));
    expect(inTime.hosts()).toBe('pb');
  });

  it('makes one attempt where it is told to', async () => {
    const { join, hosts } = setUp([BROKEN], { maxAttempts: 1 });
    await failure(join());
    await failure(join());
    expect(hosts()).toBe('pb');
  });

  it('stays on the domain that works', async () => {
    const { join, hosts } = setUp([BROKEN, SUCCESS]);
    await join();
    await join();
    await join();
    expect(hosts()).toBe('pbbb');
  });

  it('does not leave a domain that refuses the request', async () => {
    const { join, hosts } = setUp([answered(1002), answered(1004), answered(1006), SUCCESS]);
    for (let i = 0; i < 3; i++) await failure(join());
    await join();
    expect(hosts()).toBe('pppp');
  });

  it('reports the least certain of its attempts, and the last of equals', async () => {
    const timeout = new JoinError('UPSTREAM_TIMEOUT');
    const refused = new JoinError('UPSTREAM_UNREACHABLE');
    expect(await failure(setUp([timeout, refused]).join())).toBe(timeout);
    expect(await failure(setUp([timeout, answered(405)]).join())).toBe(timeout);
    expect(await failure(setUp([refused, answered(405)]).join())).toMatchObject({ code: 'GROUP_FULL' });
    expect(await failure(setUp([timeout, BROKEN, BROKEN]).join())).toMatchObject({ upstreamCode: 1050 });
  });

  it('tells of every attempt', async () => {
    const { attempts, join } = setUp([BROKEN, SUCCESS]);
    await join();
    expect(attempts.map(({ host, error }) => [host, error?.code])).toEqual([
      ['p.example', 'UPSTREAM_UNAVAILABLE'],
      ['b.example', undefined],
    ]);
  });

  it('uses its one domain again where there is no backup', async () => {
    const { join, hosts, slept } = setUp([BROKEN, BROKEN, SUCCESS], { urls: ['https://p.example'] });
    await join();
    expect(hosts()).toBe('ppp');
    expect(slept).toEqual([100, 200]);
  });

  it('earns a retry for ten successes at the first try, and keeps ten at most', async () => {
    const endings: (UpstreamAnswer | JoinError)[] = [];
    const { join, sent } = setUp(endings);
    const retriesOf = async (calls: number, ending: UpstreamAnswer) => {
      const before = sent.length;
      endings.length = 0;
      endings.push(ending);
      for (let i = 0; i < calls; i++) await join();
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
    const { join } = setUp([], { transport: { post, close: () => {} } });
    expect(await failure(join())).toMatchObject({ code: 'INTERNAL', outcome: 'unknown', cause: { message: 'a bug' } });
  });

  it('sends nothing without credentials', async () => {
    const { credentials, sent, join } = setUp();
    credentials.get.mockResolvedValueOnce(new JoinError('CREDENTIALS_UNAVAILABLE'));
    expect(await failure(join())).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE' });
    expect(sent).toEqual([]);
  });

  it.each([1, 3])('tries once more with other credentials, of %i attempts', async (maxAttempts) => {
    const { credentials, sent, join } = setUp([answered(1004), SUCCESS], { maxAttempts });
    credentials.replace.mockResolvedValue(SECOND);
    await join();
    expect(credentials.replace.mock.calls).toEqual([[FIRST]]);
    const signature = ({ headers }: Sent, secret: string) =>
      createHash('sha1').update(`${secret}${headers.Nonce}${headers.Timestamp}`).digest('hex');
    expect(sent.map((one, i) => one.headers.Signature === signature(one, i === 0 ? 'first' : 'second'))).toEqual([
      true,
      true,
    ]);
  });

  it('gives up when other credentials are refused too', async () => {
    const { credentials, join, hosts } = setUp([answered(1001)]);
    credentials.replace.mockResolvedValue(SECOND);
    expect(await failure(join())).toMatchObject({ code: 'UPSTREAM_CREDENTIALS', upstreamCode: 1001 });
    expect(hosts()).toBe('pp');
    expect(credentials.replace).toHaveBeenCalledTimes(1);
  });

  it('gives up when there are no others', async () => {
    const { join, hosts } = setUp([answered(1004)]);
    expect(await failure(join())).toMatchObject({ code: 'UPSTREAM_CREDENTIALS' });
    expect(hosts()).toBe('p');
  });
});
