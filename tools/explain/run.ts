import { spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Clock } from '../../lib/clock.ts';
import { readHttpConfig } from '../../lib/config.ts';
import { ConfigError, type Environment } from '../../lib/environment.ts';
import { keySetFetcher } from '../../lib/identity/key-set-fetcher.ts';
import { explain } from './explain.ts';

// What the HTTP door makes of a token: echo "$TOKEN" | npm run explain -- --stage prod --group team-1

const USAGE = 'Usage: echo "$TOKEN" | npm run explain -- --stage prod [--param="name=value"] [--group ID [--user ID]]';
const MAX_COMPLAINT = 500;
const option = { type: 'string' } as const;

/** The variables that the stage gives to the HTTP function, as osls resolves them. */
function environmentOf(stage: string, others: string[]): Environment {
  const args = ['print', '--stage', stage, '--path', 'functions.http.environment', '--format', 'json', ...others];
  const serverless = new URL('../../node_modules/serverless/bin/serverless.js', import.meta.url).pathname;
  const env = { ...process.env, SLS_TELEMETRY_DISABLED: '1' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [serverless, ...args], { encoding: 'utf8', env });
  // Not with the command, whose parameters may be secrets.
  if (status !== 0) throw new TypeError(`The stage can't be read. ${`${stdout}${stderr}`.slice(0, MAX_COMPLAINT)}`);
  const entries = Object.entries(JSON.parse(stdout)).filter(([, value]) => typeof value !== 'object');
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

/** A complaint about variables in the names of the parameters that set them: JWT_ISSUER is jwtIssuer. */
function withParameters(complaint: string): string {
  return complaint.replaceAll(/\b(?:[A-Z]+_[A-Z_]+|JWKS)\b/g, (name) =>
    name.toLowerCase().replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
  );
}

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { stage: option, region: option, group: option, user: option, param: { ...option, multiple: true } },
  });
  if (positionals.length > 0) throw new TypeError('The token comes on standard input, and never as an argument.');
  if (values.stage === undefined) throw new TypeError('--stage is missing');
  const token = await text(process.stdin);
  const others = (values.param ?? []).map((param) => `--param=${param}`);
  if (values.region !== undefined) others.push(`--region=${values.region}`);
  // Only what is said of tokens counts here.
  const needless = { RONGCLOUD_SECRET_ID: 'unread', RONGCLOUD_API_URLS: 'https://unread.invalid' };
  const environment = environmentOf(values.stage, others);
  const config = readHttpConfig({ ...environment, ...needless });
  // The app's rule may read variables of its own.
  for (const [name, value] of Object.entries(environment)) process.env[name] ??= value;
  const { decide } = await import('../../lib/policy.ts');
  const { lines, isGood } = await explain(token, {
    rules: config.tokens,
    fetchKeySet: keySetFetcher(config.keySet),
    clock: new Clock(),
    sleep: (ms, options) => setTimeout(ms, undefined, options),
    decide,
    groupId: values.group,
    userId: values.user,
  });
  const place = typeof config.keySet === 'string' ? 'jwks' : config.keySet.href;
  console.log([`The keys come from ${place}`, ...lines].join('\n'));
  return isGood;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof TypeError)) throw error;
  console.error(error instanceof ConfigError ? withParameters(error.message) : `${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
