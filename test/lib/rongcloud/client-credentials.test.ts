import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import { answered, BROKEN, FIRST, failure, type Sent, SUCCESS, startClient } from '../../helpers/client-bed.ts';

describe("a client's credentials", () => {
  it('sends nothing without credentials', async () => {
    const { credentials, sent, join } = startClient();
    credentials.get.mockResolvedValueOnce(new JoinError('CREDENTIALS_UNAVAILABLE'));
    expect(await failure(join())).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE' });
    expect(sent).toEqual([]);
  });

  it('tries once more with other credentials', async () => {
    const { credentials, sent, join } = startClient([answered(1004), SUCCESS]);
    credentials.rotate();
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
    const { credentials, join, hosts } = startClient([answered(1001)]);
    credentials.rotate();
    expect(await failure(join())).toMatchObject({ code: 'UPSTREAM_CREDENTIALS', upstreamCode: 1001 });
    expect(hosts()).toBe('pp');
    expect(credentials.replace).toHaveBeenCalledTimes(1);
  });

  it('gives up when there are no others', async () => {
    const { join, hosts } = startClient([answered(1004)]);
    expect(await failure(join())).toMatchObject({ code: 'UPSTREAM_CREDENTIALS' });
    expect(hosts()).toBe('p');
  });

  it('waits for them no longer than until no sending could follow', async () => {
    const waits: number[] = [];
    // The time limit passes at once.
    const sleep = async (ms: number) => void waits.push(ms);
    const { credentials, sent, join } = startClient([SUCCESS], { sleep });
    credentials.get.mockReturnValueOnce(new Promise(() => {}));
    expect(await failure(join(10_000))).toMatchObject({ code: 'DEADLINE_EXCEEDED', outcome: 'not_sent' });
    expect(waits).toEqual([9000]);
    expect(sent).toEqual([]);
  });

  it('keeps to the refusal when other credentials do not come in time', async () => {
    const sleep = async () => undefined;
    const { credentials, join, hosts } = startClient([answered(1004)], { sleep });
    credentials.get.mockReturnValueOnce(Promise.resolve(FIRST));
    credentials.replace.mockReturnValueOnce(new Promise(() => {}));
    expect(await failure(join())).toMatchObject({ code: 'UPSTREAM_CREDENTIALS' });
    expect(hosts()).toBe('p');
  });

  it('asks for others only when credentials were refused, and not after three attempts', async () => {
    const broken = startClient([BROKEN]);
    await failure(broken.join());
    const late = startClient([BROKEN, BROKEN, answered(1004), SUCCESS]);
    late.credentials.rotate();
    await failure(late.join());
    expect([broken.credentials.replace.mock.calls, late.credentials.replace.mock.calls]).toEqual([[], []]);
    expect(late.hosts()).toBe('pbp');
    const inTime = startClient([BROKEN, answered(1004), SUCCESS]);
    inTime.credentials.rotate();
    expect(await inTime.join()).toBeUndefined();
    expect(inTime.hosts()).toBe('pbb');
  });
});
