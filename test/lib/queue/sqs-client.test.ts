import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { expect, it, vi } from 'vitest';
import { createSqsClient } from '../../../lib/queue/sqs-client.ts';
import { neverAnswers, startFaultyServer } from '../../helpers/faulty-server.ts';

it('makes two attempts of two seconds at an SQS that does not answer', { timeout: 15_000 }, async () => {
  const server = await startFaultyServer(neverAnswers);
  vi.stubEnv('AWS_ENDPOINT_URL_SQS', server.url);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  const client = createSqsClient();
  const command = new SendMessageBatchCommand({
    QueueUrl: `${server.url}/1/joins`,
    Entries: [{ Id: '0', MessageBody: 'a' }],
  });
  await expect(client.send(command)).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(server.seen).toHaveLength(2);
  client.destroy();
  await server.close();
});
