import * as v from 'valibot';
import { FAULT_RULE, parseFault } from '../http/fault.ts';
import type { ImApp } from '../rongcloud/app.ts';
import { type Answer, parse, Refusal, strictObject } from './answer.ts';
import { makeJoin } from './joins.ts';
import { type ConsoleParts, takeSnapshot } from './snapshot.ts';
import { FAULT_NAMES } from './state.ts';

/** What shows or changes the sandbox: a method and a path, whose `*` is the argument. */
type Control = (parts: ConsoleParts, argument: string, body: unknown) => Answer | Promise<Answer>;

const DONE: Answer = { status: 204 };
const MAX_UNKNOWN_USERS = 1000;
const userId = v.pipe(
  v.string(),
  v.regex(/\S/, 'The user id must not be blank'),
  v.maxLength(64, 'The user id must be at most 64 characters'),
);
const faultName = v.picklist(FAULT_NAMES, `The fault must be of ${FAULT_NAMES.join(', ')}`);
const secretReset = strictObject({
  appSecret: v.pipe(v.string('must be a text'), v.minLength(1, 'must not be empty')),
});

const CONTROLS: Readonly<Record<string, Control>> = {
  'GET state': (parts) => show(takeSnapshot(parts)),
  'GET calls': (parts) => show(takeSnapshot(parts).calls),
  'GET members/*': (parts, groupId) => show(appOf(parts).groups.members(groupId)),
  'GET events': ({ events }) => show(events),
  'POST joins': (parts, _, body) => makeJoin(parts, body),
  'PUT faults/*': (parts, name, body) => {
    const how = parseFault(body);
    if (!how) throw new Refusal(400, FAULT_RULE);
    if (how.carryOut !== undefined && !name.startsWith('rongcloud-')) {
      throw new Refusal(400, 'carryOut is for rongcloud-primary and rongcloud-backup: the others only read');
    }
    faultOf(parts, name).set(how);
    return DONE;
  },
  'DELETE faults/*': (parts, name) => {
    faultOf(parts, name).set(undefined);
    return DONE;
  },
  'PUT unknown-users/*': (parts, id) => {
    const unknown = appOf(parts).unknownUsers;
    if (unknown.size >= MAX_UNKNOWN_USERS) throw new Refusal(409, `There are ${MAX_UNKNOWN_USERS} already`);
    unknown.add(parse(userId, id));
    return DONE;
  },
  'DELETE unknown-users/*': (parts, id) => {
    appOf(parts).unknownUsers.delete(id);
    return DONE;
  },
  'PUT leniency': (parts) => {
    appOf(parts).freshness = false;
    return DONE;
  },
  'DELETE leniency': (parts) => {
    appOf(parts).freshness = true;
    return DONE;
  },
  'POST fresh-functions': async ({ functions }) => {
    await functions.renew().catch((error) => {
      throw new Refusal(503, `${error}`.slice(0, 1000));
    });
    return DONE;
  },
  // As a reset in RongCloud's own console does.
  'PUT app-secret': (parts, _, body) => {
    appOf(parts).appSecret = parse(secretReset, body).appSecret;
    return DONE;
  },
  'POST dead-letters/*/put-back': ({ deadLetterQueue, queue }, messageId) => {
    // The same message: nothing of it is in two places or in none, at any moment.
    if (deadLetterQueue.moveOne(messageId, queue)) return DONE;
    const isHidden = deadLetterQueue
      .look(Number.POSITIVE_INFINITY)
      .some(({ message }) => message.messageId === messageId);
    throw isHidden
      ? new Refusal(409, 'Somebody has received this message: it can be put back once it is visible again')
      : new Refusal(404, 'There is no such dead letter');
  },
};

/** Carries out what a request asks for; undefined if there is no such control. */
export function control(
  parts: ConsoleParts,
  method: string,
  path: string,
  body: unknown,
): ReturnType<Control> | undefined {
  const [noun = '', argument = '', ...rest] = path.split('/');
  const pattern = [noun, ...(path.includes('/') ? ['*'] : []), ...rest].join('/');
  const name = `${method} ${pattern}`;
  return Object.hasOwn(CONTROLS, name) ? CONTROLS[name]?.(parts, decode(argument), body) : undefined;
}

function faultOf({ faults }: ConsoleParts, name: string) {
  const fault = faults.get(parse(faultName, name));
  if (!fault) throw new Refusal(404, 'The real RongCloud can not be made to fail');
  return fault;
}

function appOf({ im }: ConsoleParts): ImApp {
  if (!im) throw new Refusal(404, 'The real RongCloud can not be looked into, nor changed');
  return im.primary.app;
}

function show(body: unknown): Answer {
  return { status: 200, body };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Refusal(400, 'The path is not percent-encoded');
  }
}
