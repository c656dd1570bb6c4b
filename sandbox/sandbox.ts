import { startApiGateway } from './api-gateway.ts';
import { startAws } from './aws.ts';
import { startFunctions } from './functions.ts';
import { ImApp } from './im-app.ts';
import { type ImService, startImService } from './im-service.ts';
import { startLambdaInvoke } from './lambda-invoke.ts';
import { getSecretValue, type Secrets } from './secrets-manager.ts';
import { startTokenIssuer, type TokenIssuer } from './token-issuer.ts';

const SECRET_ID = 'rongcloud/app';

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
  /** More stage parameters of serverless.yml. */
  params?: Record<string, string>;
  /** Gets each line that the functions' process prints. */
  onOutput?: (line: string) => void;
  /** Told when the functions' process ends by itself. */
  onExit?: () => void;
}

export interface Sandbox {
  httpUrl: string;
  invokeUrl: string;
  invokeFunctionName: string;
  awsUrl: string;
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
 * Starts all that the service needs on one machine: API Gateway and Lambda over the built functions, Secrets
 * Manager, RongCloud's IM service and a token issuer. Closes what it started if a part fails to start.
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
  const app = options.rongCloud ?? { appKey: 'sandbox-app-key', appSecret: 'sandbox-app-secret' };
  const secrets: Secrets = new Map([[SECRET_ID, JSON.stringify({ appKey: app.appKey, appSecret: app.appSecret })]]);
  try {
    // The doors' ports are taken first, so that one in use is known at once.
    const targets = { http: '', invoke: { url: '', functionNames: [''] } };
    const gateway = await open(startApiGateway(at(0), () => targets.http, options.corsOrigins ?? []));
    const lambda = await open(startLambdaInvoke(at(1), () => targets.invoke));
    const aws = await open(startAws(at(2), { 'secretsmanager.GetSecretValue': getSecretValue(secrets) }));
    const imApp = new ImApp(app);
    const im = options.rongCloud
      ? undefined
      : { primary: await open(startImService(imApp, at(3))), backup: await open(startImService(imApp, at(5))) };
    const issuer = await open(startTokenIssuer(at(4)));
    const functions = await open(
      startFunctions({
        awsUrl: aws.url,
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
          ...options.params,
        },
      }),
    );
    targets.http = functions.httpUrl;
    targets.invoke = { url: functions.invokeUrl, functionNames: functions.functionNames };
    return {
      httpUrl: gateway.url,
      invokeUrl: lambda.url,
      invokeFunctionName: functions.nameOf('invoke'),
      awsUrl: aws.url,
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
