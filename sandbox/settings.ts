import { DATA_CENTERS } from '../lib/rongcloud/data-centers.ts';

/** What a person did wrong or can mend, said in one line. */
export class Complaint extends Error {}

/** How many ports in a row a sandbox takes. */
export const PORTS = 7;

/** The real RongCloud, to be called instead of the stand-in. */
export interface RealRongCloud {
  appKey: string;
  appSecret: string;
  dataCenter: string;
}

/** The first join of `npm start`. */
export interface Sample {
  userId: string;
  groupId: string;
  /** What the user's token says beside or instead of `sub` and `groups`. */
  claims: Record<string, unknown>;
}

/** What `npm start` is told by its environment. */
export interface Settings {
  port: number;
  rongCloud: RealRongCloud | undefined;
  sample: Sample | undefined;
  corsOrigins: string[];
  corsHeaders: string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment. An empty variable is an unset one. Throws a Complaint about what makes no sense. */
export function readSettings(env: Environment): Settings {
  const rongCloud = readRongCloud(env);
  return {
    port: readPort(env),
    rongCloud,
    sample: readSample(env, rongCloud),
    corsOrigins: readCorsOrigins(env),
    corsHeaders: readCorsHeaders(env),
  };
}

const LAST_PORT = 65_536 - PORTS;

function readPort(env: Environment): number {
  const port = Number(env.PORT || 4000);
  if (!Number.isInteger(port) || port < 1 || port > LAST_PORT) {
    throw new Complaint(`PORT must be a number from 1 to ${LAST_PORT}.`);
  }
  return port;
}

const REAL = ['RONGCLOUD_APP_KEY', 'RONGCLOUD_APP_SECRET', 'RONGCLOUD_DATA_CENTER'] as const;

function readRongCloud(env: Environment): RealRongCloud | undefined {
  const missing = REAL.filter((name) => !env[name]);
  if (missing.length === REAL.length) return undefined;
  if (missing.length > 0) {
    throw new Complaint(
      `To call the real RongCloud, set ${missing.join(' and ')} too. To call the stand-in, unset all.`,
    );
  }
  const [appKey = '', appSecret = '', dataCenter = ''] = REAL.map((name) => env[name]);
  if (!Object.hasOwn(DATA_CENTERS, dataCenter)) {
    throw new Complaint(`RONGCLOUD_DATA_CENTER must be one of ${Object.keys(DATA_CENTERS).join(', ')}.`);
  }
  if (appKey === appSecret) throw new Complaint('RONGCLOUD_APP_KEY and RONGCLOUD_APP_SECRET are the same value.');
  return { appKey, appSecret, dataCenter };
}

/** Nobody joins a group of the real RongCloud unless they are named. */
function readSample(env: Environment, rongCloud: RealRongCloud | undefined): Sample | undefined {
  const { SAMPLE_USER: userId, SAMPLE_GROUP: groupId } = env;
  const claims = readClaims(env);
  if (userId && groupId) return { userId, groupId, claims };
  if (rongCloud && (userId || groupId)) throw new Complaint('Set both SAMPLE_USER and SAMPLE_GROUP, or neither.');
  return rongCloud ? undefined : { userId: userId || 'alice', groupId: groupId || 'team-1', claims };
}

function readClaims(env: Environment): Record<string, unknown> {
  try {
    const claims: unknown = JSON.parse(env.SAMPLE_CLAIMS || '{}');
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return { ...claims };
  } catch {
    // Said below.
  }
  throw new Complaint(`SAMPLE_CLAIMS must be a JSON object, for example SAMPLE_CLAIMS='{"role":"host"}'.`);
}

const listIn = (text = ''): string[] => text.split(',').flatMap((part) => part.trim() || []);

/** Browsers send an origin in one spelling alone: any other would match nobody. */
function readCorsOrigins(env: Environment): string[] {
  const origins = listIn(env.CORS_ORIGINS);
  for (const origin of origins) {
    const sent = URL.parse(origin)?.origin ?? 'null';
    if (origin === '*' || (origin === sent && /^https?:/.test(origin))) continue;
    const advice = /^https?:/.test(sent) ? `Write ${sent}` : 'Write it as https://app.example';
    throw new Complaint(`CORS_ORIGINS: no browser sends the origin ${origin}. ${advice}.`);
  }
  return origins;
}

function readCorsHeaders(env: Environment): string[] {
  const headers = listIn(env.CORS_HEADERS);
  if (headers.every((header) => /^[\w-]+$/.test(header))) return headers.map((header) => header.toLowerCase());
  throw new Complaint('CORS_HEADERS must be names of headers, with commas between.');
}
