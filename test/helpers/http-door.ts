import { vi } from 'vitest';
import type { HttpDeps } from '../../functions/http.ts';
import { JoinError, type JoinErrorCode } from '../../lib/errors.ts';
import type { Caller } from '../../lib/identity/caller.ts';
import type { CheckOrigin } from '../../lib/identity/origin.ts';
import type { Enqueue } from '../../lib/join/join-or-queue.ts';
import type { JoinUsers } from '../../lib/join/join-users.ts';
import { clockOf } from './clock-of.ts';
import { createHttpHandler } from './described-doors.ts';
import { httpEvent } from './http-event.ts';

export const alice: Caller = { kind: 'user', userId: 'alice', groupPatterns: [], claims: {} };
export const service: Caller = { kind: 'service', claims: {} };

export interface Ask {
  caller?: Caller;
  body?: string;
  base64?: boolean;
  headers?: Record<string, string>;
  groupId?: string;
  joinUsers?: JoinUsers;
  authenticate?: HttpDeps['authenticate'];
  /** Everybody may join everything unless told otherwise. */
  decide?: HttpDeps['decide'];
  /** Never over unless told otherwise. */
  sleep?: HttpDeps['sleep'];
  checkOrigin?: CheckOrigin;
  enqueue?: Enqueue;
}

/** Asks the HTTP door, as alice for group `g` unless told otherwise, and gives its answer and what it called. */
export async function ask({ caller = alice, body, base64 = false, headers = {}, groupId = 'g', ...deps }: Ask = {}) {
  const joinUsers = vi.fn<JoinUsers>(
    deps.joinUsers ?? (async (request) => ({ groupId: request.groupId, joined: request.userIds, failed: [] })),
  );
  const authenticate = vi.fn(deps.authenticate ?? (async () => caller));
  const log = vi.fn();
  const handler = createHttpHandler({
    authenticate,
    decide: deps.decide ?? (() => ({ allowed: true })),
    sleep: deps.sleep ?? (() => new Promise(() => {})),
    checkOrigin: deps.checkOrigin,
    enqueue: deps.enqueue,
    random: () => 0,
    joinUsers,
    isRateLimited: () => false,
    telemetry: { request: log, sending: () => {} },
    clock: clockOf(() => 1000),
  });
  const event = httpEvent({
    headers: {
      authorization: 'Bearer t',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    pathParameters: { groupId },
    ...(body !== undefined && { body }),
    isBase64Encoded: base64,
  });
  const result = await handler(event, { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 15_000 });
  return { ...result, json: JSON.parse(result.body ?? ''), joinUsers, authenticate, log };
}

/** Fails for the first users, one for each code, and joins the others. */
export const failing =
  (...codes: JoinErrorCode[]): JoinUsers =>
  async (request) => ({
    groupId: request.groupId,
    joined: request.userIds.slice(codes.length),
    failed: codes.map((code, offset) => ({
      offset,
      userIds: request.userIds.slice(offset, offset + 1),
      error: new JoinError(code, { upstreamCode: 1002 + offset }),
    })),
  });
