/** What a Prefer header asks of the HTTP door. */
export interface Preference {
  /** How long to try before the request goes to the queue, in milliseconds; undefined if it goes there at once. */
  waitMs: number | undefined;
}

const MAX_WAIT_SECONDS = 8;

const TOKEN = "[!#$%&'*+.^_`|~\\w-]+";
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
/**
 * One preference with its parameters, up to a comma that is in no quoted string (RFC 7240, section 2). White space stands
 * before what it belongs to and nowhere else, so that no text can be read in two ways: a header that fails at its end
 * would else be tried in all of them, which are 2 to the power of its parameters.
 */
const PREFERENCE = new RegExp(
  `^\\s*(${TOKEN})(?:\\s*=(?:\\s*(${TOKEN}|${QUOTED}))?)?(?:\\s*;(?:\\s*${TOKEN}(?:\\s*=(?:\\s*(?:${TOKEN}|${QUOTED}))?)?)?)*\\s*$`,
);
const CLOSED = new RegExp(`^(?:${QUOTED}|[^"])*$`);
/** A longer header holds no wish. */
const MAX_LENGTH = 1000;

/**
 * The wish to be answered later, `respond-async` with or without `wait` (RFC 7240, sections 4.1 and 4.3), or undefined
 * if a header does not hold it. `wait` is whole seconds, 8 at most; a preference that is malformed or unknown is ignored.
 * Where a quote is not closed, nobody knows what it holds, so the header is ignored.
 */
export function readPrefer(header: string | undefined): Preference | undefined {
  if (header === undefined || header.length > MAX_LENGTH || !CLOSED.test(header)) return undefined;
  const preferences = new Map<string, string>();
  for (const part of header.match(new RegExp(`(?:${QUOTED}|[^,"])+`, 'g')) ?? []) {
    const [, name = '', value = ''] = PREFERENCE.exec(part) ?? [];
    const key = name.toLowerCase();
    // Of a preference that is given twice, the first counts.
    if (key && !preferences.has(key)) preferences.set(key, value.replace(/^"|"$/g, ''));
  }
  if (!preferences.has('respond-async')) return undefined;
  const wait = preferences.get('wait') ?? '';
  const seconds = /^\d+$/.test(wait) ? Math.min(Number(wait), MAX_WAIT_SECONDS) : 0;
  return { waitMs: seconds === 0 ? undefined : seconds * 1000 };
}
