import { describe, expect, it, vi } from 'vitest';
import { JoinError, type JoinErrorCode } from '../../lib/errors.ts';
import type { JoinUsers } from '../../lib/join/join-users.ts';
import { RequestLine } from '../../lib/telemetry/request-line.ts';
import { clockOf } from '../helpers/clock-of.ts';
import { createInvokeHandler } from '../helpers/described-doors.ts';
import { FOREIGN_EVENTS } from '../helpers/foreign-events.ts';

const invocation = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 30_000 };
const joinsAll: JoinUsers = async ({ groupId, userIds }) => ({ groupId, joined: userIds, failed: [] });

function setUp(joinUsers: JoinUsers = joinsAll) {
  const join = vi.fn(joinUsers);
  const log = vi.fn();
  const handler = createInvokeHandler({
    joinUsers: join,
    telemetry: { request: log, sending: () => {} },
    clock: clockOf(() => 0),
  });
  const thrown = async (event: unknown): Promise<JoinError> => {
    const error = await handler(event, invocation).catch((value: unknown) => value);
    if (error instanceof JoinError) return error;
    throw new Error('no JoinError was thrown');
  };
  return { join, log, handler, thrown };
}

describe('the Invoke door', () => {
  it('joins and answers as the HTTP door does', async () => {
    const { handler, join } = setUp();
    const event = { groupId: 'g', userIds: ['a', 'b', 'a'], groupName: 'N', requestId: 'mine' };
    expect(await handler(event, invocation)).toEqual({ groupId: 'g', joined: ['a', 'b'], requestId: 'mine' });
    expect(join).toHaveBeenCalledWith(
      { groupId: 'g', userIds: ['a', 'b'], groupName: 'N' },
      { requestId: 'mine', deadline: 29_500, log: expect.any(RequestLine) },
    );
  });

  it.each([[undefined], ['a b'], [7]])('goes by its own id when it is given %j', async (requestId) => {
    const { handler } = setUp();
    expect(await handler({ groupId: 'g', userIds: ['a'], requestId }, invocation)).toMatchObject({
      requestId: 'aws-1',
    });
  });

  it('throws counts and positions but no ids when somebody did not join', async () => {
    const { thrown } = setUp(async ({ groupId, userIds }) => ({
      groupId,
      joined: userIds.slice(0, 1),
      failed: [
        { offset: 1, userIds: userIds.slice(1, 3), error: new JoinError('GROUP_FULL', { upstreamCode: 405 }) },
        { offset: 3, userIds: userIds.slice(3), error: new JoinError('GROUP_FULL', { outcome: 'not_sent' }) },
      ],
    }));
    const error = await thrown({ groupId: 'planted-g', userIds: ['planted-1', 'planted-2', 'planted-3', 'planted-4'] });
    expect(error.name).toBe('GROUP_FULL');
    expect(error.stack).toBe('');
    expect(JSON.parse(error.message)).toEqual({
      type: 'about:blank',
      title: 'Conflict',
      status: 409,
      code: 'GROUP_FULL',
      detail: 'The group has no room for these users.',
      requestId: 'aws-1',
      outcome: 'rejected',
      retryable: false,
      upstreamCode: 405,
      joined: 1,
      failed: [
        { offset: 1, count: 2, code: 'GROUP_FULL', outcome: 'rejected', retryable: false },
        { offset: 3, count: 1, code: 'GROUP_FULL', outcome: 'not_sent', retryable: false },
      ],
    });
    expect(error.message).not.toContain('planted');
  });

  it.each<[string, JoinErrorCode, JoinErrorCode[]]>([
    ['the name alone was refused', 'UPSTREAM_REJECTED', []],
    ['a user failed too', 'GROUP_FULL', ['GROUP_FULL']],
  ])('throws what became of the name when %s', async (_name, type, codes) => {
    const { thrown } = setUp(async ({ groupId, userIds }) => ({
      groupId,
      joined: userIds.slice(codes.length),
      failed: codes.map((code, offset) => ({
        offset,
        userIds: userIds.slice(offset, offset + 1),
        error: new JoinError(code),
      })),
      nameError: new JoinError('UPSTREAM_REJECTED', { upstreamCode: 1002 }),
    }));
    const error = await thrown({ groupId: 'g', userIds: ['planted-1', 'planted-2'], groupName: 'planted' });
    const { code, joined, failed, nameError } = JSON.parse(error.message);
    expect([error.name, code, joined]).toEqual([type, type, 2 - codes.length]);
    expect(failed).toHaveLength(codes.length);
    expect(nameError).toEqual({ code: 'UPSTREAM_REJECTED', outcome: 'rejected', retryable: false, upstreamCode: 1002 });
    expect(error.message).not.toContain('planted');
  });

  it.each([
    ...FOREIGN_EVENTS,
    ['a join of nobody', { groupId: 'g', userIds: [] }],
    ['a join of a bad id', { groupId: 'g', userIds: ['planted '] }],
  ])('throws INVALID_REQUEST for %s and calls nobody', async (_name, event) => {
    const { thrown, join } = setUp();
    const error = await thrown(event);
    expect(error.name).toBe('INVALID_REQUEST');
    expect(JSON.parse(error.message)).toMatchObject({ code: 'INVALID_REQUEST', joined: 0, failed: [] });
    expect(error.message).toContain('pointer');
    expect(error.message).not.toContain('planted');
    expect(join).not.toHaveBeenCalled();
  });

  it('does not repeat the name of an unknown key', async () => {
    const error = await setUp().thrown({ groupId: 'g', userIds: ['a'], 'planted-user': true });
    expect(JSON.parse(error.message).errors).toEqual([{ pointer: '', detail: 'Unknown key.' }]);
  });

  it('throws INTERNAL without a word of what went wrong', async () => {
    const { thrown, log } = setUp(async () => {
      throw new TypeError('private');
    });
    const error = await thrown({ groupId: 'g', userIds: ['a'] });
    expect(error.name).toBe('INTERNAL');
    expect(`${error.message}${error.stack}${String(error.cause)}`).not.toContain('private');
    expect(log).toHaveBeenCalledTimes(1);
  });
});
