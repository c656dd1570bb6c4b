import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SERVICE } from '../../helpers/claims.ts';
import { FOREIGN_EVENTS } from '../../helpers/foreign-events.ts';
import { linesOf, startTelemetryBed, type TelemetryBed } from '../../helpers/telemetry-bed.ts';

let bed: TelemetryBed;
beforeEach(async () => {
  bed = await startTelemetryBed();
});
afterEach(async () => {
  expect(await bed.close()).toEqual([]);
});

/** A batch of the queue. */
const messages = (...bodies: string[]) => ({
  Records: bodies.map((body, i) => ({
    messageId: `m${i}`,
    receiptHandle: `h${i}`,
    body,
    attributes: { SentTimestamp: String(Date.now()), ApproximateReceiveCount: '1' },
  })),
});

/** Three names as a program that writes GBK sends them, and as they come out where they are read as UTF-8. */
const GBK_NAMES = [
  [0xd5, 0xc5, 0xc8, 0xfd],
  [0xc0, 0xee, 0xcb, 0xc4],
  [0xcd, 0xf5, 0xce, 0xe5],
].map((bytes) => Buffer.from(bytes).toString('utf8'));

describe('the built HTTP door', () => {
  it('refuses ids and names that were not UTF-8', async () => {
    const http = await bed.start('http');
    const pointersOf = async (parts: Parameters<TelemetryBed['httpEvent']>[0]) => {
      const { result } = await http.invoke(await bed.httpEvent({ claims: SERVICE, ...parts }));
      const { errors } = JSON.parse(result?.body ?? '');
      return [result?.statusCode, errors?.map(({ pointer }: { pointer: string }) => pointer)];
    };
    const [name = ''] = GBK_NAMES;
    const all = ['/userIds/0', '/userIds/1', '/userIds/2', '/groupName'];
    expect(await pointersOf({ body: JSON.stringify({ userIds: GBK_NAMES, groupName: name }) })).toEqual([400, all]);
    expect(await pointersOf({ groupId: name, body: '{"userIds":["a"]}' })).toEqual([400, ['/groupId']]);
    expect(await pointersOf({ body: '{"userIds":["张三","李四","王五"],"groupName":"组"}' })).toEqual([200, undefined]);
    expect(bed.primary.calls).toHaveLength(1);
  });

  it('takes JSON in UTF-8 alone, not packed, with or without its mark', async () => {
    const http = await bed.start('http');
    const body = '{"userIds":["planted-user"]}';
    const statusOf = async (headers: Record<string, string>, bytes: Buffer | string = body) => {
      const isBase64Encoded = typeof bytes !== 'string';
      const event = await bed.httpEvent({ headers, body: isBase64Encoded ? bytes.toString('base64') : bytes });
      return (await http.invoke({ ...event, isBase64Encoded })).result?.statusCode;
    };
    expect(await statusOf({ 'content-type': 'application/json; charset=GBK' })).toBe(415);
    expect(await statusOf({ 'content-encoding': 'gzip' }, gzipSync(body))).toBe(415);
    expect(
      await statusOf({ 'content-type': 'application/json; charset="utf-8"', 'content-encoding': 'identity' }),
    ).toBe(200);
    expect(await statusOf({}, `\ufeff${body}`)).toBe(200);
    expect(await statusOf({}, Buffer.from(`\ufeff${body}`))).toBe(200);
  });

  it.each(['a%', 'a?b', 'a%2Fb', 'a/b', 'a#b', 'a\\b', '.', '..'])(
    'does not take the group %s from a path, nor puts it on the queue, and the other doors take it',
    async (groupId) => {
      const http = await bed.start('http');
      for (const headers of [{}, { prefer: 'respond-async' }, { prefer: 'respond-async, wait=1' }]) {
        const body = '{"userIds":["planted-user"]}';
        const { result } = await http.invoke(await bed.httpEvent({ claims: SERVICE, groupId, headers, body }));
        expect([result?.statusCode, JSON.parse(result?.body ?? '').errors]).toMatchObject([
          400,
          [{ pointer: '/groupId', detail: expect.stringContaining('queue') }],
        ]);
      }
      const join = { groupId, userIds: ['planted-user'] };
      expect((await (await bed.start('invoke')).invoke(join)).result).toMatchObject({ groupId });
      const queue = await bed.start('queue');
      expect((await queue.invoke(messages(JSON.stringify(join)), 60_000)).result).toEqual({ batchItemFailures: [] });
      expect(bed.primary.calls.map((call) => call.groupId)).toEqual([groupId, groupId]);
    },
  );

  it('answers 400 to events of other sources, and logs no bug', async () => {
    const http = await bed.start('http');
    for (const [name, event] of FOREIGN_EVENTS) {
      const answer = await http.invoke(event);
      const { code, detail } = JSON.parse(answer.result?.body ?? '');
      expect([name, answer.result?.statusCode, code]).toEqual([name, 400, 'INVALID_REQUEST']);
      expect(detail).toContain('HTTP API');
      expect(linesOf(answer)).toMatchObject([{ level: 'WARN', code: 'INVALID_REQUEST' }]);
    }
  });
});

