import { describe, expect, it } from 'vitest';
import { judgeAnswer } from '../../../lib/rongcloud/return-codes.ts';

const judged = (status: number, body: string, complete = true) => {
  const error = judgeAnswer({ status, body, complete });
  return error && { code: error.code, upstreamCode: error.upstreamCode };
};

describe('judgeAnswer', () => {
  it('calls HTTP 200 with code 200 a success, unknown fields or not', () => {
    expect(judged(200, '{"code":200}')).toBeUndefined();
    expect(judged(200, '{"code":200,"memberCount":7}')).toBeUndefined();
  });

  it.each([
    [400, 400, 'UPSTREAM_REJECTED'],
    [404, 404, 'UPSTREAM_MISCONFIGURED'],
    [405, 405, 'GROUP_FULL'],
    [500, 1000, 'UPSTREAM_UNAVAILABLE'],
    [401, 1001, 'UPSTREAM_CREDENTIALS'],
    [400, 1002, 'UPSTREAM_REJECTED'],
    [400, 1003, 'UPSTREAM_REJECTED'],
    [401, 1004, 'UPSTREAM_CREDENTIALS'],
    [400, 1005, 'UPSTREAM_REJECTED'],
    [401, 1006, 'UPSTREAM_MISCONFIGURED'],
    [401, 1007, 'UPSTREAM_MISCONFIGURED'],
    [429, 1008, 'UPSTREAM_RATE_LIMITED'],
    [430, 1009, 'UPSTREAM_MISCONFIGURED'],
    [504, 1050, 'UPSTREAM_UNAVAILABLE'],
    [400, 1508, 'UPSTREAM_REJECTED'],
    [403, 2007, 'UPSTREAM_MISCONFIGURED'],
    [400, 25410, 'UPSTREAM_REJECTED'],
    [400, 25411, 'GROUP_FULL'],
  ])(
    'judges HTTP %i with return code %i as %s, and the code alone under another status',
    (status, upstreamCode, code) => {
      const body = JSON.stringify({ code: upstreamCode, errorMessage: 'text' });
      expect(judged(status, body)).toEqual({ code, upstreamCode });
      for (const other of [200, 302, 500]) expect(judged(other, body)).toEqual({ code, upstreamCode });
    },
  );

  it.each([
    ['an unlisted code under 200', 200, '{"code":9999}', 'UPSTREAM_REJECTED', 9999],
    ['an unlisted code under 400', 400, '{"code":9999}', 'UPSTREAM_REJECTED', 9999],
    ['an unlisted code under 403', 403, '{"code":9999}', 'UPSTREAM_MISCONFIGURED', 9999],
    ['an unlisted code under 404', 404, '{"code":9999}', 'UPSTREAM_MISCONFIGURED', 9999],
    ['an unlisted code under 499', 499, '{"code":9999}', 'UPSTREAM_REJECTED', 9999],
    ['an unlisted code under 399', 399, '{"code":9999}', 'UPSTREAM_UNREADABLE', 9999],
    ['an unlisted code under 201', 201, '{"code":9999}', 'UPSTREAM_UNREADABLE', 9999],
    ['a code with a fraction', 200, '{"code":200.5}', 'UPSTREAM_UNREADABLE', undefined],
    ['an unlisted code under 401', 401, '{"code":9999}', 'UPSTREAM_MISCONFIGURED', 9999],
    ['an unlisted code under 429', 429, '{"code":9999}', 'UPSTREAM_RATE_LIMITED', 9999],
    ['an unlisted code under 500', 500, '{"code":9999}', 'UPSTREAM_UNAVAILABLE', 9999],
    ['code 200 under 500', 500, '{"code":200}', 'UPSTREAM_UNREADABLE', 200],
    ['code 200 under 201', 201, '{"code":200}', 'UPSTREAM_UNREADABLE', 200],
    ['code 200 under 400', 400, '{"code":200}', 'UPSTREAM_UNREADABLE', 200],
    ['HTML under 200', 200, '<html>ok</html>', 'UPSTREAM_UNREADABLE', undefined],
    ['an empty 200', 200, '', 'UPSTREAM_UNREADABLE', undefined],
    ['an object without code', 200, '{}', 'UPSTREAM_UNREADABLE', undefined],
    ['a list', 200, '[]', 'UPSTREAM_UNREADABLE', undefined],
    ['null', 200, 'null', 'UPSTREAM_UNREADABLE', undefined],
    ['a bare 200', 200, '200', 'UPSTREAM_UNREADABLE', undefined],
    ['a code in quotes', 200, '{"code":"200"}', 'UPSTREAM_UNREADABLE', undefined],
    ['an endless code', 200, '{"code":1e999}', 'UPSTREAM_UNREADABLE', undefined],
    ['a redirect', 302, '', 'UPSTREAM_UNREADABLE', undefined],
    ['HTML under 400', 400, '<html>', 'UPSTREAM_MISCONFIGURED', undefined],
    ['HTML under 401', 401, '<html>', 'UPSTREAM_CREDENTIALS', undefined],
    ['HTML under 403', 403, '<html>', 'UPSTREAM_MISCONFIGURED', undefined],
    ['an empty 429', 429, '', 'UPSTREAM_RATE_LIMITED', undefined],
    ['HTML under 451', 451, '<html>', 'UPSTREAM_MISCONFIGURED', undefined],
    ['HTML under 408', 408, '<html>', 'UPSTREAM_UNAVAILABLE', undefined],
    ['nothing under 421', 421, '', 'UPSTREAM_UNAVAILABLE', undefined],
    ['HTML under 425', 425, '<html>', 'UPSTREAM_UNAVAILABLE', undefined],
    ['JSON of another under 499', 499, '{"message":"closed"}', 'UPSTREAM_UNAVAILABLE', undefined],
    ['a code under 408', 408, '{"code":405}', 'GROUP_FULL', 405],
    ['a byte order mark before a refusal', 400, '\uFEFF{"code":1002}', 'UPSTREAM_REJECTED', 1002],
    ['HTML under 502', 502, '<html>', 'UPSTREAM_UNAVAILABLE', undefined],
  ])('judges %s', (_name, status, body, code, upstreamCode) => {
    expect(judged(status, body)).toEqual({ code, upstreamCode });
  });

  it('takes a success behind a byte order mark', () => {
    expect(judgeAnswer({ status: 200, body: '\uFEFF{"code":200}', complete: true })).toBeUndefined();
  });

  it('believes no code of a body that is too long to be read', () => {
    expect(judged(200, '{"code":200}', false)).toEqual({ code: 'UPSTREAM_UNREADABLE', upstreamCode: undefined });
    expect(judged(500, '{"code":1002}', false)).toEqual({ code: 'UPSTREAM_UNAVAILABLE', upstreamCode: undefined });
  });
});
