import { randomUUID } from 'node:crypto';
import { startApiGateway } from './api-gateway.ts';
import { type AwsOperation, onlyFor, startAws } from './aws.ts';
import { startConsole } from './console/console.ts';
import type { FaultName } from './console/state.ts';
import { type BusEvent, EventBus } from './event-bus.ts';
import { startEventSource } from './event-source.ts';
import { EventSourceMappings } from './event-source-mappings.ts';
import { FaultSwitch } from './fault-switch.ts';
import type { Target } from './forward.ts';
import { startFunctions } from './functions.ts';
import { ImApp } from './im-app.ts';
import { type ImService, startImService } from './im-service.ts';
import { type InvokeTarget, invoke, startLambdaInvoke } from './lambda-invoke.ts';
import { type Secrets, SecretsManager } from './secrets-manager.ts';
import type { Sample } from './settings.ts';
import { sqsOperations } from './sqs.ts';
import { SqsQueue } from './sqs-queue.ts';
import { startTokenIssuer, type TokenIssuer } from './token-issuer.ts';

const SECRET_ID = 'rongcloud/app';
/** How many calls each domain of the IM service keeps to be looked at. */
const KEPT_CALLS = 1000;
/** Where the AWS stand-ins show what was put on the event bus. */
export const EVENTS_PATH = '/_sandbox/events';

/** How many ports in a row a sandbox takes. */
export const PORTS = 7;

/** The real RongCloud, to be called instead of the stand-in. */
export interface RealRongCloud {
  appKey: string;
  appSecret: string;
  dataCenter: string;
}

export interface SandboxOptions {
  /** The HTTP door's port; the other services are on the ports after it. 0: any free ports. */
  port: number;
  rongCloud?: RealRongCloud;
  corsOrigins?: string[];
  /** How long a message that came back stays hidden: no less than the queue function's timeout. */
  visibilityTimeoutMs?: number;
  /** What the console's form begins with. */
  sample?: Sample;
  /** More stage parameters of serverless.yml. */
  params?: Record<string, string>;
  /** Gets each line that the functions' process prints. */
  onOutput?: (line: string) => void;
  /** Told of a failure of a door that its function has not logged. */
  onTrouble?: (line: string) => void;
  /** Told when the functions' process ends by itself. */
  onExit?: () => void;
}

export interface Sandbox {
  consoleUrl: string;
  httpUrl: string;
  invokeUrl: string;
  invokeFunctionName: string;
  awsUrl: string;
  /** What `Prefer: respond-async` fills and the queue door empties, two batches at a time. */
  queue: SqsQueue;
  queueUrl: string;
  deadLetterQueue: SqsQueue;
  /** What keeps asynchronous invocations that failed. */
  failedInvocationQueue: SqsQueue;
  /** With this session token a person may put another value into the secret. No web page can have it. */
  personToken: string;
  /** What the queue door told of its batches. */
  events: readonly BusEvent[];
  secrets: Secrets;
  /** The IM service's primary and backup domain; absent when the real RongCloud is called. */
  im: { primary: ImService; backup: ImService } | undefined;
  issuer: TokenIssuer;
  close(): Promise<void>;
}

interface Closable {
  close(): Promise<void>;
}

