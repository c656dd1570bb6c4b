import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ask, service } from '../helpers/http-door.ts';

describe('the HTTP door, given a body', () => {
  it('takes it in base64', async () => {
    const body = Buffer.from('{"userIds":["用户"]}').toString('base64');
    expect((await ask({ caller: service, body, base64: true })).json.joined).toEqual(['用户']);
  });

  it.each([
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['application/jsonp', 415],
    ['nonsense', 415],
    ['application/json; charset=utf-8', 200],
    ['application/json;charset="UTF-8"', 200],
    ['application/json; Charset=utf8', 200],
    ['application/vnd.api+json; charset=UTF-8; a=b', 200],
    ['application/json; charset=GBK', 415],
    ['application/json; charset="gb18030"', 415],
    ['application/json; charset=utf-16', 415],
    ['application/json; charset=utf-88', 415],
    ['application/json; charset=iso-8859-1', 415],
    ['application/vnd.api+json; charset=gbk', 415],
    ['Application/JSON', 200],
    ['application/vnd.api+json', 200],
  ])('of the type %s answers %i', async (type, status) => {
    const { statusCode, json } = await ask({ body: '{}', headers: { 'content-type': type } });
    expect(statusCode).toBe(status);
    if (status === 415) expect(json.code).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  it.each([
    ['identity', 200],
    ['Identity', 200],
    ['', 200],
    [' identity , identity', 200],
    ['gzip', 415],
    ['br', 415],
    ['identity, gzip', 415],
    ['aws-chunked', 415],
    ['unidentity', 415],
  ])('in the encoding %j answers %i', async (encoding, status) => {
    for (const base64 of [false, true]) {
      const body = base64 ? Buffer.from('{}').toString('base64') : '{}';
      const { statusCode, json } = await ask({ body, base64, headers: { 'content-encoding': encoding } });
      expect(statusCode).toBe(status);
      if (status === 415) expect(json.code).toBe('UNSUPPORTED_MEDIA_TYPE');
    }
  });

  it('of which it unpacks nothing says that first', async () => {
    const body = gzipSync('{}').toString('base64');
    const headers = { 'content-encoding': 'gzip' };
    expect(await ask({ body, base64: true, headers })).toMatchObject({ statusCode: 415 });
  });

  it.each(['text/plain', 'application/json; charset=GBK'])(
    'does not care for the type %s where there is no body',
    async (type) => {
      const headers = { 'content-type': type, 'content-encoding': 'gzip' };
      expect((await ask({ headers })).statusCode).toBe(200);
    },
  );

  it.each([
    ['none', '', 200],
    ['one', '\ufeff', 200],
    ['two', '\ufeff\ufeff', 400],
  ])(
    'with %s of the marks that UTF-8 may begin with answers the same as text and in base64',
    async (_n, mark, status) => {
      const body = `${mark}{"userIds":["a"]}`;
      const { statusCode, json } = await ask({ caller: service, body });
      const encoded = await ask({ caller: service, body: Buffer.from(body).toString('base64'), base64: true });
      expect([statusCode, encoded.statusCode]).toEqual([status, status]);
      if (status === 200) expect([json.joined, encoded.json.joined]).toEqual([['a'], ['a']]);
    },
  );

  it('has no other mark taken away', async () => {
    for (const body of ['{"userIds":["\ufeffa"]}', '{"userIds":["a"]}\ufeff', ' \ufeff{"userIds":["a"]}']) {
      expect((await ask({ caller: service, body })).statusCode).toBe(400);
    }
  });

  it.each([
    ['{', false],
    ['[', false],
    ['\u{FEFF}', false],
    ['****', true],
    [Buffer.from('{}').toString('base64').replace('=', ''), true],
    [Buffer.from('{').toString('base64'), true],
    [Buffer.from([0x22, 0xff, 0x22]).toString('base64'), true],
  ])('points at the whole body %j when it can not be read', async (body, base64) => {
    const { statusCode, json } = await ask({ body, base64 });
    expect(statusCode).toBe(400);
    expect(json).toMatchObject({ code: 'INVALID_REQUEST', errors: [{ pointer: '' }] });
  });

  it('does not parse JSON that is nested deeper than any request', async () => {
    const deep = (levels: number) => ({ body: `{"userIds":${'['.repeat(levels)}${']'.repeat(levels)}}` });
    expect((await ask(deep(7))).json).toMatchObject({ errors: [{ pointer: '/userIds/0' }] });
    expect(await ask(deep(8))).toMatchObject({ statusCode: 400, json: { errors: [{ pointer: '' }] } });
    expect(await ask(deep(100_000))).toMatchObject({ statusCode: 400, json: { errors: [{ pointer: '' }] } });
    const brackets = '[{'.repeat(32);
    const named = await ask({ caller: service, body: JSON.stringify({ userIds: [brackets, '\\"[[[[[[[['] }) });
    expect(named.statusCode).toBe(200);
  });

  it('takes the largest legal request, every unit of it escaped, and no larger body', async () => {
    const escaped = (text: string) =>
      [...text].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    const ids = Array.from({ length: 3000 }, (_, i) => `        "${escaped(String(i).padStart(64, 'x'))}"`);
    const body = `{\n    "userIds": [\n${ids.join(',\n')}\n    ],\n    "groupName": "${escaped('x'.repeat(64))}"\n}\n`;
    expect((await ask({ caller: service, body })).statusCode).toBe(200);
    for (const base64 of [false, true]) {
      const encoded = (text: string) => (base64 ? Buffer.from(text).toString('base64') : text);
      expect((await ask({ caller: service, base64, body: encoded(body.padEnd(1_204_096)) })).statusCode).toBe(200);
      const larger = await ask({ caller: service, base64, body: encoded(body.padEnd(1_204_097)) });
      expect(larger).toMatchObject({ statusCode: 413, headers: { 'Content-Type': 'application/problem+json' } });
      expect(larger.json).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', title: 'Content Too Large', outcome: 'not_sent' });
    }
  });
});
