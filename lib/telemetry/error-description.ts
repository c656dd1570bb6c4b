import type { JoinError } from '../errors.ts';

const MAX_CAUSES = 4;

/** A cause as name and message, and its causes behind it. Whatever was thrown, this does not throw. */
export function describeCause(cause: unknown): string | undefined {
  const parts: string[] = [];
  let current = cause;
  for (let depth = 0; current !== undefined && depth < MAX_CAUSES; depth++) {
    const error = readError(current);
    if (!error) {
      parts.push(`a thrown ${current === null ? 'null' : typeof current}`);
      break;
    }
    parts.push(`${text(error.name)}: ${text(error.message)}`);
    current = error.cause;
  }
  return parts.length > 0 ? parts.join(' <- ') : undefined;
}

/** Failures of this program's own code, or of the app's rule: their line says where. */
const WITH_PLACE: readonly string[] = ['INTERNAL', 'POLICY_UNAVAILABLE'];

/** Where such a failure came from: its stack without its message. */
export function framesOf(thrown: unknown): string[] | undefined {
  const stack = readable(() => (thrown instanceof Error ? thrown.stack : undefined));
  return typeof stack === 'string' ? stack.split('\n').filter((line) => /^ +at /.test(line)) : undefined;
}

/** What an error says, of any type. Undefined for what is no error or can't be read. */
function readError(value: unknown): { name: unknown; message: unknown; cause: unknown } | undefined {
  return readable(() => {
    if (!(value instanceof Error)) return undefined;
    // Of several addresses each failed in its own way, and Node's error for all of them says nothing.
    const { name, message, cause } = firstOf(value);
    return { name, message, cause };
  });
}

function firstOf(error: Error): Error {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return first instanceof Error ? first : error;
}

/** Undefined where a getter or a proxy throws. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : `(${typeof value})`;
}

/** What a line says of a failure. */
export function describeFailure({ code, status, outcome, upstreamCode, cause }: JoinError) {
  const stack = WITH_PLACE.includes(code) ? framesOf(cause) : undefined;
  return { code, status, outcome, upstreamCode, cause: describeCause(cause), stack };
}
