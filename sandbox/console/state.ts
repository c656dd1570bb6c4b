import type { Fault } from '../http/fault.ts';
import type { Check } from '../rongcloud/checks.ts';
import type { Sample } from '../settings.ts';

/** What can be made to fail. */
export const FAULT_NAMES = ['rongcloud-primary', 'rongcloud-backup', 'secrets-manager', 'issuer'] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

/** What the console shows: of each list the newest first, and no more than is good to read. */
export interface State {
  service: ServiceView;
  groups: { count: number; newest: GroupView[] };
  calls: CallView[];
  refusals: readonly RefusalView[];
  faults: FaultView[];
  unknownUsers: string[];
  queue: QueueView;
  deadLetters: QueueView;
  events: EventView[];
}

export interface ServiceView {
  httpUrl: string;
  /** The data centre of the real RongCloud, if that is called and not the stand-in. */
  realRongCloud?: string;
  /** Whether the stand-in takes any nonce and timestamp. */
  lenient: boolean;
  /** The domain of the last call; absent if these functions have made none. */
  lastDomain?: CallView['domain'];
  /** What `npm start` joins by itself, and the form begins with. */
  sample?: Sample;
}

export interface GroupView {
  groupId: string;
  name?: string;
  count: number;
  /** The last that joined, newest first. */
  newest: string[];
}

/** A call that the stand-in IM service saw. */
export interface CallView {
  number: number;
  at: number;
  domain: 'primary' | 'backup';
  /** Its place among the calls with the same request id, group and users. */
  attempt: number;
  requestId: string;
  path: string;
  groupId: string;
  userCount: number;
  /** The first of them. */
  userIds: string[];
  checks: Omit<Check, 'code'>[];
  fault?: Fault;
  /** The HTTP status of the answer, if there was one that was not made up. */
  status?: number;
  /** RongCloud's return code; 0 if the call was not carried out. */
  code: number;
  errorMessage?: string;
}

/** A request that RongCloud was not called for. */
export interface RefusalView {
  at: number;
  door: string;
  requestId: string;
  /** Absent where the request was refused before it was read. */
  groupId?: string | undefined;
  status: number;
  code: string;
  /** Why, as the log line has it, or else the answer. */
  cause?: string | undefined;
}

export interface FaultView {
  name: FaultName;
  /** How the next call is met, if not as usual. */
  how?: Fault;
  /** Calls since the start, and how many of them were met with a fault. */
  asked: number;
  met: number;
}

export interface QueueView {
  name: string;
  ready: number;
  hidden: number;
  delayed: number;
  newest: MessageView[];
}

export interface MessageView {
  messageId: string;
  sentAt: number;
  receiveCount: number;
  state: 'ready' | 'hidden' | 'delayed';
  /** When a message that is hidden or delayed can be received. */
  until?: number;
  /** Cut, if it is long. */
  body: string;
  attributes: Record<string, string>;
  /** The sender (MessageGroupId). */
  sender?: string;
}

export interface EventView {
  id: string;
  time: string;
  type: string;
  /** JSON, cut if it is long. */
  detail: string;
}
