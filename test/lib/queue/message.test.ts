import { describe, expect, it } from 'vitest';
import { MAX_BYTES, sizeOf } from '../../../lib/aws/sqs.ts';
import { readMessage, toDeadLetter } from '../../../lib/queue/message.ts';

const delivery = { receiptHandle: 'receipt', receiveCount: 1 };
const read = (body: string) => readMessage({ messageId: 'm-1', body, sentAt: 7, ...delivery });

describe('readMessage', () => {
  it('finds the request in a body, and keeps what SQS says beside it', () => {
    const body = '{"groupId":"g","userIds":["b","a","b"],"groupName":"Team","requestId":"mine"}';
    expect(readMessage({ messageId: 'm-1', body, sentAt: 7, senderGroup: 'app', ...delivery })).toEqual({
      messageId: 'm-1',
      requestId: 'mine',
      sentAt: 7,
      senderGroup: 'app',
      request: { groupId: 'g', userIds: ['b', 'a'], groupName: 'Team' },
    });
  });

  it.each([
    ['none', '{"groupId":"g","userIds":["a"]}'],
    ['one that no header takes', '{"groupId":"g","userIds":["a"],"requestId":"no good"}'],
    ['one that is no text', '{"groupId":"g","userIds":["a"],"requestId":7}'],
  ])('goes by the id of the message where the request id is %s', (_what, body) => {
    expect(read(body)).toMatchObject({ requestId: 'm-1', request: { groupId: 'g', userIds: ['a'] } });
  });

  it('leaves out one mark that UTF-8 may begin with, and no second one', () => {
    const body = '\ufeff{"groupId":"g","userIds":["a"]}';
    expect(read(body)).toMatchObject({ request: { groupId: 'g', userIds: ['a'] } });
    expect(read(`\ufeff${body}`)).toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it.each(['planted{', '', 'null', '7', '"text"', '[]', '{"groupId":"g"}', '{"groupId":"g","userIds":["a"],"x":1}'])(
    'makes a dead letter of %s, verbatim',
    (body) => {
      expect(read(body)).toEqual({
        messageId: 'm-1',
        requestId: 'm-1',
        body,
        code: 'INVALID_REQUEST',
        failedCount: 0,
        errors: expect.any(Array),
      });
    },
  );

  const unknown = (pointer: string) => ({ pointer, detail: 'Unknown key.' });
  const required = (pointer: string) => ({ pointer, detail: 'Is required.' });
  const join = (more: object) => JSON.stringify({ groupId: 'g', userIds: ['a'], ...more });
  it.each([
    ['no JSON', 'planted{', [{ pointer: '', detail: 'Must be valid JSON in UTF-8.' }]],
    ['another key than it takes', '{"groupId":"g","userId":"a"}', [required('/userIds'), unknown('/userId')]],
    ['a bad id', '{"groupId":"g","userIds":["a",7]}', [{ pointer: '/userIds/1', detail: 'Must be a string.' }]],
    ['JSON in JSON', JSON.stringify(join({})), [{ pointer: '', detail: 'Must be a JSON object.' }]],
    [
      'an envelope of SNS',
      JSON.stringify({ Type: 'Notification', MessageId: 'm', Message: join({}) }),
      [...['/groupId', '/userIds'].map(required), ...['/Type', '/MessageId', '/Message'].map(unknown)],
    ],
    ['a key that is no ASCII', join({ 用户: 1 }), [unknown('')]],
    ['a key with a space', join({ 'user id': 1 }), [unknown('')]],
    ['a key with a control character', join({ 'a\u0000': 1 }), [unknown('')]],
    ['a key with half a character', join({ '\ud800': 1 }), [unknown('')]],
    ['a key of the first and the last that are visible', join({ '!~': 1 }), [unknown('/!~0')]],
    ['an empty key', join({ '': 1 }), [unknown('/')]],
  ])('says what is wrong with %s', (_what, body, errors) => {
    expect(read(body)).toMatchObject({ code: 'INVALID_REQUEST', errors });
  });

  it('says ten things at the most', () => {
    const fault = (i: number) => ({ pointer: `/userIds/${i}`, detail: 'Must not be empty.' });
    const errorsOf = (userIds: string[]) => read(JSON.stringify({ groupId: 'g', userIds }));
    const ten = Array.from({ length: 10 }, (_, i) => fault(i));
    expect(errorsOf(Array(10).fill(''))).toMatchObject({ errors: ten });
    expect(errorsOf(Array(11).fill(''))).toMatchObject({ errors: ten });
  });

  it('keeps the request id of a dead letter that has a valid one', () => {
    expect(read('{"groupId":"g","userIds":[],"requestId":"mine"}')).toMatchObject({
      code: 'INVALID_REQUEST',
      requestId: 'mine',
    });
  });
});

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
    const { attributes } = toDeadLetter({ ...invalid, body: 'x'.repeat(MAX_BYTES - 100) });
    expect(attributes).toEqual({ code: 'INVALID_REQUEST', requestId: 'r-1', failedCount: 0 });
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
