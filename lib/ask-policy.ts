import { type Clock, type Sleep, withDeadline } from './clock.ts';
import { JoinError } from './errors.ts';
import { freeze } from './freeze.ts';
import type { Caller } from './identity/caller.ts';
import { callerName } from './identity/refused-caller.ts';
import type { JoinRequest } from './join/join-request.ts';
import type { Decision } from './policy.ts';

/** A rule has this long to look things up. */
const RULE_MS = 2000;

/** The app's rule: who may join what. `signal` aborts once the answer is of no use any more. */
export type Decide = (
  caller: Caller,
  request: JoinRequest,
  options: { readonly signal: AbortSignal },
) => Decision | Promise<Decision>;

export interface AskPolicyDeps {
  decide: Decide;
  clock: Pick<Clock, 'steady'>;
  sleep: Sleep;
}

/**
 * Asks the rule, and lets in whom it lets in. Throws FORBIDDEN with the rule's reason, or POLICY_UNAVAILABLE if the rule
 * fails, gives no Decision, or takes over 2 seconds or past the deadline. What the rule gets is frozen: a caller is
 * remembered with its token.
 */
export async function askPolicy(
  { decide, clock, sleep }: AskPolicyDeps,
  caller: Caller,
  request: JoinRequest,
  deadline: number,
): Promise<void> {
  freeze(caller);
  freeze(request);
  const patience = new AbortController();
  let decision: Decision;
  try {
    const answer: unknown = decide(caller, request, Object.freeze({ signal: patience.signal }));
    decision = readDecision(
      isPromise(answer) ? await inTime(answer, patience, deadline - clock.steady(), sleep) : answer,
    );
  } catch (cause) {
    throw new JoinError('POLICY_UNAVAILABLE', { cause });
  }
  if (!decision.allowed) {
    throw new JoinError('FORBIDDEN', { detail: decision.reason, caller: callerName(caller.claims) });
  }
}

/** What a rule promised. Rejects, and aborts, when its time is up. */
async function inTime(
  answer: PromiseLike<unknown>,
  patience: AbortController,
  leftMs: number,
  sleep: Sleep,
): Promise<unknown> {
  const limitMs = Math.max(0, Math.min(RULE_MS, leftMs));
  const late = new DOMException(`the rule gave no answer within ${Math.round(limitMs)} ms`, 'TimeoutError');
  const result = await withDeadline((async () => answer)(), limitMs, sleep, () => late);
  if (result !== late) return result;
  patience.abort(late);
  throw late;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** Reads each field once: a rule may give an object that answers differently every time. */
function readDecision(answer: unknown): Decision {
  if (typeof answer === 'object' && answer !== null && 'allowed' in answer) {
    const { allowed } = answer;
    if (allowed === true) return { allowed };
    const reason = 'reason' in answer ? answer.reason : undefined;
    if (allowed === false && typeof reason === 'string') return { allowed, reason };
  }
  throw new TypeError('the rule gave no Decision');
}
