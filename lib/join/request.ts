import * as z from 'zod/mini';
import { type FieldError, JoinError } from '../errors.ts';
import { idFault, MAX_ID_LENGTH, nameFault } from '../ids.ts';
import type { JoinRequest } from '../rongcloud/form.ts';

export type { JoinRequest };

/** A group's size, so that no request can name more (RongCloud, "Join a Group"). */
export const MAX_USERS = 3000;
const MAX_FIELD_ERRORS = 100;
/** What is said of a key that does not belong. */
export const UNKNOWN_KEY = 'Unknown key.';

const NOT_A_STRING = 'Must be a string.';

const text = z.string({ error: ({ input }) => (input === undefined ? 'Is required.' : NOT_A_STRING) });

/** A text without a fault that `faultOf` finds. */
function textWithout(faultOf: (text: string) => string | undefined) {
  return text.check(({ value, issues }) => {
    const fault = faultOf(value);
    if (fault !== undefined) issues.push({ code: 'custom', message: fault, input: value });
  });
}

const id = textWithout(idFault);
const groupName = textWithout(nameFault);

/** Ids are looked at one by one and no further than the faults that are named: a long list of junk costs little. */
const userIds = z
  .custom<string[]>(Array.isArray, {
    error: ({ input }) => (input === undefined ? 'Is required.' : 'Must be a list of user ids.'),
  })
  .check(({ value, issues }) => {
    for (const [index, userId] of value.entries()) {
      const fault = typeof userId === 'string' ? idFault(userId) : NOT_A_STRING;
      if (fault !== undefined) issues.push({ code: 'custom', message: fault, input: userId, path: [index] });
      if (issues.length >= MAX_FIELD_ERRORS) return;
    }
  });

const NOT_AN_OBJECT = 'Must be a JSON object.';

const messageSchema = z.strictObject(
  { groupId: id, userIds, groupName: z.optional(groupName), requestId: z.optional(z.unknown()) },
  NOT_AN_OBJECT,
);

const bodySchema = z.strictObject({ userIds: z.optional(userIds), groupName: z.optional(groupName) }, NOT_AN_OBJECT);

/**
 * Checks a join in one object, `{"groupId","userIds","groupName"?,"requestId"?}`. Throws INVALID_REQUEST with a
 * JSON pointer to each bad field, at most 100 of them.
 */
export function parseMessage(message: unknown): JoinRequest {
  const result = messageSchema.safeParse(message);
  if (!result.success) throw invalidRequest(result.error.issues.flatMap(toFieldErrors));
  return toJoinRequest(result.data.groupId, result.data);
}

/**
 * Checks a join whose group stands in a path and the rest in a body, `{"userIds"?,"groupName"?}` or undefined.
 * `selfId` joins where the body names nobody; without it, somebody must be named. Throws as `parseMessage` does.
 */
export function parsePathAndBody(groupId: unknown, body: unknown, selfId?: string): JoinRequest {
  const path = id.safeParse(groupId);
  const rest = bodySchema.safeParse(body === undefined ? {} : body);
  const faults = [
    ...(path.error?.issues ?? []).map(({ message }) => ({ pointer: '/groupId', detail: message })),
    ...(rest.error?.issues ?? []).flatMap(toFieldErrors),
  ];
  if (!path.success || !rest.success) throw invalidRequest(faults);
  const named = rest.data.userIds ?? (selfId === undefined ? undefined : [selfId]);
  if (!named) throw invalidRequest([{ pointer: '/userIds', detail: 'Is required: a service must say who joins.' }]);
  return toJoinRequest(path.data, { ...rest.data, userIds: named });
}

function toJoinRequest(groupId: string, parts: { userIds: string[]; groupName?: string | undefined }): JoinRequest {
  const userIds = [...new Set(parts.userIds)];
  if (userIds.length === 0) throw invalidRequest([{ pointer: '/userIds', detail: 'Must name at least one user.' }]);
  if (userIds.length > MAX_USERS) {
    throw invalidRequest([{ pointer: '/userIds', detail: `Must name at most ${MAX_USERS} distinct users.` }]);
  }
  return { groupId, userIds, ...(parts.groupName !== undefined && { groupName: parts.groupName }) };
}

/** An INVALID_REQUEST that names the faults. */
export function invalidRequest(fields: readonly FieldError[]): JoinError {
  return new JoinError('INVALID_REQUEST', { fields: fields.slice(0, MAX_FIELD_ERRORS) });
}

function toFieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, MAX_FIELD_ERRORS).map((key) => ({ pointer: keyPointer(key), detail: UNKNOWN_KEY }));
  }
  return [{ pointer: issue.path.map((part) => keyPointer(String(part))).join(''), detail: issue.message }];
}

/** One step of a JSON pointer (RFC 6901). A key that is longer than any id is not repeated: its parent is pointed at. */
function keyPointer(key: string): string {
  if (key.length > MAX_ID_LENGTH) return '';
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
