import type { JoinError } from '../errors.ts';
import { MAX_ID_LENGTH } from '../ids.ts';
import { invalidRequest, MAX_USERS } from './join-request.ts';

/** JSON may write each UTF-16 unit as six characters, like \u00e9. */
const ESCAPED_UNIT_BYTES = 6;
/** Two quotes, a comma, and a line break with its indentation. */
const BETWEEN_BYTES = 16;
/** The group's id and name, the request id, and the names of the fields. */
const REST_BYTES = 4096;

/**
 * What the largest legal request may take: 3000 users, each id 64 units long and each unit escaped, one a line. That is
 * 1.2 MB. Of a larger text nothing is parsed, since JSON of brackets alone takes 70 times its size in memory.
 */
export const MAX_REQUEST_BYTES = MAX_USERS * (MAX_ID_LENGTH * ESCAPED_UNIT_BYTES + BETWEEN_BYTES) + REST_BYTES;

/** A request is an object with a list: what is nested deeper is no request, whatever else it is. */
const MAX_DEPTH = 8;

/**
 * The value of a JSON text, which may begin with one byte order mark. Throws INVALID_REQUEST, without a word of the text,
 * if it is no JSON or too large or deep.
 */
export function parseRequestText(text: string): unknown {
  if (Buffer.byteLength(text) > MAX_REQUEST_BYTES) {
    throw invalidRequest([{ pointer: '', detail: `Must take at most ${MAX_REQUEST_BYTES} bytes.` }]);
  }
  if (isTooDeep(text)) throw invalidRequest([{ pointer: '', detail: `Must be nested at most ${MAX_DEPTH} deep.` }]);
  try {
    // A reader of JSON may ignore the mark (RFC 8259, section 8.1).
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch {
    // The parser's message quotes the text, so it is not kept as the cause.
    throw unreadableBody();
  }
}

export function unreadableBody(): JoinError {
  return invalidRequest([{ pointer: '', detail: 'Must be valid JSON in UTF-8.' }]);
}

/** Counts brackets outside of strings, which costs no memory. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === '\\') i += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
