import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import { createClient } from '../../../lib/rongcloud/client.ts';
import type { Transport, UpstreamRequest } from '../../../lib/rongcloud/transport.ts';

const SUCCESS = { status: 200, body: '{"code":200}', complete: true };

function setUp(post: Transport['post'] = async () => SUCCESS) {
  const clock = { ms: 1_700_000_000_000 };
  const sent: UpstreamRequest[] = [];
  let seed = 0;
  const credentials = { get: vi.fn(async () => ({ appKey: 'key', appSecret: 's3cret' })) };
  const client = createClient({
    urls: ['https://api.example', 'https://api-b.example'],
    transport: {
      post: (request) => {
        sent.push(request);
        return post(request);
      },
      close: () => {},
    },
    credentials,
    now: () => clock.ms,
    randomBytes: (size) => new Uint8Array(size).fill(seed++),
  });
  const join = (leftMs = 10_000) =>
    client.join('groupId=g&userId=a', { requestId: 'r-1', deadline: clock.ms + leftMs });
  return { clock, sent, credentials, join };
}

describe('createClient', () => {
  it('posts the form, signed, to the primary', async () => {
    const { sent, join } = setUp();
    await join();
    const nonce = '000000000000000000';
    expect(sent).toEqual([
      {
        url: new URL('https://api.example/group/join.json'),
        body: 'groupId=g&userId=a',
        timeoutMs: 5000,
        headers: {
          'App-Key': 'key',
          Nonce: nonce,
          Timestamp: '1700000000000',
          Signature: createHash('sha1').update(`s3cret${nonce}1700000000000`).digest('hex'),
          'Content-Type': 'application/x-www-form-urlencoded',
          'X-Request-ID': 'r-1',
        },
      },
    ]);
  });

  it('signs each call anew', async () => {
    const { clock, sent, join } = setUp();
    await join();
    clock.ms += 1;
    await join();
    expect(new Set(sent.map(({ headers }) => headers.Nonce)).size).toBe(2);
    expect(sent.map(({ headers }) => headers.Timestamp)).toEqual(['1700000000000', '1700000000001']);
  });

  it('throws what the answer means', async () => {
    const { join } = setUp(async () => ({ status: 200, body: '{"code":405}', complete: true }));
    await expect(join()).rejects.toMatchObject({ code: 'GROUP_FULL', upstreamCode: 405 });
  });

  it.each([
    [999, undefined],
    [1000, 1000],
    [4999, 4999],
    [5001, 5000],
  ])('with %i ms left gives an attempt %s ms', async (leftMs, timeoutMs) => {
    const { sent, join } = setUp();
    if (timeoutMs === undefined) {
      await expect(join(leftMs)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', outcome: 'not_sent' });
      expect(sent).toEqual([]);
    } else {
      await join(leftMs);
      expect(sent.map((request) => request.timeoutMs)).toEqual([timeoutMs]);
    }
  });

  it('sends nothing without credentials', async () => {
    const { credentials, sent, join } = setUp();
    credentials.get.mockRejectedValueOnce(new JoinError('CREDENTIALS_UNAVAILABLE'));
    await expect(join()).rejects.toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE' });
    expect(sent).toEqual([]);
  });
});
