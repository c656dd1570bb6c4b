import { setTimeout } from 'node:timers/promises';
import { type Input, texts, whole } from './input.ts';
import {
  MAX_VISIBILITY_SECONDS,
  type MessageAttributes,
  md5,
  md5OfAttributes,
  type ReceivedMessage,
} from './message.ts';
import type { SqsQueue } from './queue.ts';

const MAX_MESSAGES = 10;
const MAX_WAIT_SECONDS = 20;
const POLL_MS = 20;

/** The machine's clock. */
const TIME = {
  now: () => performance.now(),
  sleep: (ms: number, options: { signal: AbortSignal }): Promise<void> => setTimeout(ms, undefined, options),
};

/** ReceiveMessage: waits for a message as long as it is told to, or until the receiver goes away. */
export async function receive(queue: SqsQueue, input: Input, gone: AbortSignal, time = TIME): Promise<object> {
  const max = whole(input, 'MaxNumberOfMessages', 1, MAX_MESSAGES) ?? 1;
  const hiddenSeconds = whole(input, 'VisibilityTimeout', 0, MAX_VISIBILITY_SECONDS);
  const waitSeconds = whole(input, 'WaitTimeSeconds', 0, MAX_WAIT_SECONDS) ?? 0;
  const hiddenMs = hiddenSeconds === undefined ? undefined : hiddenSeconds * 1000;
  const until = time.now() + waitSeconds * 1000;
  while (!gone.aborted) {
    const messages = queue.receive(max, hiddenMs).map((message) => toApiMessage(message, input));
    if (messages.length > 0) return { Messages: messages };
    const leftMs = until - time.now();
    if (leftMs <= 0) break;
    await time.sleep(Math.min(POLL_MS, leftMs), { signal: gone }).catch(() => undefined);
  }
  return {};
}

/** A message with the attributes that the receiver asks for. */
function toApiMessage(message: ReceivedMessage, input: Input) {
  const system = texts(input.MessageSystemAttributeNames ?? input.AttributeNames);
  const all = {
    SenderId: 'local',
    SentTimestamp: String(message.sentAt),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
    ...(message.groupId !== undefined && { MessageGroupId: message.groupId }),
  };
  const Attributes = select(all, (name) => system.includes('All') || system.includes(name));
  const MessageAttributes = asked(message.attributes, texts(input.MessageAttributeNames));
  const MD5OfMessageAttributes = md5OfAttributes(MessageAttributes);
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(Object.keys(Attributes).length > 0 && { Attributes }),
    ...(MD5OfMessageAttributes !== undefined && { MD5OfMessageAttributes, MessageAttributes }),
  };
}

/** Asked for by name, by what a name begins with (`foo.*`), or all of them (`All` or `.*`). */
function asked(attributes: MessageAttributes, names: readonly string[]): MessageAttributes {
  const isAsked = (name: string) =>
    names.some((one) => one === 'All' || one === name || (one.endsWith('.*') && name.startsWith(one.slice(0, -2))));
  return select(attributes, isAsked);
}

function select<Value>(members: Readonly<Record<string, Value>>, isWanted: (name: string) => boolean) {
  return Object.fromEntries(Object.entries(members).filter(([name]) => isWanted(name)));
}
