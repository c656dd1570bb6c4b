import { expect, it } from 'vitest';
import { leaks } from './leaks.ts';

const secret = 'planted-app-secret';

it.each([
  ['as it stands', `x ${secret} y`],
  ['in base64', Buffer.from(secret).toString('base64')],
  ['in base64 with something before and after it', Buffer.from(`x${secret}y`).toString('base64')],
  ['in base64 with more before it', Buffer.from(`xy${secret}z`).toString('base64')],
  ['in hex', Buffer.from(secret).toString('hex')],
])('finds a secret %s', (_name, printed) => {
  expect(leaks(printed, ['another', secret])).toEqual([secret]);
});

it('finds nothing where there is none', () => {
  expect(leaks('"groupId":"open","requestId":"mine"', [secret])).toEqual([]);
});
