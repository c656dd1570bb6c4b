import { getSecretValue } from '../../sandbox/aws/secrets-manager.ts';
import { startAws } from '../../sandbox/aws/server.ts';
import { sqsOperations } from '../../sandbox/aws/sqs/operations.ts';
import { SqsQueue } from '../../sandbox/aws/sqs/queue.ts';
import type { Fault } from '../../sandbox/http/fault.ts';
import { ImApp } from '../../sandbox/rongcloud/app.ts';
import { type ImService, startImService } from '../../sandbox/rongcloud/service.ts';
import { type BuiltDoor, type DoorAnswer, type Line, startBuiltDoor } from './built-door.ts';
import { MEMBER, memberGroup } from './claims.ts';
import { answers, type FaultyServer, startFaultyServer } from './faulty-server.ts';
import { httpEvent } from './http-event.ts';
import { leaks } from './leaks.ts';
import { AUDIENCE, goodClaims, keySet, testKey } from './tokens.ts';

export const OPEN = memberGroup('open');
const SECRETS = { appKey: 'planted-app-key', appSecret: 'planted-app-secret' };
const AWS_KEY = 'planted-aws-key';
const NEVER_PRINTED = [
  ...Object.values(SECRETS),
  AWS_KEY,
  ...['planted-user', 'planted-ghost', 'planted-nonsense', '<planted>'],
];

/** Built doors with everything that they talk to. What no door may print is `planted-` something. */
export interface TelemetryBed {
  app: ImApp;
  primary: ImService;
  backup: ImService;
  dead: SqsQueue;
  issuer: FaultyServer;
  /** How much later than now it is for the IM service. */
  clock: { laterMs: number };
  /** What Secrets Manager holds. */
  secrets: Map<string, string>;
  /** `dist`: another folder of built doors than this project's. */
  start(door: 'http' | 'invoke' | 'queue', changes?: Record<string, string>, dist?: URL): Promise<BuiltDoor>;
  /** An event of the HTTP door from a member `planted-user` for the group `OPEN`, with a request id of its own. */
  httpEvent(parts?: { body?: string; groupId?: string; headers?: object; claims?: object }): Promise<object>;
  /** Makes both domains fail. */
  misbehave(how: Fault | undefined): void;
  /** Ends it all, and gives the secrets, tokens, signatures and users that a door printed. */
  close(): Promise<string[]>;
}

export async function startTelemetryBed(): Promise<TelemetryBed> {
  const clock = { laterMs: 0 };
  const app = new ImApp({ ...SECRETS, now: () => Date.now() + clock.laterMs });
  const [primary, backup] = [await startImService(app), await startImService(app)];
  const dead = new SqsQueue({ name: 'dead', visibilityTimeoutMs: 1000 });
  const secrets = new Map([['rongcloud/app', JSON.stringify(SECRETS)]]);
  const aws = await startAws(0, {
    'secretsmanager.GetSecretValue': getSecretValue(secrets),
    ...sqsOperations([new SqsQueue({ name: 'joins', visibilityTimeoutMs: 1000 }), dead]),
  });
  const key = await testKey('k1');
  const issuer = await startFaultyServer(answers(200, keySet(key)));
  const doors: BuiltDoor[] = [];
  const tokens: string[] = [];
  return {
    app,
    primary,
    backup,
    dead,
    issuer,
    clock,
    secrets,
    async start(name, changes = {}, dist) {
      const env = {
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: AWS_KEY,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
        AWS_ENDPOINT_URL_SQS: aws.url,
        RONGCLOUD_SECRET_ID: 'rongcloud/app',
        RONGCLOUD_API_URLS: `${primary.url},${backup.url}`,
        JWT_ISSUER: 'https://issuer.example',
        JWT_AUDIENCE: AUDIENCE,
        JWKS_URI: issuer.url,
        JWT_GROUPS_CLAIM: 'groups',
        JOIN_QUEUE_URL: `${aws.url}/000000000000/joins`,
        JOIN_DLQ_URL: `${aws.url}/000000000000/dead`,
        POWERTOOLS_SERVICE_NAME: 'join-test',
        POWERTOOLS_METRICS_NAMESPACE: 'JoinTest',
        POWERTOOLS_LOG_LEVEL: 'DEBUG',
        ...changes,
      };
      const door = await startBuiltDoor(name, env, dist);
      doors.push(door);
      return door;
    },
    async httpEvent({ body, groupId = OPEN, headers, claims = { ...MEMBER, sub: 'planted-user' } } = {}) {
      const token = await key.sign({ ...goodClaims(Math.floor(Date.now() / 1000)), ...claims });
      tokens.push(token);
      return httpEvent({
        headers: { authorization: `Bearer ${token}`, 'x-request-id': 'mine', ...headers },
        pathParameters: { groupId },
        ...(body !== undefined && { body }),
        isBase64Encoded: false,
      });
    },
    misbehave(how) {
      for (const domain of [primary, backup]) domain.fault.set(how);
    },
    async close() {
      for (const door of doors) await door.close();
      await Promise.all([primary.close(), backup.close(), aws.close(), issuer.close()]);
      const calls = [primary, backup].flatMap(({ calls }) => calls);
      const signed = calls.flatMap(({ headers }) => [String(headers.signature), String(headers.nonce)]);
      const signatures = tokens.map((token) => token.split('.')[2] ?? '');
      return leaks(doors.map((door) => door.output()).join('\n'), [
        ...NEVER_PRINTED,
        ...signed,
        ...tokens,
        ...signatures,
      ]);
    },
  };
}

/** The lines of an answer that are not for debugging. */
export const linesOf = ({ logs }: DoorAnswer): Line[] => logs.filter(({ level }) => level !== 'DEBUG');

/** The value of a metric, and the dimensions that it has; undefined if it is not among them. */
export function metricOf({ metrics }: DoorAnswer, name: string) {
  const holder = metrics.find((one) => name in one);
  const [directive] = holder?._aws?.CloudWatchMetrics ?? [];
  const dimensions = directive?.Dimensions[0]?.map((dimension) => [dimension, holder?.[dimension]]);
  return holder && { value: holder[name], ...Object.fromEntries(dimensions ?? []) };
}