describe('the built Invoke door', () => {
  it('refuses ids and names that were not UTF-8', async () => {
    const invoke = await bed.start('invoke');
    const [name] = GBK_NAMES;
    const { error } = await invoke.invoke({ groupId: name, userIds: GBK_NAMES, groupName: name });
    const { code, errors } = JSON.parse(error?.message ?? '');
    expect([code, errors.map(({ pointer }: { pointer: string }) => pointer)]).toEqual([
      'INVALID_REQUEST',
      ['/groupId', '/userIds/0', '/userIds/1', '/userIds/2', '/groupName'],
    ]);
    expect(bed.primary.calls).toEqual([]);
  });

  it('throws INVALID_REQUEST for events of other sources', async () => {
    const invoke = await bed.start('invoke');
    for (const [name, event] of FOREIGN_EVENTS) {
      expect([name, (await invoke.invoke(event)).error?.name]).toEqual([name, 'INVALID_REQUEST']);
    }
  });
});

describe('the built queue door', () => {
  it('joins whom a message names whose body begins with the mark of UTF-8', async () => {
    const queue = await bed.start('queue');
    const { result } = await queue.invoke(messages('\ufeff{"groupId":"g","userIds":["planted-user"]}'), 60_000);
    expect(result).toEqual({ batchItemFailures: [] });
    expect(bed.dead.bodies()).toEqual([]);
    expect(bed.primary.calls.map(({ userIds }) => userIds)).toEqual([['planted-user']]);
  });

  it('fails for events of other sources, so that nobody takes their messages for done', async () => {
    const queue = await bed.start('queue');
    const { Records } = messages('{"groupId":"g","userIds":["planted-user"]}');
    const join = { groupId: 'g', userIds: ['planted-user'] };
    for (const event of [...FOREIGN_EVENTS.map(([, foreign]) => foreign), Records, join, { Records: [null] }]) {
      const { error } = await queue.invoke(event, 60_000);
      expect(error?.message).toBe('This function expects a batch of SQS: a list of Records, each with a messageId.');
    }
    expect(bed.primary.calls).toEqual([]);
  });

  it('keeps a record on the queue that it can not read, and joins the others', async () => {
    const queue = await bed.start('queue');
    const { Records } = messages('{"groupId":"g","userIds":["planted-user"]}');
    const bad = [
      { messageId: 'bad-1', body: '{"groupId":"g","userIds":["b"]}' },
      { ...Records[0], messageId: 'bad-2', body: 7 },
    ];
    const { result } = await queue.invoke({ Records: [...bad, ...Records] }, 60_000);
    expect(result).toEqual({ batchItemFailures: [{ itemIdentifier: 'bad-1' }, { itemIdentifier: 'bad-2' }] });
    expect(bed.primary.calls.map(({ userIds }) => userIds)).toEqual([['planted-user']]);
  });

  it('says what is wrong with a message, in its dead letter and in its line of the log', async () => {
    const queue = await bed.start('queue');
    const body = '{"groupId":"g","userId":"planted-user","planted-user":1,"用户":1}';
    const answer = await queue.invoke(messages(body), 60_000);
    const required = { pointer: '/userIds', detail: 'Is required.' };
    const unknown = (pointer: string) => ({ pointer, detail: 'Unknown key.' });
    const [letter] = bed.dead.receive(1);
    const { errors, code } = letter?.attributes ?? {};
    expect(code?.StringValue).toBe('INVALID_REQUEST');
    expect(JSON.parse(errors?.StringValue ?? '')).toEqual([
      required,
      unknown('/userId'),
      unknown('/planted-user'),
      unknown(''),
    ]);
    // Lines of several levels come through several pipes.
    const [done, deadLettered] = linesOf(answer).toSorted((a, b) => String(a.message).localeCompare(String(b.message)));
    expect(done).toMatchObject({ message: 'batch done' });
    expect(deadLettered).toMatchObject({
      message: 'dead-lettered',
      code: 'INVALID_REQUEST',
      errors: [required, unknown(''), unknown(''), unknown('')],
    });
  });

  it('gives up a message whose ids were not UTF-8', async () => {
    const queue = await bed.start('queue');
    const body = JSON.stringify({ groupId: 'g', userIds: GBK_NAMES });
    const { result } = await queue.invoke(messages(body, '{"groupId":"g","userIds":["张三"]}'), 60_000);
    expect(result).toEqual({ batchItemFailures: [] });
    expect(bed.dead.bodies()).toEqual([body]);
    expect(bed.primary.calls.map(({ userIds }) => userIds)).toEqual([['张三']]);
  });
});