/**
 * Starts all that the service needs on one machine: API Gateway, Lambda and its SQS event source over the built
 * functions, Secrets Manager, SQS and EventBridge, RongCloud's IM service and a token issuer. Closes what it started if a part fails to start.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const opened: Closable[] = [];
  const close = async (): Promise<void> => {
    for (const part of opened.splice(0).reverse()) await part.close();
  };
  const open = async <T extends Closable>(part: Promise<T>): Promise<T> => {
    const started = await part;
    opened.push(started);
    return started;
  };
  const at = (offset: number): number => (options.port === 0 ? 0 : options.port + offset);
  const onTrouble = options.onTrouble ?? (() => {});
  const app = options.rongCloud ?? { appKey: 'sandbox-app-key', appSecret: 'sandbox-app-secret' };
  const secrets: Secrets = new Map([[SECRET_ID, JSON.stringify({ appKey: app.appKey, appSecret: app.appSecret })]]);
  // Made at every start: who has it may read the secret, which is a real one where the real RongCloud is called.
  const awsSessionToken = randomUUID();
  const personToken = randomUUID();
  try {
    // The doors' ports are taken first, so that one in use is known at once.
    const targets: { http: Target; invoke: InvokeTarget } = {
      http: { url: '' },
      invoke: { url: '', functionNames: [], mappings: new EventSourceMappings(), onFailure: () => {}, onTrouble },
    };
    const gateway = await open(startApiGateway(at(0), () => targets.http, options.corsOrigins ?? [], onTrouble));
    const lambda = await open(startLambdaInvoke(at(1), () => targets.invoke));
    const deadLetterQueue = new SqsQueue({ name: 'joins-dead', visibilityTimeoutMs: 30_000 });
    const queue = new SqsQueue({
      name: 'joins',
      visibilityTimeoutMs: options.visibilityTimeoutMs ?? 70_000,
      redrive: { deadLetterQueue, maxReceiveCount: 240 },
    });
    const failedInvocationQueue = new SqsQueue({ name: 'failed-invocations', visibilityTimeoutMs: 30_000 });
    const bus = new EventBus('results');
    const secretsManager = new SecretsManager(secrets);
    const forFunctions = (operation: AwsOperation) =>
      onlyFor(awsSessionToken, operation, 'Only the functions of this sandbox may do this.');
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
    const secretsFault = new FaultSwitch();
    const aws = await open(
      startAws(at(2), operations, { [EVENTS_PATH]: () => bus.events }, new Map([['secretsmanager', secretsFault]])),
    );
    const queueUrl = ({ name }: SqsQueue): string => `${aws.url}/000000000000/${name}`;
    const imApp = new ImApp(app);
    const startDomain = (offset: number) => open(startImService(imApp, at(offset), { keptCalls: KEPT_CALLS }));
    const im = options.rongCloud ? undefined : { primary: await startDomain(3), backup: await startDomain(5) };
    const issuer = await open(startTokenIssuer(at(4)));
    const faults = new Map<FaultName, FaultSwitch>([
      ...(im ? [['rongcloud-primary', im.primary.fault] as const, ['rongcloud-backup', im.backup.fault] as const] : []),
      ['secrets-manager', secretsFault],
      ['issuer', issuer.fault],
    ]);
    const console = await open(
      startConsole(at(6), {
        ...{ httpUrl: gateway.url, im, faults, queue, deadLetterQueue },
        dataCenter: options.rongCloud?.dataCenter,
        sample: options.sample,
        events: bus.events,
        token: issuer.token,
      }),
    );
    const functions = await open(
      startFunctions({
        awsUrl: aws.url,
        awsSessionToken,
        onOutput: options.onOutput ?? (() => {}),
        onExit: options.onExit ?? (() => {}),
        params: {
          secretId: SECRET_ID,
          ...(options.rongCloud && { dataCenter: options.rongCloud.dataCenter }),
          ...(im && { apiUrls: `${im.primary.url},${im.backup.url}` }),
          jwtIssuer: issuer.url,
          jwksUri: issuer.jwksUrl,
          jwtAudience: issuer.audience,
          jwtGroupsClaim: 'groups',
          joinQueueUrl: queueUrl(queue),
          ownQueueUrl: queueUrl(queue),
          deadLetterQueueUrl: queueUrl(deadLetterQueue),
          resultBus: bus.name,
          ...options.params,
        },
      }),
    );
    targets.http = functions.http;
    const mapping = { functionName: functions.nameOf('queue'), queueArn: queue.arn, enabled: true };
    targets.invoke = {
      ...targets.invoke,
      ...functions.invoke,
      functionNames: functions.functionNames,
      onFailure: (record) => void failedInvocationQueue.send(JSON.stringify(record)),
    };
    targets.invoke.mappings.add(mapping);
    const eventSource = startEventSource({
      queue,
      async invoke(event) {
        const name = functions.nameOf('queue');
        try {
          const { payload, failed } = await invoke(functions.invoke, name, Buffer.from(JSON.stringify(event)));
          if (failed) throw new Error(payload);
          return JSON.parse(payload);
        } catch (error) {
          onTrouble(`The queue door has not settled a batch. Its messages come back: ${error}`);
          throw error;
        }
      },
      batchSize: 1000,
      windowMs: 1000,
      maximumConcurrency: 2,
      isEnabled: () => mapping.enabled,
    });
    opened.push(eventSource);
    return {
      consoleUrl: console.url,
      httpUrl: gateway.url,
      invokeUrl: lambda.url,
      invokeFunctionName: functions.nameOf('invoke'),
      awsUrl: aws.url,
      queue,
      queueUrl: queueUrl(queue),
      deadLetterQueue,
      failedInvocationQueue,
      personToken,
      events: bus.events,
      secrets,
      im,
      issuer,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
