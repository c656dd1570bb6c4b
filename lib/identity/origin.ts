import { hash, timingSafeEqual } from 'node:crypto';
import { JoinError } from '../errors.ts';

/** The request header that whatever stands in front adds, in lower case as API Gateway gives it. */
export const ORIGIN_HEADER = 'x-origin-verify';

/** Takes a request's origin header. Throws FORBIDDEN if the request came past what stands in front. */
export type CheckOrigin = (given: string | undefined) => void;

/**
 * An HTTP API can't be closed to all but CloudFront, so CloudFront adds a secret to what it passes on, as AWS tells users
 * of load balancers to (CloudFront's guide, "Restrict access to Application Load Balancers"). One of several secrets is
 * enough, so that they can be rotated.
 */
export function createOriginCheck(secrets: readonly string[]): CheckOrigin {
  const expected = secrets.map((secret) => hash('sha256', secret, 'buffer'));
  return (given) => {
    const actual = hash('sha256', given ?? '', 'buffer');
    // Each in full and in the same time, whatever was given.
    const matches = expected.filter((one) => timingSafeEqual(one, actual));
    if (matches.length > 0) return;
    const cause = new Error(given === undefined ? 'no origin header' : 'the origin header is another');
    throw new JoinError('FORBIDDEN', { detail: 'This address takes no requests from callers.', cause });
  };
}
