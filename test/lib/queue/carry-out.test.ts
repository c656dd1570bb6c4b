import { describe, expect, it } from 'vitest';
import type { OutgoingMessage, Send, SendEnd } from '../../../lib/aws/sqs.ts';
import { JoinError } from '../../../lib/errors.ts';
import { HalfSent } from '../../../lib/queue/half-sent.ts';
import type { DeadLetter, QueuedJoin } from '../../../lib/queue/message.ts';
import { type CarriedOut, carryOut, type Verdict } from '../../../lib/queue/verdict.ts';
import { clockOf } from '../../helpers/clock-of.ts';
import { queued } from '../../helpers/queued-joins.ts';

const ERROR = new JoinError('QUEUE_UNAVAILABLE');

/** A verdict on the users `refused`, `undecided` and `in`. */
function verdict(more: Partial<Verdict> & { message?: QueuedJoin } = {}): Verdict {
  const message = queued(['refused', 'undecided', 'in'], { groupName: 'Team' });
  const request = { groupId: 'g', userIds: ['refused'] };
  return {
    ...{ message, joined: 1, refused: 1, undecided: 1, code: 'UPSTREAM_REJECTED', stays: false },
    refusedParts: [{ request, code: 'UPSTREAM_REJECTED', failedCount: 1 }],
    rest: { groupId: 'g', userIds: ['undecided'] },
    ...more,
  };
}

/** Two queues that take what they get unless something else is asked for, by the body of a message. */
class Queues {
  readonly sent: { to: 'letters' | 'back'; users: string[]; limitMs: number | undefined }[] = [];
  readonly halfSent = new HalfSent(clockOf(() => 0));
  endOf: (to: 'letters' | 'back', message: OutgoingMessage) => SendEnd = () => 'taken';

  carryOut(verdicts: readonly Verdict[], invalid: readonly DeadLetter[] = []): Promise<CarriedOut> {
    const { halfSent } = this;
    const deps = { sendDeadLetters: this.#send('letters'), sendBack: this.#send('back'), halfSent, random: () => 0 };
    return carryOut(verdicts, invalid, deps);
  }

  #send(to: 'letters' | 'back'): Send {
    return async (messages, limitMs) => {
      if (messages.length === 0) return { ends: [] };
      const users = messages.map(({ body }) => (body.startsWith('{') ? JSON.parse(body).userIds.join() : body));
      this.sent.push({ to, users, limitMs });
      const ends = messages.map((message) => this.endOf(to, message));
      return { ends, ...(ends.some((end) => end !== 'taken') && { error: ERROR }) };
    };
  }
}

describe('a message with refused and undecided users', () => {
  it('sends its letter within half of the time, then its rest within the other half', async () => {
    const queues = new Queues();
    const one = verdict();
    const { message } = one;
    const ended = await queues.carryOut([one]);
    expect(queues.sent).toEqual([
      { to: 'letters', users: ['refused'], limitMs: 2000 },
      { to: 'back', users: ['undecided'], limitMs: 2000 },
    ]);
    expect(ended).toMatchObject({ requeued: 1, error: undefined });
    expect(ended.unsent.size).toBe(0);
    expect(ended.deadLettered).toEqual([
      {
        messageId: message.messageId,
        requestId: message.requestId,
        code: 'UPSTREAM_REJECTED',
        failedCount: 1,
      },
    ]);
    expect(queues.halfSent.leftOf(message)).toBe(message);
  });

  it('sends no rest while a letter of it was not taken, and remembers the letters that were', async () => {
    const queues = new Queues();
    queues.endOf = (_to, { body }) => (body.includes('groupName') ? 'unanswered' : 'taken');
    const other = verdict();
    const nameLetter = {
      request: { groupId: 'g', userIds: ['in'], groupName: 'Team' },
      ...{ code: 'UPSTREAM_REJECTED' as const, failedCount: 0 },
    };
    const one = verdict();
    const twoLetters = { ...one, refusedParts: [...one.refusedParts, nameLetter] };
    const ended = await queues.carryOut([twoLetters, other]);
    expect(queues.sent.map(({ to, users }) => [to, users.length])).toEqual([
      ['letters', 3],
      ['back', 1],
    ]);
    expect([...ended.unsent]).toEqual([one.message.messageId]);
    expect(ended).toMatchObject({ requeued: 1, error: ERROR });
    expect(ended.deadLettered).toHaveLength(2);
    expect(queues.halfSent.leftOf(one.message)?.request).toEqual({
      ...{ groupId: 'g', groupName: 'Team' },
      userIds: ['undecided', 'in'],
    });
    expect(queues.halfSent.leftOf(other.message)).toBe(other.message);
  });

  it.each(['refused', 'unanswered'] as const)('stays with its letters remembered if its rest is %s', async (end) => {
    const queues = new Queues();
    queues.endOf = (to) => (to === 'back' ? end : 'taken');
    const one = verdict();
    const ended = await queues.carryOut([one]);
    expect([...ended.unsent]).toEqual([one.message.messageId]);
    expect(ended).toMatchObject({ requeued: 0, error: ERROR });
    expect(queues.halfSent.leftOf(one.message)?.request.userIds).toEqual(['undecided', 'in']);
    // What got no answer may stand on the queue.
    expect(queues.halfSent.maySplit(one.message)).toBe(end === 'refused');
  });
});

