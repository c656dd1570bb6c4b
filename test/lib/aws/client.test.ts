import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { afterEach, expect, it, vi } from 'vitest';
import { createSqsClient } from '../../../lib/aws/sqs.ts';
import { neverAnswers, startFaultyServer } from '../../helpers/faulty-server.ts';

afterEach(() => {
  vi.useRealTimers();
});

it('makes two attempts of two seconds at an SQS that does not answer', async () => {
  const server = await startFaultyServer(neverAnswers);
  vi.stubEnv('AWS_ENDPOINT_URL_SQS', server.url);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  // The SDK waits for a random time before its second attempt: for none here.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const client = createSqsClient();
  const command = new SendMessageBatchCommand({
    QueueUrl: `${server.url}/1/joins`,
    Entries: [{ Id: '0', MessageBody: 'a' }],
  });
  let ended: unknown;
  client.send(command).catch((error: unknown) => {
    ended = error;
  });
  for (const attempts of [1, 2]) {
    for (let turns = 0; server.seen.length < attempts && turns < 100_000; turns++) await new Promise(setImmediate);
    await vi.advanceTimersByTimeAsync(1999);
    expect([server.seen.length, ended]).toEqual([attempts, undefined]);
    // The last of the two seconds, and the least that a timer waits before the next attempt.
    await vi.advanceTimersByTimeAsync(2);
  }
  expect(ended).toMatchObject({ name: 'TimeoutError' });
  expect(server.seen).toHaveLength(2);
  client.destroy();
  await server.close();
});
