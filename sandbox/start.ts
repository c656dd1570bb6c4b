import { buildFunctions } from '../build.ts';
import { DATA_CENTERS } from '../lib/rongcloud/data-centers.ts';
import { forward } from './forward.ts';
import { EVENTS_PATH, type RealRongCloud, type Sandbox, startSandbox } from './sandbox.ts';

/** What a person did wrong or can mend, said in one line. */
class Complaint extends Error {}

const { env } = process;

try {
  const stop = stopOnSignal();
  const port = readPort();
  const rongCloud = readRongCloud();
  const sample = readSample(rongCloud);
  await buildFunctions();
  const sandbox = await startSandbox({
    port,
    ...(rongCloud && { rongCloud }),
    corsOrigins: (env.CORS_ORIGINS ?? '').split(',').flatMap((origin) => origin.trim() || []),
    // The functions' log lines, without their metrics.
    onOutput: (line) => line.startsWith('{') && !line.includes('"_aws"') && console.log(line),
    onExit: () => {
      console.error('The functions have ended unexpectedly.');
      process.exit(1);
    },
  });
  stop.with(sandbox);
  introduce(sandbox, rongCloud);
  if (sample) await joinSample(sandbox, sample);
  else console.log('\nNobody was joined: SAMPLE_USER and SAMPLE_GROUP would name somebody.');
  console.log('\nCtrl-C stops everything.');
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

function readPort(): number {
  const port = Number(env.PORT || 4000);
  if (!Number.isInteger(port) || port < 1 || port > 65_000)
    throw new Complaint('PORT must be a number from 1 to 65000.');
  return port;
}

function readRongCloud(): RealRongCloud | undefined {
  const { RONGCLOUD_APP_KEY: appKey, RONGCLOUD_APP_SECRET: appSecret, RONGCLOUD_DATA_CENTER: dataCenter } = env;
  if (!appKey && !appSecret) return undefined;
  if (!appKey || !appSecret || !dataCenter || !Object.hasOwn(DATA_CENTERS, dataCenter)) {
    const names = Object.keys(DATA_CENTERS).join(', ');
    throw new Complaint(
      `To call the real RongCloud, set RONGCLOUD_APP_KEY, RONGCLOUD_APP_SECRET and RONGCLOUD_DATA_CENTER (one of ${names}).`,
    );
  }
  if (appKey === appSecret) throw new Complaint('RONGCLOUD_APP_KEY and RONGCLOUD_APP_SECRET are the same value.');
  return { appKey, appSecret, dataCenter };
}

interface Sample {
  userId: string;
  groupId: string;
}

/** Nobody joins a group of the real RongCloud unless they are named. */
function readSample(rongCloud: RealRongCloud | undefined): Sample | undefined {
  const { SAMPLE_USER: userId, SAMPLE_GROUP: groupId } = env;
  if (userId && groupId) return { userId, groupId };
  if (rongCloud && (userId || groupId)) throw new Complaint('Set both SAMPLE_USER and SAMPLE_GROUP, or neither.');
  return rongCloud ? undefined : { userId: userId || 'alice', groupId: groupId || 'team-1' };
}

function introduce(sandbox: Sandbox, rongCloud: RealRongCloud | undefined): void {
  const rows = [
    ['HTTP door', sandbox.httpUrl],
    ['Lambda Invoke', `${sandbox.invokeUrl} (function ${sandbox.invokeFunctionName})`],
    ['AWS stand-ins', `${sandbox.awsUrl} (queue ${sandbox.queueUrl})`],
    ['Events', `${sandbox.awsUrl}${EVENTS_PATH}`],
    ['IM service', sandbox.im?.primary.url ?? `the real RongCloud, data centre ${rongCloud?.dataCenter}`],
    ['Token issuer', sandbox.issuer.url],
    ...(sandbox.im ? [['IM, backup', sandbox.im.backup.url]] : []),
  ];
  for (const [name, value] of rows) console.log(`${name?.padEnd(14)} ${value}`);
  // The token is for this start alone. With it the AWS CLI may change the stand-in's secret.
  console.log(`\nFor the AWS CLI:\n\n  export AWS_SESSION_TOKEN=${sandbox.personToken}`);
}

async function joinSample(sandbox: Sandbox, { userId, groupId }: Sample): Promise<void> {
  const token = await sandbox.issuer.token({ sub: userId, groups: [groupId] });
  const path = `/groups/${encodeURIComponent(groupId).replaceAll("'", '%27')}/members`;
  const { status, body } = await forward({
    url: sandbox.httpUrl,
    path,
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    body: Buffer.alloc(0),
  });
  console.log(`\n${status === 200 ? 'Joined' : 'Could not join'} ${userId} to ${groupId}: ${status} ${body}`);
  console.log(
    `\nDo it again with:\n\n  curl -i -X POST '${sandbox.httpUrl}${path}' -H 'Authorization: Bearer ${token}'`,
  );
}

function explain(error: unknown): string {
  if (error instanceof Complaint) return error.message;
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error) {
    return `Port ${error.port} is in use. Set PORT to the first of six free ports, for example PORT=4100 npm start.`;
  }
  return error instanceof Error ? error.message : String(error);
}
