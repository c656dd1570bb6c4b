import { STATUS_CODES } from 'node:http';
import * as v from 'valibot';
import { forward } from '../http/forward.ts';
import { type Answer, jsonObject, parse, strictObject } from './answer.ts';
import type { ConsoleParts } from './snapshot.ts';

const text = v.pipe(v.string('must be a text'), v.maxLength(1000, 'must be at most 1000 characters'));
const joinOrder = strictObject({
  groupId: v.pipe(text, v.minLength(1, 'must not be empty')),
  userIds: v.pipe(
    v.array(text, 'must be a list'),
    v.minLength(1, 'must name somebody'),
    v.maxLength(5000, 'must be at most 5000'),
  ),
  /** A user asks by its own token, which grants the group: the first of `userIds`. */
  as: v.picklist(['user', 'backend'], 'must be user or backend'),
  when: v.optional(v.picklist(['now', 'queued', 'wait'], 'must be now, queued or wait'), 'now'),
  waitSeconds: v.optional(
    v.pipe(
      v.number('must be a whole number'),
      v.integer('must be a whole number'),
      v.minValue(1, 'must be at least 1'),
      v.maxValue(8, 'must be at most 8'),
    ),
    2,
  ),
  groupName: v.optional(text),
  /** More claims of the token, or others than usual. */
  claims: v.optional(jsonObject('must be an object')),
});

const HEADERS = [
  'content-type',
  'x-request-id',
  'preference-applied',
  'retry-after',
  'www-authenticate',
  'cache-control',
];

/** Joins users through the HTTP door, and says how it asked and what it was answered. */
export async function makeJoin({ httpUrl, token }: ConsoleParts, value: unknown): Promise<Answer> {
  const { groupId, userIds, as, when, waitSeconds, groupName, claims } = parse(joinOrder, value);
  const [caller = '', ...others] = userIds;
  const who = as === 'user' ? { sub: caller, groups: [groupId] } : { sub: 'backend', scope: 'group:join' };
  // A user who joins alone needs no body.
  const isBare = as === 'user' && others.length === 0 && groupName === undefined;
  const body = isBare ? undefined : toJson({ userIds, groupName });
  const prefer = { now: undefined, queued: 'respond-async', wait: `respond-async, wait=${waitSeconds}` }[when];
  const headers = {
    Authorization: `Bearer ${await token({ ...who, ...claims })}`,
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
    ...(prefer !== undefined && { Prefer: prefer }),
  };
  const path = `/groups/${encodeURIComponent(groupId.toWellFormed())}/members`;
  const answer = await forward({ url: httpUrl, path, method: 'POST', headers, body: Buffer.from(body ?? '') });
  return {
    status: 200,
    body: {
      curl: toCurl({ url: httpUrl + path, headers, body }),
      answer: {
        status: answer.status,
        reason: STATUS_CODES[answer.status] ?? '',
        headers: Object.fromEntries(
          HEADERS.flatMap((name) => (name in answer.headers ? [[name, answer.headers[name]]] : [])),
        ),
        body: answer.body.toString('utf8'),
      },
    },
  };
}

/** JSON without control characters, which a terminal would obey. */
function toJson(value: object): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(/\p{Cc}/gu, escaped);
}

export interface CurlRequest {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string | undefined;
}

/** A POST as a command for a POSIX shell. */
export function toCurl({ url, headers, body }: CurlRequest): string {
  return [
    `curl -i -X POST ${quoted(url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`-d ${quoted(body)}`]),
  ].join(' \\\n  ');
}

/** A text as one word for a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
