import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type JWTPayload, SignJWT } from 'jose';
import { getSecretValue } from '../sandbox/aws/secrets-manager.ts';
import { startAws } from '../sandbox/aws/server.ts';
import { md5 } from '../sandbox/aws/sqs/message.ts';
import { listen, sendJson } from '../sandbox/http/server.ts';
import { ImApp } from '../sandbox/rongcloud/app.ts';
import { startImService } from '../sandbox/rongcloud/service.ts';
import { createDistance } from './distant.ts';

/** What a contender needs to know of the stand-ins. */
export interface StandIns {
  env: Record<string, string>;
  /** The same, with all that answers a start behind TLS and 20 ms away. */
  distantEnv: Record<string, string>;
  /** The same over a RongCloud that refuses: groups hold 3000, and it does not know the users `ghost-0` to `ghost-1099`. */
  strictEnv: Record<string, string>;
  /** A user's tokens, each another, and a service's. */
  tokens: string[];
  service: string;
}

/** A round trip to a service of AWS's own region, or to RongCloud's from a region near its data centre. */
const ROUND_TRIP_MS = 20;

const CERTIFICATE = fileURLToPath(new URL('../node_modules/.bench/certificate.pem', import.meta.url));
const APP = { appKey: 'bench-key', appSecret: 'bench-secret' };

/** SQS's answer for one message. The client refuses an answer without the right checksum. */
function taken({ Id, MessageBody }: { Id: string; MessageBody: string }): object {
  return { Id, MessageId: Id, MD5OfMessageBody: md5(MessageBody) };
}

// RongCloud, Secrets Manager and an issuer in a process of their own, so that they cost what is measured nothing.
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const app = new ImApp({
  ...APP,
  callsPerSecond: Number.POSITIVE_INFINITY,
  groupCapacity: Number.POSITIVE_INFINITY,
  freshness: false,
});
const im = await startImService(app);
const strictApp = new ImApp({ ...APP, callsPerSecond: Number.POSITIVE_INFINITY, freshness: false });
for (let i = 0; i < 1100; i++) strictApp.unknownUsers.add(`ghost-${i}`);
const strict = await startImService(strictApp);
const aws = await startAws(0, {
  'secretsmanager.GetSecretValue': getSecretValue(new Map([['rongcloud/app', JSON.stringify(APP)]])),
  // Takes everything and keeps nothing.
  'AmazonSQS.SendMessageBatch': ({ Entries: entries }) => ({
    output: { Successful: Array.isArray(entries) ? entries.map(taken) : [], Failed: [] },
  }),
});
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'RS256', use: 'sig' };
const issuer = await listen(0, (_request, response) => sendJson(response, 200, { keys: [jwk] }));
const issuerUrl = 'https://issuer.example';
const sign = (subject: string, claims: JWTPayload): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: 'bench', typ: 'JWT' })
    .setIssuer(issuerUrl)
    .setAudience('bench')
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime('12h')
    .sign(privateKey);

const { distance, certificate } = await createDistance(ROUND_TRIP_MS);
await mkdir(dirname(CERTIFICATE), { recursive: true });
await writeFile(CERTIFICATE, certificate);

// What it has seen is not asked for, and would fill its memory.
setInterval(() => [im, strict].map(({ calls }) => calls.splice(0)), 1000).unref();
process.on('disconnect', () => process.exit());
const env = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
  AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
  AWS_ENDPOINT_URL_SQS: aws.url,
  RONGCLOUD_SECRET_ID: 'rongcloud/app',
  RONGCLOUD_API_URLS: im.url,
  JWT_ISSUER: issuerUrl,
  JWT_AUDIENCE: 'bench',
  JWKS_URI: issuer.url,
  JWT_GROUPS_CLAIM: 'groups',
  JOIN_QUEUE_URL: `${aws.url}/000000000000/joins`,
  JOIN_DLQ_URL: `${aws.url}/000000000000/dead`,
  UPSTREAM_RATE: '100',
  POWERTOOLS_SERVICE_NAME: 'bench',
  POWERTOOLS_METRICS_NAMESPACE: 'Bench',
  BENCH_APP_KEY: APP.appKey,
  BENCH_APP_SECRET: APP.appSecret,
};
const standIns: StandIns = {
  tokens: await Promise.all(Array.from({ length: 1000 }, (_, i) => sign('alice', { groups: ['team-*'], jti: `${i}` }))),
  service: await sign('backend', { scope: 'group:join' }),
  env,
  strictEnv: { ...env, RONGCLOUD_API_URLS: strict.url },
  distantEnv: {
    ...env,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: await distance(aws.url),
    RONGCLOUD_API_URLS: await distance(im.url),
    JWKS_URI: await distance(issuer.url),
    NODE_EXTRA_CA_CERTS: CERTIFICATE,
  },
};
process.send?.(standIns);
