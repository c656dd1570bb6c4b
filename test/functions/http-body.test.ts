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

  it('reads JSON that is nested 100 000 deep without harm', async () => {
    const deep = `{"userIds":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(await ask({ body: deep })).toMatchObject({ statusCode: 400, json: { errors: [{ pointer: '/userIds/0' }] } });
  });
});
