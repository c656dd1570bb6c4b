import type { BusEvent } from '../aws/event-bus.ts';
import type { SeenMessage, SqsQueue } from '../aws/sqs/queue.ts';
import type { Fault, FaultSwitch } from '../http/fault.ts';
import type { TokenClaims } from '../http/token-issuer.ts';
import type { ImApp } from '../rongcloud/app.ts';
import type { ImService, SeenCall } from '../rongcloud/service.ts';
import type { Sample } from '../settings.ts';
import type { CallView, EventView, FaultName, GroupView, MessageView, QueueView, RefusalView, State } from './state.ts';

/** What of the sandbox the console shows and changes. */
export interface ConsoleParts {
  httpUrl: string;
  /** Absent where the real RongCloud is called, in this data centre. */
  im: { primary: ImService; backup: ImService } | undefined;
  dataCenter: string | undefined;
  sample: Sample | undefined;
  faults: ReadonlyMap<FaultName, FaultSwitch>;
  queue: SqsQueue;
  deadLetterQueue: SqsQueue;
  events: readonly BusEvent[];
  refusals: { newest: readonly RefusalView[] };
  functions: { startedAt: number; renew(): Promise<void> };
  token(claims: TokenClaims): Promise<string>;
}

/** How many of each are shown. */
export const SHOWN = { groups: 50, members: 20, calls: 100, users: 10, unknownUsers: 100, messages: 50, events: 100 };
const MAX_ID = 128;
const MAX_TEXT = 2000;

/** How the sandbox is at this moment. */
export function takeSnapshot(parts: ConsoleParts): State {
  const { httpUrl, im, dataCenter, sample, faults, queue, deadLetterQueue, events } = parts;
  const app = im?.primary.app;
  const calls = im ? viewCalls({ primary: im.primary.calls, backup: im.backup.calls }) : [];
  const [last] = calls;
  return {
    service: {
      httpUrl,
      ...(dataCenter !== undefined && { realRongCloud: dataCenter }),
      lenient: app?.freshness === false,
      ...(last && last.at >= parts.functions.startedAt && { lastDomain: last.domain }),
      ...(sample && { sample }),
    },
    groups: viewGroups(app),
    calls,
    refusals: parts.refusals.newest.map(viewRefusal),
    faults: [...faults].map(([name, { how, counts }]) => ({
      name,
      ...counts,
      ...(how && { how: viewFault(how) }),
    })),
    unknownUsers: [...(app?.unknownUsers ?? [])].reverse().slice(0, SHOWN.unknownUsers),
    queue: viewQueue(queue),
    deadLetters: viewQueue(deadLetterQueue),
    events: events.slice(-SHOWN.events).reverse().map(viewEvent),
  };
}

function viewGroups(app: ImApp | undefined): State['groups'] {
  const ids = app?.groups.ids() ?? [];
  const newest = ids.slice(-SHOWN.groups).reverse();
  return { count: ids.length, newest: app ? newest.map((groupId) => viewGroup(app, groupId)) : [] };
}

function viewGroup({ groups }: ImApp, groupId: string): GroupView {
  const members = groups.members(groupId);
  const name = groups.name(groupId);
  const newest = members.slice(-SHOWN.members).reverse();
  return { groupId, ...(name !== undefined && { name }), count: members.length, newest };
}

function viewCalls(byDomain: Record<CallView['domain'], readonly SeenCall[]>): CallView[] {
  const calls = (['primary', 'backup'] as const).flatMap((domain) =>
    byDomain[domain].map((call) => ({ domain, call })),
  );
  calls.sort((a, b) => a.call.number - b.call.number);
  const attempts = new Map<string, number>();
  const views = calls.map(({ domain, call }) => {
    // The calls of a request with more users than fit into one differ in their first user.
    const same = JSON.stringify([requestIdOf(call), call.path, call.groupId, call.userIds.length, call.userIds[0]]);
    const attempt = (attempts.get(same) ?? 0) + 1;
    attempts.set(same, attempt);
    return { domain, call, attempt };
  });
  return views.slice(-SHOWN.calls).reverse().map(viewCall);
}

interface Numbered {
  domain: CallView['domain'];
  call: SeenCall;
  attempt: number;
}

function viewCall({ domain, call, attempt }: Numbered): CallView {
  const { number, at, path, groupId, userIds, checks, fault, status, code, errorMessage } = call;
  return {
    ...{ number, at, domain, attempt, requestId: cut(requestIdOf(call), MAX_ID), path: cut(path, MAX_ID) },
    groupId: cut(groupId ?? '', MAX_ID),
    userCount: userIds.length,
    userIds: userIds.slice(0, SHOWN.users).map((id) => cut(id, MAX_ID)),
    checks,
    ...(fault && { fault: viewFault(fault) }),
    ...(status !== undefined && { status }),
    code,
    ...(errorMessage !== undefined && { errorMessage }),
  };
}

function viewRefusal({ cause, groupId, requestId, ...refusal }: RefusalView): RefusalView {
  return {
    ...refusal,
    requestId: cut(requestId, MAX_ID),
    ...(groupId !== undefined && { groupId: cut(groupId, MAX_ID) }),
    ...(cause !== undefined && { cause: cut(cause, MAX_TEXT) }),
  };
}

function requestIdOf({ headers }: SeenCall): string {
  return String(headers['x-request-id'] ?? '');
}

function viewFault(how: Fault): Fault {
  return how.kind === 'status' && how.body !== undefined ? { ...how, body: cut(how.body, MAX_TEXT) } : how;
}

function viewQueue(queue: SqsQueue): QueueView {
  return { name: queue.name, ...queue.counts, newest: queue.look(SHOWN.messages).map(viewMessage) };
}

function viewMessage({ message, state, until }: SeenMessage): MessageView {
  const { messageId, sentAt, receiveCount, body, attributes, groupId } = message;
  const texts = Object.entries(attributes).map(([name, { StringValue, BinaryValue = '' }]) => {
    return [name, cut(StringValue ?? BinaryValue, MAX_TEXT)] as const;
  });
  return {
    ...{ messageId, sentAt, receiveCount, state, body: cut(body, MAX_TEXT), attributes: Object.fromEntries(texts) },
    ...(until !== undefined && { until }),
    ...(groupId !== undefined && { sender: groupId }),
  };
}

function viewEvent({ id, time, detail, 'detail-type': type }: BusEvent): EventView {
  return { id, time, type: cut(type, MAX_ID), detail: cut(JSON.stringify(detail), MAX_TEXT) };
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}…` : text;
}
