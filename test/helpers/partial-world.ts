import type { JoinRequest } from '../../lib/join/join-request.ts';
import { createJoinUsers, type JoinReport } from '../../lib/join/join-users.ts';
import { RongCloudClient } from '../../lib/rongcloud/client.ts';
import { type CallTrouble, type ContentFault, RongCloud } from '../../tools/sim/rongcloud.ts';
import { APP_KEY } from '../../tools/sim/secret.ts';
import type { SeededRandom } from '../../tools/sim/seeded-random.ts';
import { createSimulatedTime } from '../../tools/sim/simulated-time.ts';

export type Trouble = CallTrouble;

export interface PartialWorldOptions {
  random: SeededRandom;
  /** Users and names that RongCloud refuses, whatever stands beside them. */
  refused?: Iterable<string>;
  /** How many members the group takes. */
  capacity?: number;
  /** Whether a member who is named again takes a place of its own. */
  countsMembers?: boolean;
  /** The trouble that a sending meets, the first being number 1; a number is RongCloud's return code. */
  trouble?: (ordinal: number) => CallTrouble | number | undefined;
}

const APP = { appKey: APP_KEY, appSecret: 's3cret' };
const DEADLINE_MS = 8000;

/** Group `g` at the simulated RongCloud, and the code that joins users to it. */
export function createPartialWorld({ random, refused = [], trouble, ...options }: PartialWorldOptions) {
  const time = createSimulatedTime(0);
  const faults = new Map<string, ContentFault>([...refused].map((id) => [id, 1002]));
  const rongCloud = new RongCloud({
    ...options,
    time,
    random,
    acceptedSecret: () => APP.appSecret,
    userFaults: faults,
    nameFaults: faults,
    callsPerSecond: Number.POSITIVE_INFINITY,
    carriedOut: 0.5,
    travelMs: () => 5,
    answerMs: () => random.int(1, 30),
    script(_call, ordinal) {
      const kind = trouble?.(ordinal);
      return typeof kind === 'number' ? { status: 200, body: `{"code":${kind}}`, complete: true } : kind;
    },
  });
  const client = new RongCloudClient({
    urls: ['https://a.invalid', 'https://b.invalid'],
    transport: rongCloud.transport(() => ({ door: 'http', environment: 1, invocation: 1, sleep: time.sleep })),
    credentials: { get: () => APP, replace: async () => undefined },
    clock: time.clock,
    sleep: time.sleep,
    random: () => random.next(),
    randomUUID: () =>
      Math.floor(random.next() * 2 ** 52)
        .toString(16)
        .padStart(18, '0'),
  });
  const joinUsers = createJoinUsers(client, time.sleep);
  const log = { sent: () => {}, waitedForSecret: () => {} };
  return {
    sendings: rongCloud.calls,
    members: () => rongCloud.members('g'),
    name: () => rongCloud.name('g'),
    isFull: () => rongCloud.isFull('g'),
    /** Lets somebody in before. */
    admit: (userIds: readonly string[]) => rongCloud.admit('g', userIds),
    join: (request: JoinRequest, ms = DEADLINE_MS): Promise<JoinReport> =>
      time.run(joinUsers(request, { requestId: 'r', deadline: time.now() + ms, log })),
    /** Makes one call with all its retries, and nothing more. */
    call: (form: string) =>
      time.run(client.callWithRetries(form, { requestId: 'r', deadline: time.now() + DEADLINE_MS, log })),
  };
}
