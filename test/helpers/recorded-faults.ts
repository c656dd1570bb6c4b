import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type DoorAnswer, withBug } from './built-door.ts';
import { MEMBER, memberGroup, REFUSED } from './claims.ts';
import { withCopy } from './packaged-template.ts';
import { startTelemetryBed, type TelemetryBed } from './telemetry-bed.ts';
import { AUDIENCE, ISSUER } from './tokens.ts';

export type Door = 'http' | 'invoke' | 'queue';

/** What one request or one batch made of metrics, by the names that the evaluator gives them. */
export interface Recording {
  door: Door;
  points: readonly (readonly [name: string, value: number])[];
  /** The answer's status; that of a batch, or of an invocation that threw, is made up. */
  status: number;
}

interface Fault {
  doors: readonly Door[];
  env?: Record<string, string>;
  prefer?: string;
  arrange?: (bed: TelemetryBed) => void;
  /** What is left of the invocation's time, besides what the door keeps for its answer. */
  leftMs?: number;
  /** How long after a first request that is well it begins, and what breaks in between. */
  after?: { ms: number; breaks: (bed: TelemetryBed) => void };
  /** The text of lib/policy.ts. */
  rule?: string;
  event?: 'unreadable' | 'bug' | 'anonymous';
  /** Of several requests, one after another: what each of them has. */
  requests?: readonly Request[];
}

interface Request {
  body?: string;
  groupId?: string;
  headers?: object;
  claims?: object;
  /** At the doors for backends. */
  userIds?: readonly string[];
}

const ALL: readonly Door[] = ['http', 'invoke', 'queue'];
const NOWHERE = 'http://127.0.0.1:9';
const NO_QUEUES = { JOIN_QUEUE_URL: `${NOWHERE}/000000000000/joins`, JOIN_DLQ_URL: `${NOWHERE}/000000000000/dead` };
const answers = (status: number, body?: string) => (bed: TelemetryBed) =>
  bed.misbehave({ kind: 'status', status, ...(body !== undefined && { body }) });

const USERS = ['planted-user', 'planted-ghost', 'planted-nonsense', 'planted-user'];
/** Of users who may join, by whatever rule, as long as their groups are read. */
const GRANTED = USERS.map((sub) => ({ claims: { sub, groups: [memberGroup('*')] }, groupId: memberGroup('open') }));
const GROUPS = ['a', 'b', 'c', 'a'].map((name) => ({ groupId: memberGroup(name) }));
/** Of users of one group. */
const LOBBY = USERS.map((sub) => ({ claims: { ...MEMBER, sub }, userIds: [sub] }));
const rejects = answers(200, '{"code":1002}');
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** Tokens that nobody's key signed. */
const forged = (claims: object) =>
  USERS.map((sub) => {
    const payload = { aud: 'elsewhere', exp: 4_000_000_000, ...claims, sub };
    return { headers: { authorization: `Bearer ${part({ alg: 'RS256', kid: 'k9' })}.${part(payload)}.c2ln` } };
  });

