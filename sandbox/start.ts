import { buildFunctions } from '../build.ts';
import { located } from '../locate.ts';
import { quoted } from './console/joins.ts';
import { forward } from './http/forward.ts';
import { listen } from './http/server.ts';
import { isMetrics } from './lambda/functions.ts';
import { type Sandbox, startSandbox } from './sandbox.ts';
import { Complaint, PORTS, type RealRongCloud, readSettings, type Sample } from './settings.ts';

const { env } = process;
const SAMPLE_REQUEST = `npm-start-${Date.now()}`;

try {
  const stop = stopOnSignal();
  let lastWords = '';
  const { port, rongCloud, sample, corsOrigins, corsHeaders } = readSettings(env);
  // The functions get it as a secret. Other processes that are started from here would inherit it: esbuild, for one.
  delete env.RONGCLOUD_APP_SECRET;
  await tryPorts(port);
  console.log('Building and starting takes 15 to 25 seconds. Ctrl-C stops everything.');
  await buildFunctions();
  const sandbox = await startSandbox({
    port,
    ...(rongCloud && { rongCloud }),
    ...(sample && { sample }),
    corsOrigins,
    corsHeaders,
    // The functions' log lines, without their metrics. What became of the sample is said in a sentence.
    onOutput: (line) => {
      if (!line.startsWith('{')) lastWords = line.trim() || lastWords;
      else if (!isMetrics(line) && !(line.includes(SAMPLE_REQUEST) && !line.startsWith('{"level":"ERROR"'))) {
        console.log(located(line));
      }
    },
    onTrouble: (line) => console.error(located(line)),
    onExit: () => {
      console.error(`The functions have ended unexpectedly. The last that serverless-offline said: ${lastWords}`);
      process.exit(1);
    },
  });
  stop.with(sandbox);
  introduce(sandbox, rongCloud);
  if (sample) await joinSample(sandbox, sample);
  else console.log('\nNobody was joined: SAMPLE_USER and SAMPLE_GROUP would name somebody.');
} catch (error) {
  console.error(explain(error));
  process.exit(1);
}

/** Ctrl-C, SIGTERM and the end of npm stop whatever has been started. */
function stopOnSignal(): { with(sandbox: Sandbox): void } {
  let running: Sandbox | undefined;
  let stopping = false;
  const stop = async (): Promise<void> => {
    // npm passes on the signal that the terminal has sent already.
    if (stopping) return;
    stopping = true;
    await running?.close();
    process.exit(0);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // A signal that ends npm reaches the shell between npm and this process, and no further.
  if (env.npm_lifecycle_event !== undefined) {
    const parent = process.ppid;
    setInterval(() => process.ppid === parent || stop(), 500).unref();
  }
  return {
    with: (sandbox) => {
      running = sandbox;
    },
  };
}

/** Takes each port once and lets go of it: one that is in use is known before anything is built. */
async function tryPorts(first: number): Promise<void> {
  for (let port = first; port < first + PORTS; port++) await (await listen(port, () => {})).close();
}

function introduce(sandbox: Sandbox, rongCloud: RealRongCloud | undefined): void {
  const { im, awsUrl, invokeUrl } = sandbox;
  const port = (url: string): string => new URL(url).port;
  const rows = [
    ['Console', sandbox.consoleUrl],
    ['HTTP door', sandbox.httpUrl],
    ['Lambda Invoke', `${invokeUrl}  ${sandbox.invokeFunctionName}`],
    ['AWS', `${awsUrl}  SQS, Secrets Manager, EventBridge`],
    ['RongCloud', im ? rongCloudRow(im, sandbox.appKey) : `the real one, ${rongCloud?.dataCenter}`],
    ['Token issuer', sandbox.issuer.url],
  ];
  for (const [name, value] of rows) console.log(`${name?.padEnd(14)} ${value}`);
  // The token is for this start alone. With it the AWS CLI may change the stand-in's secret.
  console.log(`
For the AWS CLI, against this machine instead of AWS:
  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \\
    AWS_DEFAULT_REGION=us-east-1 AWS_SESSION_TOKEN=${sandbox.personToken}
  aws() { local port=${port(awsUrl)}; [ "$1" = lambda ] && port=${port(invokeUrl)}
    command aws --endpoint-url "http://127.0.0.1:$port" "$@"; }`);
}

function rongCloudRow({ primary, backup }: NonNullable<Sandbox['im']>, appKey: string): string {
  return `${primary.url}  backup :${new URL(backup.url).port}, App Key ${appKey}`;
}

async function joinSample(sandbox: Sandbox, { userId, groupId, claims }: Sample): Promise<void> {
  const held = { sub: userId, groups: [groupId], ...claims };
  const path = `/groups/${encodeURIComponent(groupId).replaceAll("'", '%27')}/members`;
  const { status, body } = await forward({
    url: sandbox.httpUrl,
    path,
    method: 'POST',
    headers: { Authorization: `Bearer ${await sandbox.issuer.token(held)}`, 'X-Request-ID': SAMPLE_REQUEST },
    body: Buffer.alloc(0),
  });
  if (status === 200) {
    console.log(`
Joined ${userId} to ${groupId}: 200. Again:
  TOKEN=$(curl -s -d grant_type=client_credentials \\
    --data-urlencode ${quoted(`claims=${JSON.stringify(held)}`)} \\
    ${sandbox.issuer.url}/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -i -X POST -H "Authorization: Bearer $TOKEN" \\
    ${quoted(sandbox.httpUrl + path)}`);
    return;
  }
  console.log(`\nCould not join ${userId} to ${groupId}: ${status} ${body}`);
  if (status === 403) {
    console.log(`
The rule in lib/policy.ts refused this join. The token of it says ${JSON.stringify(held)}.
Give it the claims that your rule reads, and a group that it allows, for example:

  ${env.PORT ? `PORT=${env.PORT} ` : ''}SAMPLE_CLAIMS='{"role":"host","tenant":"acme"}' SAMPLE_GROUP=acme:1 npm start

Tests that are not about the rule take such claims from test/helpers/claims.ts.`);
  }
}

function explain(error: unknown): string {
  if (error instanceof Complaint) return error.message;
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error) {
    return `Port ${error.port} is in use. Set PORT to the first of ${PORTS} free ports in a row, for example PORT=4100 npm start.`;
  }
  return error instanceof Error ? error.message : String(error);
}
