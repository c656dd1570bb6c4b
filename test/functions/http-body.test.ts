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
    ['Application/JSON', 200],
    ['application/vnd.api+json', 200],
  ])('of the type %s answers %i', async (type, status) => {
    const { statusCode, json } = await ask({ body: '{}', headers: { 'content-type': type } });
    expect(statusCode).toBe(status);
    if (status === 415) expect(json.code).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  it('does not care for the type where there is no body', async () => {
    expect((await ask({ headers: { 'content-type': 'text/plain' } })).statusCode).toBe(200);
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
