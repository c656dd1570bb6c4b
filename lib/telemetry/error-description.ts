import type { JoinError } from '../errors.ts';

const MAX_CAUSES = 4;
/** Causes looked at, those that say nothing themselves included. */
const MAX_DEPTH = 8;

/** A cause as name and message, and its causes behind it. Whatever was thrown, this does not throw. */
export function describeCause(cause: unknown): string | undefined {
  const parts: string[] = [];
  let current = cause;
  for (let depth = 0; current !== undefined && parts.length < MAX_CAUSES && depth < MAX_DEPTH; depth++) {
    if (!(current instanceof Error)) {
      parts.push(`a thrown ${current === null ? 'null' : typeof current}`);
      break;
    }
    // Of several addresses each failed in its own way, and Node's error for all of them says nothing.
    if (current instanceof AggregateError && current.errors.length > 0) {
      current = current.errors[0];
      continue;
    }
    parts.push(`${current.name}: ${current.message}`);
    current = current.cause;
  }
  return parts.length > 0 ? parts.join(' <- ') : undefined;
}

/** Where an unforeseen error came from: its stack without its message. */
export function framesOf(thrown: unknown): string[] | undefined {
  if (!(thrown instanceof Error)) return undefined;
  return thrown.stack?.split('\n').filter((line) => /^ +at /.test(line));
}

/** What a line says of a failure. */
export function describeFailure({ code, status, outcome, upstreamCode, cause }: JoinError): object {
  const stack = code === 'INTERNAL' ? framesOf(cause) : undefined;
  return { code, status, outcome, upstreamCode, cause: describeCause(cause), stack };
}
