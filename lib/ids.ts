/** The longest id of a user or a group, and the longest group name, in UTF-16 units (RongCloud, "Join a Group"). */
export const MAX_ID_LENGTH = 64;

const CONTROL_CHARACTER = /\p{Cc}/u;

/** Why a text can't be an id, or undefined if it can. The reason never holds the text. */
export function idFault(id: string): string | undefined {
  return nameFault(id) ?? (id === id.trim() ? undefined : 'Must not begin or end with white space.');
}

/** Why a text can't be a group's name, or undefined if it can. The reason never holds the text. */
export function nameFault(name: string): string | undefined {
  if (name.length === 0) return 'Must not be empty.';
  if (name.length > MAX_ID_LENGTH) return `Must be at most ${MAX_ID_LENGTH} characters.`;
  // A lone surrogate has no UTF-8 form: two such ids would become the same bytes of a form.
  if (!name.isWellFormed()) return 'Must be well-formed Unicode.';
  if (CONTROL_CHARACTER.test(name)) return 'Must not hold control characters.';
  // A reader puts it where bytes were no UTF-8, so it would name somebody who does not exist.
  if (name.includes('\ufffd')) return 'Must not hold U+FFFD, which stands for bytes that were not UTF-8.';
  return undefined;
}

/** RongCloud takes at most 36 characters as X-Request-ID (the vendor's page "API Request Signature"). */
const REQUEST_ID = /^[\w.:-]{1,36}$/;

/** W3C Trace Context, version 00 and what may follow it. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/** A caller's own request id, if it is one that can go into answers, logs and calls; else undefined. Never throws. */
export function validRequestId(candidate: unknown): string | undefined {
  return typeof candidate === 'string' && REQUEST_ID.test(candidate) ? candidate : undefined;
}

/** Whether a header is a trace's id, which may go into logs. */
export function isTraceparent(candidate: string): boolean {
  return TRACEPARENT.test(candidate);
}
