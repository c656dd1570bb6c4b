import { hash } from 'node:crypto';
import type http from 'node:http';

/** A call of the IM service's API. */
export interface ImCall {
  method: string | undefined;
  path: string;
  headers: http.IncomingHttpHeaders;
  form: URLSearchParams;
  bytes: number;
}

export type Rule =
  | 'App-Key'
  | 'Signature'
  | 'Nonce'
  | 'Timestamp'
  | 'Rate'
  | 'Method'
  | 'Address'
  | 'Body'
  | 'Body size'
  | 'Content-Type'
  | 'groupId'
  | 'userId'
  | 'userId length'
  | 'groupName';

/** Whether a call keeps a rule of the IM service. */
export interface Check {
  rule: Rule;
  ok: boolean;
  /** What is wrong. It never holds the App Secret or the signature that would be right. */
  detail: string;
  /** The return code for a call that breaks the rule. */
  code: number;
}

/** What the rules compare a call with. */
export interface CheckContext {
  appKey: string;
  appSecret: string;
  now: number;
  /** False takes any nonce and timestamp. */
  freshness: boolean;
  isUsed: (nonce: string) => boolean;
  /** How many more calls of this method the second allows. */
  callsLeft: number;
}

export const JOIN = '/group/join.json';
export const MEMBERS = '/group/user/query.json';

const FIVE_MINUTES_MS = 5 * 60_000;
const MAX_NONCE_LENGTH = 18;
const MAX_BODY_BYTES = 100_000;
const MAX_USERS = 1000;
const MAX_LENGTH = 64;

/** Checks a call by every rule, in the order in which the first broken one is answered. Changes nothing. */
export function checkCall(call: ImCall, context: CheckContext): Check[] {
  const { method, path, headers, form, bytes } = call;
  const groupId = form.get('groupId') ?? '';
  const groupName = form.get('groupName') ?? '';
  return [
    check('App-Key', 1001, given('App-Key', headers) ?? otherAppKey(headers, context)),
    check('Signature', 1004, given('Signature', headers) ?? wrongSignature(headers, context)),
    check('Nonce', 1004, given('Nonce', headers) ?? staleNonce(headers, context)),
    check('Timestamp', 1004, given('Timestamp', headers) ?? staleTimestamp(headers, context)),
    check('Rate', 1008, context.callsLeft <= 0 && 'Too many calls of this method in this second.'),
    check('Method', 404, method !== 'POST' && 'Only POST is known.'),
    check('Address', 404, path !== JOIN && path !== MEMBERS && 'There is no such address.'),
    check('Body', 1003, bytes === 0 && 'There is no POST data.'),
    check('Body size', 1508, bytes > MAX_BODY_BYTES && `The body is over ${MAX_BODY_BYTES} bytes.`),
    check('Content-Type', 1002, !isForm(headers) && 'Content-Type must be application/x-www-form-urlencoded.'),
    check(
      'groupId',
      groupId === '' ? 1002 : 1005,
      groupId === '' ? 'groupId is required.' : tooLong('groupId', groupId),
    ),
    ...(path === JOIN
      ? [
          check('userId', 1002, badCount(form.getAll('userId'))),
          check('userId length', 1005, tooLong('A userId', ...form.getAll('userId'))),
          check('groupName', 1005, tooLong('groupName', groupName)),
        ]
      : []),
  ];
}

function check(rule: Rule, code: number, fault: string | false | undefined): Check {
  return { rule, ok: !fault, detail: fault || '', code };
}

function given(name: string, headers: http.IncomingHttpHeaders): string | undefined {
  return typeof headers[name.toLowerCase()] === 'string' ? undefined : `${name} is missing.`;
}

function otherAppKey(headers: http.IncomingHttpHeaders, { appKey }: CheckContext): string | undefined {
  return headers['app-key'] === appKey ? undefined : "App-Key is not this app's.";
}

function wrongSignature(headers: http.IncomingHttpHeaders, { appKey, appSecret }: CheckContext): string | undefined {
  const { nonce = '', timestamp = '', signature = '' } = headers;
  const signed = (secret: string) => hash('sha1', `${secret}${nonce}${timestamp}`);
  if (signature === signed(appSecret)) return undefined;
  const rule = 'Signature is not the lower-case hex SHA-1 of App Secret + Nonce + Timestamp';
  return signature === signed(appKey) ? `${rule}: it was made with the App Key for the App Secret.` : `${rule}.`;
}

function staleNonce(headers: http.IncomingHttpHeaders, { freshness, isUsed }: CheckContext): string | undefined {
  if (!freshness) return undefined;
  const nonce = String(headers.nonce);
  if (nonce.length > MAX_NONCE_LENGTH) return `Nonce is longer than ${MAX_NONCE_LENGTH} characters.`;
  return isUsed(nonce) ? 'Nonce was used before: each call needs another one.' : undefined;
}

function staleTimestamp(headers: http.IncomingHttpHeaders, { freshness, now }: CheckContext): string | undefined {
  const isNow = (ms: number) => Math.abs(now - ms) <= FIVE_MINUTES_MS;
  const timestamp = Number(headers.timestamp);
  if (!freshness || isNow(timestamp)) return undefined;
  const rule = 'Timestamp is not within 5 minutes of now in milliseconds';
  return isNow(timestamp * 1000) ? `${rule}: it looks like seconds.` : `${rule}.`;
}

function isForm(headers: http.IncomingHttpHeaders): boolean {
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
}

function badCount(userIds: readonly string[]): string | undefined {
  if (userIds.length === 0 || userIds.includes('')) return 'userId is required.';
  return userIds.length > MAX_USERS ? `There are more than ${MAX_USERS} userId.` : undefined;
}

function tooLong(what: string, ...values: readonly string[]): string | undefined {
  return values.some((value) => value.length > MAX_LENGTH) ? `${what} is over ${MAX_LENGTH} characters.` : undefined;
}