/** Each fault, and what brings it about. */
export const FAULTS = {
  none: { doors: ALL },
  'RongCloud answers 500': { doors: ALL, arrange: answers(500) },
  'RongCloud answers nonsense': { doors: ALL, arrange: answers(200, '<planted>') },
  'RongCloud hangs': { doors: ALL, arrange: (bed) => bed.misbehave({ kind: 'hang' }), leftMs: 1200 },
  'RongCloud is out of reach': { doors: ALL, env: { RONGCLOUD_API_URLS: NOWHERE } },
  'RongCloud says too many': { doors: ALL, arrange: answers(429, '{"code":1008}'), leftMs: 2500 },
  'RongCloud refuses the app': { doors: ALL, arrange: answers(401, '{"code":1006}') },
  'RongCloud refuses the signature': {
    doors: ALL,
    arrange: (bed) => {
      bed.app.appSecret = 'other';
    },
  },
  'the secret is out of reach': { doors: ALL, env: { RONGCLOUD_SECRET_ID: 'none' } },
  'the secret is stale': { doors: ALL, after: { ms: 6 * 60_000, breaks: (bed) => bed.secrets.clear() } },
  'no keys of the issuer': { doors: ['http'], env: { JWKS_URI: NOWHERE } },
  "the issuer's keys are stale": {
    doors: ['http'],
    after: { ms: 11 * 60_000, breaks: (bed) => bed.issuer.behave({ onConnection: (socket) => socket.destroy() }) },
  },
  'SQS takes nothing': {
    doors: ['http', 'queue'],
    env: NO_QUEUES,
    prefer: 'respond-async',
    event: 'unreadable',
  },
  'SQS takes nothing after a try': {
    doors: ['http'],
    env: NO_QUEUES,
    prefer: 'respond-async, wait=1',
    arrange: answers(500),
  },
  'no time is left': { doors: ALL, leftMs: 400 },
  'a bug': { doors: ['http'], event: 'bug' },
  'the rule fails': { doors: ['http'], rule: "export const decide = () => { throw new Error('planted'); };" },
  'the group is full': { doors: ALL, arrange: answers(405, '{"code":405}') },
  'the bus takes nothing': {
    doors: ['queue'],
    env: { RESULT_BUS: 'results', RESULT_SOURCE: 'test', AWS_ENDPOINT_URL_EVENTBRIDGE: NOWHERE },
  },
  'no token': { doors: ['http'], event: 'anonymous' },
  'another audience': { doors: ['http'], env: { JWT_AUDIENCE: `not-${AUDIENCE}` }, requests: GRANTED },
  'another issuer': { doors: ['http'], env: { JWT_ISSUER: `${ISSUER}/` }, requests: GRANTED },
  'another groups claim': { doors: ['http'], env: { JWT_GROUPS_CLAIM: 'teams' }, requests: GRANTED },
  'a rule that refuses all': {
    doors: ['http'],
    requests: USERS.map((sub) => ({ claims: { ...REFUSED.claims, sub }, body: REFUSED.body })),
  },
  "strangers' tokens": { doors: ['http'], requests: forged({ iss: 'https://elsewhere.example' }) },
  'tokens that name the issuer': { doors: ['http'], requests: forged({ iss: ISSUER }) },
  'RongCloud rejects all users': { doors: ALL, arrange: rejects, requests: LOBBY },
  'RongCloud rejects one user': { doors: ALL, arrange: rejects, requests: GROUPS },
  'RongCloud rejects one request': {
    doors: ['invoke', 'queue'],
    arrange: rejects,
    requests: GROUPS.map(() => ({ userIds: USERS })),
  },
  'every group is full': { doors: ALL, arrange: answers(405, '{"code":405}'), requests: GROUPS },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** Brings every fault about at every door that knows it, and takes down what the door prints for metrics. */
export async function recordFaults(): Promise<Map<FaultName, Recording[]>> {
  const recorded = new Map<FaultName, Recording[]>();
  const names = Object.keys(FAULTS).filter((name): name is FaultName => name in FAULTS);
  for (const name of names) recorded.set(name, await record(FAULTS[name]));
  return recorded;
}

const RESERVE_MS: Record<Door, number> = { http: 500, invoke: 500, queue: 6000 };

function record(fault: Fault): Promise<Recording[]> {
  if (fault.rule === undefined) return recordWith(fault);
  return withCopy({ 'lib/policy.ts': fault.rule }, async (folder) => {
    await promisify(execFile)(process.execPath, ['build.ts'], { cwd: folder });
    return recordWith(fault, pathToFileURL(`${folder}/dist/`));
  });
}

async function recordWith(fault: Fault, dist?: URL): Promise<Recording[]> {
  const bed = await startTelemetryBed();
  const doors = await Promise.all(
    fault.doors.map(async (door) => ({ door, built: await bed.start(door, fault.env ?? {}, dist) })),
  );
  const laterMs = fault.after?.ms ?? 0;
  if (fault.after) {
    for (const { door, built } of doors) await built.invoke(await goodEvent(bed, fault, door));
    fault.after.breaks(bed);
    bed.clock.laterMs = laterMs;
  }
  fault.arrange?.(bed);
  const recordings = await Promise.all(
    doors.map(async ({ door, built }): Promise<Recording[]> => {
      const remainingMs = fault.leftMs === undefined ? undefined : RESERVE_MS[door] + fault.leftMs;
      const answers: Recording[] = [];
      for (const request of fault.requests ?? [{}]) {
        const answer = await built.invoke(await eventOf(bed, fault, door, request), remainingMs, laterMs);
        const status = answer.error ? 500 : (answer.result?.statusCode ?? 200);
        answers.push({ door, points: pointsOf(answer), status });
      }
      return answers;
    }),
  );
  await bed.close();
  return recordings.flat();
}

async function goodEvent(bed: TelemetryBed, { prefer }: Fault, door: Door, request: Request = {}): Promise<object> {
  const { groupId = 'g', userIds = ['planted-user'] } = request;
  if (door === 'invoke') return { groupId, userIds };
  if (door === 'queue') return batch(JSON.stringify({ groupId, userIds }));
  return bed.httpEvent(prefer === undefined ? request : { headers: { prefer } });
}

async function eventOf(bed: TelemetryBed, fault: Fault, door: Door, request: Request): Promise<unknown> {
  if (fault.event === 'unreadable' && door === 'queue') return batch('no request');
  if (fault.event === 'anonymous') return { ...(await bed.httpEvent()), headers: {} };
  const event = await goodEvent(bed, fault, door, request);
  return fault.event === 'bug' ? withBug(event) : event;
}

function batch(body: string): object {
  const attributes = { SentTimestamp: String(Date.now()), ApproximateReceiveCount: '9' };
  return { Records: [{ messageId: 'm', receiptHandle: 'r', body, attributes }] };
}

/** Metrics in CloudWatch's embedded format: a name with several values has them in a list. */
function pointsOf({ metrics }: DoorAnswer): Recording['points'] {
  return metrics.flatMap((line) =>
    (line._aws?.CloudWatchMetrics ?? []).flatMap(({ Metrics }) =>
      Metrics.flatMap(({ Name }) =>
        [line[Name]].flat().map((value) => [`${Name} ${line.code ?? line.door}`, Number(value)] as const),
      ),
    ),
  );
}
