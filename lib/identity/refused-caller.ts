import type { JWTPayload } from 'jose';
import { JoinError } from '../errors.ts';
import { type Authenticate, bearerToken, readToken } from './authenticate.ts';
import { audiencesOf } from './token-rules.ts';

interface ForThisApp {
  issuer: string;
  audiences: readonly unknown[];
  /** Milliseconds since 1970. */
  now: () => number;
}

/**
 * Names who was refused, if the token is meant for this app: it names the issuer or the audience, and is not expired. All
 * others are strangers. Nothing of such a token is verified, so it is only good for counting.
 */
export function nameRefused(authenticate: Authenticate, forThisApp: ForThisApp): Authenticate {
  return async (authorization) => {
    try {
      return await authenticate(authorization);
    } catch (error) {
      const isRefusal = error instanceof JoinError && error.code === 'UNAUTHENTICATED';
      const caller = isRefusal ? refusedCaller(authorization, forThisApp) : undefined;
      if (!isRefusal || caller === undefined) throw error;
      throw new JoinError('UNAUTHENTICATED', { caller, cause: error.cause });
    }
  };
}

/** Tells callers apart, however a token names them. */
export function callerName({ sub, client_id, azp }: JWTPayload): string {
  return JSON.stringify([sub, client_id, azp]);
}

function refusedCaller(authorization: unknown, { issuer, audiences, now }: ForThisApp): string | undefined {
  try {
    const { claims } = readToken(bearerToken(authorization));
    if ((claims.exp ?? 0) * 1000 < now()) return undefined;
    const isForThisApp = claims.iss === issuer || audiencesOf(claims).some((audience) => audiences.includes(audience));
    return isForThisApp ? callerName(claims) : undefined;
  } catch {
    return undefined;
  }
}
