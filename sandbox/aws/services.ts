import { randomBytes } from 'node:crypto';
import { FaultSwitch } from '../http/fault.ts';
import type { LocalServer } from '../http/server.ts';
import { EventBus } from './event-bus.ts';
import { type AwsOperation, onlyFor } from './operation.ts';
import { type Secrets, SecretsManager } from './secrets-manager.ts';
import { startAws } from './server.ts';
import { sqsOperations } from './sqs/operations.ts';
import { SqsQueue } from './sqs/queue.ts';

export interface AwsServicesOptions {
  port: number;
  secrets: Secrets;
  /** How long a message of the join queue stays hidden. */
  visibilityTimeoutMs: number;
}

/** Secrets Manager, SQS with its queues, and EventBridge with its bus. */
export interface AwsServices extends LocalServer {
  /** What `Prefer: respond-async` fills and the queue door empties. */
  queue: SqsQueue;
  deadLetterQueue: SqsQueue;
  /** What keeps asynchronous invocations that failed. */
  failedInvocationQueue: SqsQueue;
  bus: EventBus;
  /** Makes Secrets Manager fail. */
  secretsFault: FaultSwitch;
  /** With this session token the functions read the secret, which is a real one where the real RongCloud is called. */
  functionsToken: string;
  /** With this one a person may put another value into it. No web page can have either. */
  personToken: string;
  urlOf(queue: SqsQueue): string;
}

/** Starts the AWS services that the functions and people call. The tokens are made at every start. */
export async function startAwsServices({
  port,
  secrets,
  visibilityTimeoutMs,
}: AwsServicesOptions): Promise<AwsServices> {
  const [functionsToken = '', personToken = ''] = [0, 1].map(() => randomBytes(12).toString('hex'));
  const deadLetterQueue = new SqsQueue({ name: 'joins-dead', visibilityTimeoutMs: 30_000 });
  const redrive = { deadLetterQueue, maxReceiveCount: 240 };
  const queue = new SqsQueue({ name: 'joins', visibilityTimeoutMs, redrive });
  const failedInvocationQueue = new SqsQueue({ name: 'failed-invocations', visibilityTimeoutMs: 30_000 });
  const bus = new EventBus('results');
  const secretsManager = new SecretsManager(secrets);
  const secretsFault = new FaultSwitch();
  const forFunctions = (operation: AwsOperation) =>
    onlyFor(functionsToken, operation, 'Only the functions of this sandbox may do this.');
  const forPeople = (operation: AwsOperation) =>
    onlyFor(personToken, operation, 'AWS_SESSION_TOKEN must be the one that npm start has printed.');
  const operations = {
    'secretsmanager.GetSecretValue': forFunctions(secretsManager.getSecretValue),
    'secretsmanager.PutSecretValue': forPeople(secretsManager.putSecretValue),
    'secretsmanager.DescribeSecret': forPeople(secretsManager.describeSecret),
    'secretsmanager.ListSecretVersionIds': forPeople(secretsManager.listSecretVersionIds),
    'AWSEvents.PutEvents': bus.putEvents,
    ...sqsOperations([queue, deadLetterQueue, failedInvocationQueue]),
  };
  const server = await startAws(port, operations, new Map([['secretsmanager', secretsFault]]));
  return {
    ...server,
    ...{ queue, deadLetterQueue, failedInvocationQueue, bus, secretsFault, functionsToken, personToken },
    urlOf: ({ name }) => `${server.url}/000000000000/${name}`,
  };
}
