import { JoinError } from '../../lib/errors.ts';
import type { JoinRequest } from '../../lib/join/join-request.ts';
import { createJoinUsers, type JoinReport } from '../../lib/join/join-users.ts';
import { RongCloudClient } from '../../lib/rongcloud/client.ts';
import type { UpstreamAnswer } from '../../lib/rongcloud/return-codes.ts';
import { DeadConnection, type UpstreamRequest } from '../../lib/rongcloud/transport.ts';
import type { SeededRandom } from '../../tools/sim/seeded-random.ts';
import { createSimulatedTime } from '../../tools/sim/simulated-time.ts';

/** What may go wrong with a sending besides its content. All but `rate` and `unreachable` may be carried out. */
export type Trouble = 'hang' | 'broken' | 'dead' | 'internal' | 'error' | 'rate' | 'unreachable';

export interface PartialWorldOptions {
  random: SeededRandom;
  /** Users and names that RongCloud refuses, whatever stands beside them. */
  refused?: ReadonlySet<string>;
  /** How many members the group takes. */
  capacity?: number;
  /** Whether a member who is named again takes a place of its own. */
  countsRepeats?: boolean;
  /** What goes wrong with a sending; a number is RongCloud's return code. */
  trouble?: (ordinal: number) => Trouble | number | undefined;
}

/** One group at a RongCloud that refuses, fills up and fails, and the code that joins users to it. Time is simulated. */
export function createPartialWorld(options: PartialWorldOptions) {
  const { random, refused = new Set(), capacity = 3000, countsRepeats = false, trouble = () => undefined } = options;
  const time = createSimulatedTime(0);
  const members = new Set<string>();
  const sendings: { userIds: string[]; groupName: string | undefined }[] = [];
  let name: string | undefined;

  const carryOut = (userIds: readonly string[], groupName: string | undefined): number => {
    if (userIds.some((userId) => refused.has(userId)) || (groupName !== undefined && refused.has(groupName)))
      return 1002;
    const added = countsRepeats ? userIds.length : new Set(userIds).difference(members).size;
    if (members.size + added > capacity) return 405;
    for (const userId of userIds) members.add(userId);
    name = groupName ?? name;
    return 200;
  };

  async function post({ body, timeoutMs }: UpstreamRequest): Promise<UpstreamAnswer | JoinError> {
    const pairs = new URLSearchParams(body);
    const userIds = pairs.getAll('userId');
    const groupName = pairs.get('groupName') ?? undefined;
    const kind = trouble(sendings.push({ userIds, groupName }));
    await time.sleep(random.int(5, 40));
    if (kind === 'unreachable') return new JoinError('UPSTREAM_UNREACHABLE');
    if (kind === 'rate') return answer(1008);
    if (typeof kind === 'number') return answer(kind);
    if (kind && random.chance(0.5)) carryOut(userIds, groupName);
    if (kind === 'dead') return new DeadConnection(new Error('reset'));
    if (kind === 'broken') return new JoinError('UPSTREAM_UNAVAILABLE');
    if (kind === 'internal') return answer(1000);
    if (kind === 'error') return { status: 502, body: '<html>', complete: true };
    if (kind === 'hang') {
      await time.sleep(timeoutMs);
      return new JoinError('UPSTREAM_TIMEOUT');
    }
    return answer(carryOut(userIds, groupName));
  }

  const client = new RongCloudClient({
    urls: ['https://a.invalid', 'https://b.invalid'],
    transport: { post, close: () => {} },
    credentials: { get: () => ({ appKey: 'key', appSecret: 's' }), replace: async () => undefined },
    clock: time.clock,
    sleep: time.sleep,
    random: () => random.next(),
    randomUUID: () => '0'.repeat(36),
  });
  const joinUsers = createJoinUsers(client, time.sleep);
  const log = { sent: () => {}, waitedForSecret: () => {} };
  return {
    client,
    members,
    sendings,
    name: () => name,
    join: (request: JoinRequest, ms = 8000): Promise<JoinReport> =>
      time.run(joinUsers(request, { requestId: 'r', deadline: time.now() + ms, log })),
    /** Makes one call with all its retries, and nothing more. */
    call: (form: string) => time.run(client.join(form, { requestId: 'r', deadline: time.now() + 8000, log })),
  };
}

function answer(code: number): UpstreamAnswer {
  return { status: code === 1008 ? 429 : 200, body: `{"code":${code}}`, complete: true };
}
