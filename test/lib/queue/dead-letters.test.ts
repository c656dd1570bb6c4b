import { describe, expect, it } from 'vitest';
import { MAX_BYTES, sizeOf } from '../../../lib/aws/sqs.ts';
import { toDeadLetter } from '../../../lib/queue/message.ts';

const letter = (body: string) =>
  toDeadLetter({ messageId: 'm', requestId: 'r-1', body, code: 'GROUP_FULL', failedCount: 2 });

describe('toDeadLetter', () => {
  it('says why, by attributes', () => {
    expect(letter('{')).toEqual({ body: '{', attributes: { code: 'GROUP_FULL', requestId: 'r-1', failedCount: 2 } });
  });

  it('says what was wrong, if it knows', () => {
    const errors = [{ pointer: '/userIds', detail: 'Is required.' }];
    const invalid = { messageId: 'm', requestId: 'r-1', code: 'INVALID_REQUEST', failedCount: 0, errors } as const;
    expect(toDeadLetter({ ...invalid, body: '{' }).attributes).toEqual({
      code: 'INVALID_REQUEST',
      requestId: 'r-1',
      failedCount: 0,
      errors: '[{"pointer":"/userIds","detail":"Is required."}]',
    });
    expect(toDeadLetter({ ...invalid, body: 'x'.repeat(MAX_BYTES - 100) })).not.toHaveProperty('attributes');
  });

  it('leaves the attributes out if they do not fit beside the body', () => {
    // Names, types and values: code String GROUP_FULL, requestId String r-1, failedCount Number 2.
    const attributes = 4 + 6 + 10 + (9 + 6 + 3) + (11 + 6 + 1);
    const fits = letter('用'.repeat(3) + 'x'.repeat(MAX_BYTES - attributes - 9));
    expect(fits).toHaveProperty('attributes');
    expect(sizeOf(fits)).toBe(MAX_BYTES);
    expect(letter('用'.repeat(3) + 'x'.repeat(MAX_BYTES - attributes - 8))).not.toHaveProperty('attributes');
    expect(letter('x'.repeat(MAX_BYTES))).toEqual({ body: 'x'.repeat(MAX_BYTES) });
  });
});
