import type { BusEvent } from './aws/event-bus.ts';
import type { Secrets } from './aws/secrets-manager.ts';
import { startAwsServices } from './aws/services.ts';
import type { SqsQueue } from './aws/sqs/queue.ts';
import { startConsole } from './console/console.ts';
import { Refusals } from './console/refusals.ts';
import type { FaultName } from './console/state.ts';
import type { FaultSwitch } from './http/fault.ts';
import { startTokenIssuer, type TokenIssuer } from './http/token-issuer.ts';
import { startApiGateway } from './lambda/api-gateway.ts';
import { EventSourceMappings } from './lambda/event-source-mappings.ts';
import { Functions, startQueueDoor } from './lambda/functions.ts';
import { startLambdaInvoke } from './lambda/invoke.ts';
import { ImApp } from './rongcloud/app.ts';
import { type ImService, startImService } from './rongcloud/service.ts';
import type { RealRongCloud, Sample } from './settings.ts';

const SECRET_ID = 'rongcloud/app';
/** How many calls each domain of the IM service keeps to be looked at. */
const KEPT_CALLS = 1000;

export interface SandboxOptions {
  /** The HTTP door's port; the other services are on the ports after it. 0: any free ports. */
  port: number;
  rongCloud?: RealRongCloud;
  corsOrigins?: string[];
  corsHeaders?: string[];
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
  /** The app's, for which the secret stands in Secrets Manager. */
  appKey: string;
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
 * functions, Secrets Manager, SQS and EventBridge, RongCloud's IM service, a token issuer and the console. Closes what it
 * started if a part fails to start.
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
  try {
    // Every port is taken before the functions start, so that one in use is known at once.
    const functions = new Functions();
    const mappings = new EventSourceMappings();
    const refusals = new Refusals();
    const onProblem = (body: string): void => refusals.hearAnswer(body);
    let consoleUrl = '';
    const gateway = await open(
      startApiGateway(at(0), {
        target: () => functions.http,
        cors: { origins: options.corsOrigins ?? [], headers: options.corsHeaders ?? [] },
        atRoot: () => `Not Found. The sandbox's console is at ${consoleUrl}`,
        ...{ onProblem, onTrouble },
      }),
    );
    const lambda = await open(
      startLambdaInvoke(at(1), () => ({
        ...functions.invoke,
        ...{ functionNames: functions.names, mappings, onProblem, onTrouble },
        onFailure: (record) => void failedInvocationQueue.send(JSON.stringify(record)),
      })),
    );
    const visibilityTimeoutMs = options.visibilityTimeoutMs ?? 70_000;
    const aws = await open(startAwsServices({ port: at(2), secrets, visibilityTimeoutMs }));
    const { queue, deadLetterQueue, failedInvocationQueue, bus, urlOf } = aws;
    const imApp = new ImApp(app);
    const startDomain = (offset: number) => open(startImService(imApp, at(offset), { keptCalls: KEPT_CALLS }));
    const im = options.rongCloud ? undefined : { primary: await startDomain(3), backup: await startDomain(5) };
    const issuer = await open(startTokenIssuer(at(4)));
    const faults = new Map<FaultName, FaultSwitch>([
      ...(im ? [['rongcloud-primary', im.primary.fault] as const, ['rongcloud-backup', im.backup.fault] as const] : []),
      ['secrets-manager', aws.secretsFault],
      ['issuer', issuer.fault],
    ]);
    const console = await open(
      startConsole(at(6), {
        ...{ httpUrl: gateway.url, im, faults, queue, deadLetterQueue, refusals, functions },
        dataCenter: options.rongCloud?.dataCenter,
        sample: options.sample,
        events: bus.events,
        token: issuer.token,
      }),
    );
    consoleUrl = console.url;
    opened.push(functions);
    await functions.start({
      awsUrl: aws.url,
      awsSessionToken: aws.functionsToken,
      onOutput: (line) => {
        refusals.hearLine(line);
        options.onOutput?.(line);
      },
      onExit: options.onExit ?? (() => {}),
      params: {
        secretId: SECRET_ID,
        ...(options.rongCloud && { dataCenter: options.rongCloud.dataCenter }),
        ...(im && { apiUrls: `${im.primary.url},${im.backup.url}` }),
        jwtIssuer: issuer.url,
        jwksUri: issuer.jwksUrl,
        jwtAudience: issuer.audience,
        jwtGroupsClaim: 'groups',
        joinQueueUrl: urlOf(queue),
        ownQueueUrl: urlOf(queue),
        deadLetterQueueUrl: urlOf(deadLetterQueue),
        resultBus: bus.name,
        ...options.params,
      },
    });
    const mapping = { functionName: functions.nameOf('queue'), queueArn: queue.arn, enabled: true };
    mappings.add(mapping);
    opened.push(startQueueDoor({ queue, functions, onTrouble, isEnabled: () => mapping.enabled }));
    return {
      consoleUrl: console.url,
      httpUrl: gateway.url,
      invokeUrl: lambda.url,
      invokeFunctionName: functions.nameOf('invoke'),
      awsUrl: aws.url,
      queue,
      queueUrl: urlOf(queue),
      deadLetterQueue,
      failedInvocationQueue,
      personToken: aws.personToken,
      appKey: app.appKey,
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
