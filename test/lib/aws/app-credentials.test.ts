import { afterEach, describe, expect, it, vi } from 'vitest';
import { Credentials, secretsManagerReader } from '../../../lib/aws/app-credentials.ts';
import type { Sleep } from '../../../lib/clock.ts';
import type { AwsOperation } from '../../../sandbox/aws/operation.ts';
import { getSecretValue } from '../../../sandbox/aws/secrets-manager.ts';
import { startAws } from '../../../sandbox/aws/server.ts';
import { clockOf } from '../../helpers/clock-of.ts';

const SECRET = '{"appKey":"key","appSecret":"s3cret"}';
const MINUTE = 60_000;

function setUp(
  read = vi.fn(async (): Promise<string | undefined> => SECRET),
  sleep: Sleep = () => new Promise(() => {}),
) {
  const clock = { ms: 0 };
  return { clock, read, credentials: new Credentials({ read, clock: clockOf(() => clock.ms), sleep }) };
}

describe('Credentials', () => {
  it('reads once in 5 minutes', async () => {
    const { clock, read, credentials } = setUp();
    expect(await credentials.get()).toEqual({ appKey: 'key', appSecret: 's3cret' });
    clock.ms = 5 * MINUTE - 1;
    // At hand, it is no promise: a call would else race it against its deadline.
    expect(credentials.get()).toEqual({ appKey: 'key', appSecret: 's3cret' });
    expect(read).toHaveBeenCalledTimes(1);
    clock.ms = 5 * MINUTE;
    await credentials.get();
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('reads again, also for a refused secret, after a clock that was ahead has been set right', async () => {
    const { clock, read, credentials } = setUp();
    clock.ms = 60 * MINUTE;
    const held = await credentials.get();
    expect(await credentials.replace({ appKey: 'key', appSecret: 's3cret' })).toBeUndefined();
    expect(read).toHaveBeenCalledTimes(2);
    clock.ms = 0;
    expect(await credentials.get()).toEqual(held);
    expect(read).toHaveBeenCalledTimes(3);
    read.mockResolvedValue('{"appKey":"key","appSecret":"new"}');
    expect(await credentials.replace({ appKey: 'key', appSecret: 's3cret' })).toMatchObject({ appSecret: 'new' });
  });

  it('serves what it holds if the read after a clock was set right fails', async () => {
    const { clock, read, credentials } = setUp();
    clock.ms = 60 * MINUTE;
    const held = await credentials.get();
    clock.ms = 0;
    read.mockRejectedValue(new Error('down'));
    expect(await credentials.get()).toEqual(held);
  });

  it('makes one read for 20 calls at once', async () => {
    const { read, credentials } = setUp();
    await Promise.all(Array.from({ length: 20 }, () => credentials.get()));
    expect(read).toHaveBeenCalledTimes(1);
  });

  it('does not keep a failure', async () => {
    const { read, credentials } = setUp();
    const cause = new Error('throttled');
    read.mockRejectedValueOnce(cause);
    expect(await credentials.get()).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE', cause });
    expect(await credentials.get()).toEqual({ appKey: 'key', appSecret: 's3cret' });
  });

  it('gives none while refused ones are read again', async () => {
    const { read, credentials } = setUp();
    const old = { appKey: 'key', appSecret: 's3cret' };
    await credentials.get();
    let answer = (_text: string): void => {};
    read.mockReturnValueOnce(
      new Promise((resolve) => {
        answer = resolve;
      }),
    );
    const replaced = credentials.replace(old);
    const waiting = [credentials.get(), credentials.get()];
    expect(waiting.every((one) => one instanceof Promise)).toBe(true);
    answer('{"appKey":"key","appSecret":"new"}');
    expect(await Promise.all([replaced, ...waiting])).toEqual(Array(3).fill({ appKey: 'key', appSecret: 'new' }));
    expect(credentials.get()).toMatchObject({ appSecret: 'new' });
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('gives those that it holds when refused ones could not be read again', async () => {
    const { read, credentials } = setUp();
    const old = { appKey: 'key', appSecret: 's3cret' };
    await credentials.get();
    read.mockRejectedValueOnce(new Error('down'));
    const replaced = credentials.replace(old);
    expect(await credentials.get()).toEqual(old);
    expect(await replaced).toBeUndefined();
  });

  it('reads refused ones again if the read under way had begun before they changed', async () => {
    const { clock, read, credentials } = setUp(undefined, async () => undefined);
    const old = { appKey: 'key', appSecret: 's3cret' };
    await credentials.get();
    clock.ms = 6 * MINUTE;
    let answer = (_text: string): void => {};
    read.mockReturnValueOnce(
      new Promise((resolve) => {
        answer = resolve;
      }),
    );
    expect(await credentials.get()).toEqual(old);
    read.mockResolvedValue('{"appKey":"key","appSecret":"new"}');
    const replaced = credentials.replace(old);
    answer(SECRET);
    expect(await replaced).toMatchObject({ appSecret: 'new' });
  });

  it('reads refused ones again at most once in 5 seconds', async () => {
    const { clock, read, credentials } = setUp();
    const old = { appKey: 'key', appSecret: 's3cret' };
    await credentials.get();
    for (const [ms, reads] of [
      [0, 2],
      [4999, 2],
      [5000, 3],
    ] as const) {
      clock.ms = ms;
      expect(await credentials.replace(old)).toBeUndefined();
      expect(read).toHaveBeenCalledTimes(reads);
    }
  });

  it('waits a second for a routine read, all calls together, and then gives those that it holds', async () => {
    const waits: number[] = [];
    const { clock, read, credentials } = setUp(undefined, async (ms) => void waits.push(ms));
    const old = await credentials.get();
    clock.ms = 6 * MINUTE;
    read.mockReturnValueOnce(new Promise(() => {}));
    expect(await credentials.get()).toEqual(old);
    clock.ms += 400;
    expect(await credentials.get()).toEqual(old);
    clock.ms += 5000;
    expect(await credentials.get()).toEqual(old);
    expect(waits).toEqual([1000, 600, 0]);
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('reads a secret behind a byte order mark', async () => {
    const { credentials } = setUp(vi.fn(async () => `\uFEFF${SECRET}`));
    expect(await credentials.get()).toEqual({ appKey: 'key', appSecret: 's3cret' });
  });

  it.each([
    ['a line break in the secret', 's3cret\n'],
    ['a blank in the secret', 's3 cret'],
    ['a zero-width space in the secret', 's3cret\u200b'],
    ['a letter that is no ASCII', 's\u00e9cret'],
  ])('names what is wrong with %s', async (_name, appSecret) => {
    const { credentials } = setUp(vi.fn(async () => JSON.stringify({ appKey: 'key', appSecret })));
    expect(await credentials.get()).toMatchObject({
      code: 'CREDENTIALS_UNAVAILABLE',
      cause: { message: 'the secret is malformed: appSecret holds other than visible ASCII' },
    });
  });

  it.each([
    ['no JSON', 'planted-value'],
    ['a list', '["planted-value"]'],
    ['null', 'null'],
    ['without appKey', '{"appSecret":"planted-value"}'],
    ['without appSecret', '{"appKey":"planted-value"}'],
    ['with an empty appKey', '{"appKey":"","appSecret":"planted-value"}'],
    ['with an empty appSecret', '{"appKey":"planted-value","appSecret":""}'],
    ['with a number', '{"appKey":"planted-value","appSecret":7}'],
    ['twice the same value', '{"appKey":"planted-value","appSecret":"planted-value"}'],
    ['binary', undefined],
  ])('refuses a secret that is %s and keeps its text out of every message', async (_name, text) => {
    const { credentials } = setUp(vi.fn(async () => text));
    const error = await credentials.get();
    expect(error).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE', outcome: 'not_sent' });
    const { message, cause, stack } = error as Error;
    expect(`${message} ${String(cause)} ${stack} ${(cause as Error).stack}`).not.toContain('planted');
  });
});

describe('secretsManagerReader', () => {
  let close = async (): Promise<void> => {};
  afterEach(() => close());

  async function serve(operation: AwsOperation): Promise<void> {
    const aws = await startAws(0, { 'secretsmanager.GetSecretValue': operation });
    close = aws.close;
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', aws.url);
    vi.stubEnv('AWS_REGION', 'us-east-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  }

  it('reads a secret with the real client', async () => {
    await serve(getSecretValue(new Map([['rongcloud/app', SECRET]])));
    expect(await secretsManagerReader('rongcloud/app')()).toBe(SECRET);
  });

  it('rejects when there is no such secret', async () => {
    await serve(getSecretValue(new Map()));
    await expect(secretsManagerReader('rongcloud/app')()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});