describe('a message with nothing but', () => {
  it('refused users has all of the time, and is not remembered once it is done', async () => {
    const queues = new Queues();
    const one = verdict({ rest: undefined });
    expect((await queues.carryOut([one])).unsent.size).toBe(0);
    expect(queues.sent).toEqual([{ to: 'letters', users: ['refused'], limitMs: 4000 }]);
    expect(queues.halfSent.leftOf(one.message)).toBe(one.message);
  });

  it('refused users stays if its letter is not taken, and is not remembered', async () => {
    const queues = new Queues();
    queues.endOf = () => 'refused';
    const one = verdict({ rest: undefined });
    const ended = await queues.carryOut([one]);
    expect([...ended.unsent]).toEqual([one.message.messageId]);
    expect(ended.deadLettered).toEqual([]);
    expect(queues.halfSent.leftOf(one.message)).toBe(one.message);
  });

  it('undecided users has all of the time', async () => {
    const queues = new Queues();
    const one = verdict({ refusedParts: [] });
    expect(await queues.carryOut([one])).toMatchObject({ requeued: 1, deadLettered: [] });
    expect(queues.sent).toEqual([{ to: 'back', users: ['undecided'], limitMs: 4000 }]);
  });

  it('a body that is no request goes as it is, and stays if that is not taken', async () => {
    const queues = new Queues();
    const letter = {
      messageId: 'm',
      requestId: 'm',
      body: 'nonsense',
      code: 'INVALID_REQUEST',
      failedCount: 0,
    } as const;
    const { body: _, ...sent } = letter;
    const ended = await queues.carryOut([], [letter]);
    expect(ended.error).toBeUndefined();
    expect(ended.deadLettered).toEqual([sent]);
    expect(queues.sent).toMatchObject([{ to: 'letters', users: [letter.body] }]);
    queues.endOf = () => 'unanswered';
    expect([...(await queues.carryOut([], [letter])).unsent]).toEqual(['m']);
  });
});

it('remembers the letters of a message that stays whole', async () => {
  const queues = new Queues();
  const one = verdict({ stays: true, rest: undefined });
  const ended = await queues.carryOut([one]);
  expect(queues.sent.map(({ to }) => to)).toEqual(['letters']);
  expect(ended.unsent.size).toBe(0);
  expect(queues.halfSent.leftOf(one.message)?.request.userIds).toEqual(['undecided', 'in']);
});

it('sends nothing for a message that is done', async () => {
  const queues = new Queues();
  const ended = await queues.carryOut([verdict({ refusedParts: [], rest: undefined })]);
  expect(queues.sent).toEqual([]);
  expect(ended).toMatchObject({ requeued: 0, deadLettered: [], error: undefined });
});
