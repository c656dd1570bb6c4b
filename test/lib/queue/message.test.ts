import { describe, expect, it } from 'vitest';
import { readMessage } from '../../../lib/queue/message.ts';

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
      });
    },
  );

  it('keeps the request id of a dead letter that has a valid one', () => {
    expect(read('{"groupId":"g","userIds":[],"requestId":"mine"}')).toMatchObject({
      code: 'INVALID_REQUEST',
      requestId: 'mine',
    });
  });
});
