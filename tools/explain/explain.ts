import { type AskPolicyDeps, askPolicy } from '../../lib/ask-policy.ts';
import type { Clock } from '../../lib/clock.ts';
import { JoinError } from '../../lib/errors.ts';
import { bearerToken, createAuthenticator, readToken } from '../../lib/identity/authenticate.ts';
import { type Caller, clientOf, type UserCaller } from '../../lib/identity/caller.ts';
import { createIssuerKeys, type KeySetFetcher } from '../../lib/identity/issuer-keys.ts';
import { KeySet } from '../../lib/identity/key-set.ts';
import type { TokenRules } from '../../lib/identity/token-rules.ts';
import { describeCause, framesOf } from '../../lib/telemetry/error-description.ts';
import { findingsOf, shown } from './findings.ts';
import { hintFor, serviceHint, userHint } from './hints.ts';
import { noTokenHint } from './kinds.ts';

export interface ExplainOptions extends AskPolicyDeps {
  rules: TokenRules;
  fetchKeySet: KeySetFetcher;
  clock: Clock;
  /** The group that the caller would join, if the rule is to be asked. */
  groupId?: string | undefined;
  /** Whom a service would add. */
  userId?: string | undefined;
}

/** What is to be said of a token, and whether the HTTP door would let it in. */
export interface Explanation {
  lines: string[];
  isGood: boolean;
}

/** Says what the HTTP door makes of a token: each rule in order, who the caller is, and what the app's rule decides. */
export async function explain(given: string, options: ExplainOptions): Promise<Explanation> {
  const { rules, fetchKeySet, clock } = options;
  const authorization = `Bearer ${given.trim().replace(/^bearer +/i, '')}`;
  const lines = [`Judged at ${new Date(clock.wall()).toISOString()}, by this machine's clock.`];
  let keyIds: ReadonlySet<unknown> = new Set();
  const readKeySet = async (): Promise<string> => {
    const keySet = await fetchKeySet();
    keyIds = new KeySet(keySet).ids;
    return keySet;
  };
  const keys = createIssuerKeys(readKeySet, clock);
  let hint: string | undefined;
  try {
    const text = bearerToken(authorization);
    const token = readToken(text);
    for (const { rule, found, parameter, cause } of await findingsOf(text, rules, keys, clock.wall() / 1000)) {
      lines.push(
        `${cause ? 'FAILS' : 'ok'} ${rule}: ${found}${parameter ? ` (${parameter})` : ''}${cause ? `: ${cause}` : ''}`,
      );
      if (cause) hint ??= hintFor(rule, token, rules, keyIds);
    }
    hint ??= userHint(token, rules);
  } catch (error) {
    if (!(error instanceof JoinError)) throw error;
    hint = noTokenHint(given, error.cause);
  }
  // The door itself has the last word.
  const caller = await createAuthenticator({ rules, keys, clock })(authorization).catch(asError);
  if (caller instanceof JoinError) {
    const cause = describeCause(caller.cause)?.replace(/^Error: /, '');
    lines.push('', `${caller.status} ${caller.code}: ${cause}`, ...(hint ? [hint] : []));
    return { lines, isGood: false };
  }
  lines.push('', ...describe(caller, rules));
  if (options.groupId === undefined) return { lines, isGood: true };
  const refusal = await askRule(caller, options.groupId, options);
  lines.push(...refusal);
  return { lines, isGood: refusal.length === 1 && refusal[0] === ALLOWED };
}

function asError(error: unknown): JoinError {
  if (error instanceof JoinError) return error;
  throw error;
}

function describe(caller: Caller, rules: TokenRules): string[] {
  if (caller.kind === 'service') {
    const client = clientOf(caller.claims);
    return [`A service${client === undefined ? '' : `, client ${shown(client)}`}: it may add anyone.`];
  }
  const groups = caller.groupPatterns.length === 0 ? 'no group' : shown(caller.groupPatterns.join());
  return [
    `The user ${shown(caller.userId)} (jwtUserClaim is ${rules.userClaim}).`,
    `Granted: ${groups} (${groupsClaimOf(caller, rules)}; openGroups is ${shown(rules.openGroups.join()) || 'not set'}).`,
    serviceHint(caller, rules),
  ];
}

function groupsClaimOf({ claims, groupPatterns }: UserCaller, { groupsClaim, openGroups }: TokenRules): string {
  if (groupsClaim === undefined) return 'jwtGroupsClaim is not set';
  const isSet = `jwtGroupsClaim is ${groupsClaim}`;
  if (!Object.hasOwn(claims, groupsClaim)) return `${isSet}, which the token lacks`;
  return groupPatterns.length > openGroups.length ? isSet : `${isSet}, which holds none: a single * is none`;
}

const ALLOWED = 'The rule lets it in.';

async function askRule(caller: Caller, groupId: string, options: ExplainOptions): Promise<string[]> {
  const userId = options.userId ?? (caller.kind === 'user' ? caller.userId : 'somebody');
  try {
    await askPolicy(options, caller, { groupId, userIds: [userId] }, options.clock.steady() + 8000);
    return [ALLOWED];
  } catch (error) {
    const refusal = asError(error);
    if (refusal.code === 'FORBIDDEN') return [`403 FORBIDDEN: ${refusal.message}`];
    return [`${refusal.status} ${refusal.code}: ${describeCause(refusal.cause)}`, ...(framesOf(refusal.cause) ?? [])];
  }
}
