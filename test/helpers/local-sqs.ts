import { SQSClient } from '@aws-sdk/client-sqs';
import { startAws } from '../../sandbox/aws/server.ts';
import { sqsOperations } from '../../sandbox/aws/sqs/operations.ts';
import { SqsQueue } from '../../sandbox/aws/sqs/queue.ts';
import type { LocalServer } from '../../sandbox/http/server.ts';

/** Two stand-in queues under a clock that the test turns, and a real client for them. */
export interface LocalSqs {
  clock: { ms: number };
  /** Hides a message for a second, and gives it up after three deliveries. */
  queue: SqsQueue;
  dead: SqsQueue;
  aws: LocalServer;
  client: SQSClient;
  QueueUrl: string;
  close(): Promise<void>;
}

export async function startLocalSqs(): Promise<LocalSqs> {
  const clock = { ms: 1_000_000 };
  const now = () => clock.ms;
  const dead = new SqsQueue({ name: 'dead', visibilityTimeoutMs: 1000, now });
  const redrive = { deadLetterQueue: dead, maxReceiveCount: 3 };
  const queue = new SqsQueue({ name: 'joins', visibilityTimeoutMs: 1000, redrive, now });
  const aws = await startAws(0, sqsOperations([queue, dead]));
  const client = new SQSClient({
    endpoint: aws.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  return {
    ...{ clock, queue, dead, aws, client },
    QueueUrl: `${aws.url}/000000000000/joins`,
    async close() {
      client.destroy();
      await aws.close();
    },
  };
}
