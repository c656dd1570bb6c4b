import { describe, expect, it } from 'vitest';
import { readSettings } from '../../sandbox/settings.ts';

const REAL = { RONGCLOUD_APP_KEY: 'key', RONGCLOUD_APP_SECRET: 's3cret', RONGCLOUD_DATA_CENTER: 'singapore' };
const SAMPLE = { userId: 'alice', groupId: 'team-1', claims: {} };

describe('what npm start is told', () => {
  it('may be nothing', () => {
    const nothing = { port: 4000, rongCloud: undefined, sample: SAMPLE, corsOrigins: [], corsHeaders: [] };
    expect(readSettings({})).toEqual(nothing);
    const empty = {
      PORT: '',
      RONGCLOUD_APP_KEY: '',
      SAMPLE_USER: '',
      SAMPLE_CLAIMS: '',
      CORS_ORIGINS: ' ,',
      CORS_HEADERS: '',
    };
    expect(readSettings(empty)).toEqual(nothing);
  });

  it('may be another port, user, group and claims', () => {
    const env = { PORT: '65529', SAMPLE_USER: 'bob', SAMPLE_GROUP: 'acme:1', SAMPLE_CLAIMS: '{"role":"host","n":[1]}' };
    expect(readSettings(env)).toMatchObject({
      port: 65529,
      sample: { userId: 'bob', groupId: 'acme:1', claims: { role: 'host', n: [1] } },
    });
  });

  it('may be the real RongCloud, where nobody joins unless named', () => {
    const rongCloud = { appKey: 'key', appSecret: 's3cret', dataCenter: 'singapore' };
    expect(readSettings(REAL)).toMatchObject({ rongCloud, sample: undefined });
    const named = { ...REAL, SAMPLE_USER: 'bob', SAMPLE_GROUP: 'g' };
    expect(readSettings(named).sample).toEqual({ userId: 'bob', groupId: 'g', claims: {} });
  });

  it('takes the origins that browsers send', () => {
    const origins = ['https://app.example', 'http://localhost:3000', 'https://app.example:8443'];
    expect(readSettings({ CORS_ORIGINS: origins.join(', ') }).corsOrigins).toEqual(origins);
    expect(readSettings({ CORS_ORIGINS: '*' }).corsOrigins).toEqual(['*']);
  });

  it('takes names of headers that browsers may send', () => {
    expect(readSettings({ CORS_HEADERS: 'Tracestate, sentry-trace' }).corsHeaders).toEqual([
      'tracestate',
      'sentry-trace',
    ]);
  });

  it.each<[env: Record<string, string>, says: string]>([
    [{ PORT: 'abc' }, 'PORT must be'],
    [{ PORT: '0' }, 'PORT must be'],
    [{ PORT: '65530' }, 'from 1 to 65529'],
    [{ RONGCLOUD_DATA_CENTER: 'singapore' }, 'set RONGCLOUD_APP_KEY and RONGCLOUD_APP_SECRET too'],
    [{ RONGCLOUD_APP_KEY: 'key' }, 'set RONGCLOUD_APP_SECRET and RONGCLOUD_DATA_CENTER too'],
    [{ ...REAL, RONGCLOUD_APP_SECRET: '' }, 'set RONGCLOUD_APP_SECRET too'],
    [{ ...REAL, RONGCLOUD_DATA_CENTER: 'toString' }, 'must be one of beijing'],
    [{ ...REAL, RONGCLOUD_APP_SECRET: 'key' }, 'the same value'],
    [{ ...REAL, SAMPLE_USER: 'bob' }, 'Set both SAMPLE_USER and SAMPLE_GROUP'],
    [{ SAMPLE_CLAIMS: '[]' }, 'SAMPLE_CLAIMS must be a JSON object'],
    [{ SAMPLE_CLAIMS: '{' }, 'SAMPLE_CLAIMS must be a JSON object'],
    [{ CORS_ORIGINS: 'https://app.example/' }, 'Write https://app.example.'],
    [{ CORS_ORIGINS: 'https://app.example/page' }, 'Write https://app.example.'],
    [{ CORS_ORIGINS: 'https://App.example:443' }, 'Write https://app.example.'],
    [{ CORS_ORIGINS: 'https://a.example,app.example' }, 'no browser sends the origin app.example. Write it as https'],
    [{ CORS_ORIGINS: 'localhost:3000' }, 'Write it as https'],
    [{ CORS_ORIGINS: 'null' }, 'Write it as https'],
    [{ CORS_HEADERS: 'tracestate,a b' }, 'CORS_HEADERS must be names of headers'],
    [{ CORS_HEADERS: '*' }, 'CORS_HEADERS must be names of headers'],
  ])('%j is refused in one line', (env, says) => {
    expect(() => readSettings(env)).toThrow(says);
    expect(() => readSettings(env)).toThrow(/^.+$/);
  });
});
