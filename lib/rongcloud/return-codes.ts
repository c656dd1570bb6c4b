import { JoinError, type JoinErrorCode } from '../errors.ts';

/** What came back from RongCloud: the HTTP status, as much of the body as was read, and whether that is all of it. */
export interface UpstreamAnswer {
  status: number;
  body: string;
  /** False when the body was longer than is read. */
  complete: boolean;
}

/** RongCloud's internal error, and sometimes its answer to a bad parameter. */
export const INTERNAL_ERROR = 1000;

/**
 * RongCloud's return codes with the code of ours that says what to do about each; 200 is success. Source: the vendor's
 * table "Status Codes", and for 400, 405 and 1508 older copies of it.
 */
const RETURN_CODES: ReadonlyMap<number, JoinErrorCode> = new Map([
  [400, 'UPSTREAM_REJECTED'], // user id does not exist
  [404, 'UPSTREAM_MISCONFIGURED'], // no such address
  [405, 'GROUP_FULL'],
  [INTERNAL_ERROR, 'UPSTREAM_UNAVAILABLE'],
  [1001, 'UPSTREAM_CREDENTIALS'], // App Secret does not match App Key
  [1002, 'UPSTREAM_REJECTED'], // bad parameter
  [1003, 'UPSTREAM_REJECTED'], // no POST data
  [1004, 'UPSTREAM_CREDENTIALS'], // bad signature
  [1005, 'UPSTREAM_REJECTED'], // parameter too long
  [1006, 'UPSTREAM_MISCONFIGURED'], // app locked or deleted
  [1007, 'UPSTREAM_MISCONFIGURED'], // call restricted
  [1008, 'UPSTREAM_RATE_LIMITED'],
  [1009, 'UPSTREAM_MISCONFIGURED'], // service not enabled
  [1050, 'UPSTREAM_UNAVAILABLE'], // internal timeout
  [1508, 'UPSTREAM_REJECTED'], // body too large
  [2007, 'UPSTREAM_MISCONFIGURED'], // development app has too many users
  [25410, 'UPSTREAM_REJECTED'], // the group does not exist
  [25411, 'GROUP_FULL'],
]);

/**
 * Judges an answer. Success is HTTP 200, a complete body, a JSON object and `code === 200`, and gives undefined;
 * all else is an error. A listed `code` wins over the HTTP status; a body that is not JSON is judged by the status. That no
 * answer came is an error already.
 */
export function judgeAnswer(answer: UpstreamAnswer | JoinError): JoinError | undefined {
  if (answer instanceof JoinError) return answer;
  const upstreamCode = readCode(answer);
  if (upstreamCode === 200 && answer.status === 200) return undefined;
  const listed = upstreamCode === undefined ? undefined : RETURN_CODES.get(upstreamCode);
  const code = listed ?? judgeByStatus(answer.status, upstreamCode);
  return new JoinError(code, upstreamCode === undefined ? {} : { upstreamCode });
}

/** Whether RongCloud refused a call for some of its users, or for the group. */
export function refusesUsersOrGroup({ blames, outcome }: JoinError): boolean {
  return outcome !== 'not_sent' && (blames === 'users' || blames === 'group');
}

/**
 * Whether a failure may be for what the call holds, although it does not say so: an internal error, and a 4xx that is
 * not JSON, as a web application firewall answers. RongCloud documents neither. Smaller calls may tell.
 */
export function isUnexplained({ code, outcome, upstreamCode }: JoinError): boolean {
  if (outcome === 'not_sent') return false;
  return upstreamCode === INTERNAL_ERROR || (code === 'UPSTREAM_MISCONFIGURED' && upstreamCode === undefined);
}

function readCode({ body, complete }: UpstreamAnswer): number | undefined {
  if (!complete) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(body.startsWith('\uFEFF') ? body.slice(1) : body);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('code' in value)) return undefined;
  return typeof value.code === 'number' && Number.isInteger(value.code) ? value.code : undefined;
}

/** Statuses about the connection or the moment, as balancers and gateways in front of an API answer. */
const PASSING = new Set([408, 421, 425, 499]);

function judgeByStatus(status: number, upstreamCode: number | undefined): JoinErrorCode {
  if (upstreamCode === 200) return 'UPSTREAM_UNREADABLE';
  if (status >= 500) return 'UPSTREAM_UNAVAILABLE';
  if (PASSING.has(status) && upstreamCode === undefined) return 'UPSTREAM_UNAVAILABLE';
  if (status === 429) return 'UPSTREAM_RATE_LIMITED';
  if (status === 401 && upstreamCode === undefined) return 'UPSTREAM_CREDENTIALS';
  // These statuses are about this service, whatever the code beside them says; the other 4xx are about the request.
  if (status === 401 || status === 403 || status === 404) return 'UPSTREAM_MISCONFIGURED';
  if (status >= 400) return upstreamCode === undefined ? 'UPSTREAM_MISCONFIGURED' : 'UPSTREAM_REJECTED';
  if (status === 200 && upstreamCode !== undefined) return 'UPSTREAM_REJECTED';
  return 'UPSTREAM_UNREADABLE';
}
