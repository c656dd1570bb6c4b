import * as v from 'valibot';
import { type FieldError, JoinError } from '../errors.ts';
import { idFault, MAX_ID_LENGTH, nameFault } from '../ids.ts';

/** A join: 1 to 3000 distinct users, order kept. `groupName` renames the group in push notifications. */
export interface JoinRequest {
  groupId: string;
  userIds: readonly string[];
  groupName?: string;
}

/** A group's size, so that no request can name more (RongCloud, "Join a Group"). */
export const MAX_USERS = 3000;
const MAX_FIELD_ERRORS = 100;
/** What is said of a key that does not belong. */
const UNKNOWN_KEY = 'Unknown key.';

const IS_REQUIRED = 'Is required.';
const NOT_A_STRING = 'Must be a string.';

const text = v.string(({ input }) => (input === undefined ? IS_REQUIRED : NOT_A_STRING));

/** A text without a fault that `faultOf` finds. */
function textWithout(faultOf: (text: string) => string | undefined) {
  return v.pipe(
    text,
    v.rawCheck(({ dataset, addIssue }) => {
      const fault = dataset.typed ? faultOf(dataset.value) : undefined;
      if (fault !== undefined) addIssue({ message: fault });
    }),
  );
}

const id = textWithout(idFault);
/** An HTTP API decodes a path before it looks for the route, cuts it at a ?, and decodes some of it twice. */
const NOT_IN_A_PATH = /[/?#%\\]|^\.{1,2}$/;
const pathId = textWithout((groupId) => {
  if (!NOT_IN_A_PATH.test(groupId)) return idFault(groupId);
  return "Must not hold / ? # % or \\ nor be . or .., which a path can't carry. The Invoke door and the queue take such ids.";
});
const groupName = textWithout(nameFault);

/** Ids are looked at one by one and no further than the faults that are named: a long list of junk costs little. */
const userIds = v.pipe(
  v.custom<string[]>(Array.isArray, 'Must be a list of user ids.'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = dataset.value;
    let faults = 0;
    for (const [key, value] of input.entries()) {
      const message = typeof value === 'string' ? idFault(value) : NOT_A_STRING;
      if (message === undefined) continue;
      addIssue({ message, path: [{ type: 'array', origin: 'value', input, key, value }] });
      faults += 1;
      if (faults >= MAX_FIELD_ERRORS) return;
    }
  }),
);

/** A JSON object with these keys and no others. */
function jsonObject<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(
    v.custom<object>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      'Must be a JSON object.',
    ),
    v.strictObject(entries, ({ expected }) => (expected === 'never' ? UNKNOWN_KEY : IS_REQUIRED)),
  );
}

const bodyFields = { userIds: v.optional(userIds), groupName: v.optional(groupName) };
const messageFields = { groupId: id, userIds, groupName: v.optional(groupName), requestId: v.optional(v.unknown()) };
const body = jsonObject(bodyFields);
const message = jsonObject(messageFields);

/**
 * Checks a join in one object, `{"groupId","userIds","groupName"?,"requestId"?}`. Throws INVALID_REQUEST with a
 * JSON pointer to each bad field, at most 100 of them.
 */
export function parseMessage(value: unknown): JoinRequest {
  const result = v.safeParse(message, value);
  if (!result.success) throw invalidRequest(toFieldErrors(result.issues, messageFields));
  return toJoinRequest(result.output.groupId, result.output);
}

/**
 * Checks a join whose group stands in a path and the rest in a body, `{"userIds"?,"groupName"?}` or undefined.
 * `selfId` joins where the body names nobody; without it, somebody must be named. Throws as `parseMessage` does.
 */
export function parsePathAndBody(groupId: unknown, fields: unknown, selfId?: string): JoinRequest {
  const path = v.safeParse(pathId, groupId);
  const rest = v.safeParse(body, fields === undefined ? {} : fields);
  const faults = [
    ...(path.issues ?? []).map(({ message: detail }) => ({ pointer: '/groupId', detail })),
    ...toFieldErrors(rest.issues ?? [], bodyFields),
  ];
  if (!path.success || !rest.success) throw invalidRequest(faults);
  const named = rest.output.userIds ?? (selfId === undefined ? undefined : [selfId]);
  if (!named) throw invalidRequest([{ pointer: '/userIds', detail: 'Is required: a service must say who joins.' }]);
  return toJoinRequest(path.output, { ...rest.output, userIds: named });
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
export function invalidRequest(fields: readonly FieldError[], detail?: string): JoinError {
  return new JoinError('INVALID_REQUEST', {
    fields: fields.slice(0, MAX_FIELD_ERRORS),
    ...(detail !== undefined && { detail }),
  });
}

/** Faults for the log: an unknown key has a name that the sender chose, which may be an id, so its parent is pointed at. */
export function withoutKeys(fields: readonly FieldError[]): FieldError[] {
  return fields.map((field) => (field.detail === UNKNOWN_KEY ? { ...field, pointer: '' } : field));
}

/** Of the keys that do not belong, an issue names the first alone. */
function toFieldErrors(issues: readonly v.BaseIssue<unknown>[], known: v.ObjectEntries): FieldError[] {
  return issues.flatMap(({ path, expected, message: detail }) => {
    const unknown = expected === 'never' ? Object.keys(Object(path?.[0].input)) : [];
    const keys = unknown.filter((key) => !Object.hasOwn(known, key)).slice(0, MAX_FIELD_ERRORS);
    if (keys.length > 0) return keys.map((key) => ({ pointer: keyPointer(key), detail }));
    return [{ pointer: (path ?? []).map(({ key }) => keyPointer(String(key))).join(''), detail }];
  });
}

/** One step of a JSON pointer (RFC 6901). A key that is longer than any id is not repeated: its parent is pointed at. */
function keyPointer(key: string): string {
  if (key.length > MAX_ID_LENGTH) return '';
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
