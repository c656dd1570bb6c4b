import { describe, expect, it } from 'vitest';
import { ConfigError, readHttpConfig, readJoinConfig } from '../../lib/config.ts';

const join = { RONGCLOUD_SECRET_ID: 'rongcloud/app', RONGCLOUD_DATA_CENTER: 'singapore' };
const http = { ...join, JWT_ISSUER: 'https://issuer.example/', JWT_AUDIENCE: 'api' };

function complaint(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
  }
  throw new Error('the configuration was taken');
}

describe('readJoinConfig', () => {
  it('finds the API of a data centre', () => {
    expect(readJoinConfig(join)).toEqual({
      secretId: 'rongcloud/app',
      apiUrls: ['https://api.sg-light-api.com', 'https://api-b.sg-light-api.com'],
    });
  });

  it('lets URLs win over the data centre, one or two', () => {
    const urls = (value: string) => readJoinConfig({ ...join, RONGCLOUD_API_URLS: value }).apiUrls;
    expect(urls('https://a.example')).toEqual(['https://a.example']);
    expect(urls('https://a.example, https://b.example/')).toEqual(['https://a.example', 'https://b.example/']);
    expect(urls('http://127.0.0.1:4003')).toEqual(['http://127.0.0.1:4003']);
    expect(urls('')).toEqual(['https://api.sg-light-api.com', 'https://api-b.sg-light-api.com']);
  });

  it.each([
    'http://a.example',
    'http://127.0.0.1.example',
    'ftp://a.example',
    'a.example',
    'https://a.example/path',
    'https://user:pw@a.example',
    'https://a.example?x',
    'https://a.example,https://a.example',
    'https://a.example,https://b.example,https://c.example',
  ])('refuses the API URLs %s without repeating them', (value) => {
    const message = complaint(() => readJoinConfig({ ...join, RONGCLOUD_API_URLS: value }));
    expect(message).toContain('RONGCLOUD_API_URLS must be');
    expect(message).not.toContain('a.example');
  });

  it.each(['toString', '__proto__', 'Singapore', 'mars'])(
    'refuses the data centre %s and lists those there are',
    (name) => {
      expect(complaint(() => readJoinConfig({ ...join, RONGCLOUD_DATA_CENTER: name }))).toContain('beijing, singapore');
    },
  );

  it('names all problems at once, an empty variable being a missing one', () => {
    const message = complaint(() => readJoinConfig({ RONGCLOUD_SECRET_ID: '' }));
    expect(message).toContain('RONGCLOUD_SECRET_ID is missing');
    expect(message).toContain('RONGCLOUD_DATA_CENTER is missing');
  });
});

describe('readHttpConfig', () => {
  it('fills in the defaults, closed ones', () => {
    expect(readHttpConfig(http)).toEqual({
      secretId: 'rongcloud/app',
      apiUrls: ['https://api.sg-light-api.com', 'https://api-b.sg-light-api.com'],
      jwksUrl: new URL('https://issuer.example/.well-known/jwks.json'),
      tokens: {
        issuer: 'https://issuer.example/',
        audience: 'api',
        userClaim: 'sub',
        serviceScope: 'group:join',
        openGroups: [],
      },
    });
  });

  it('takes what is set', () => {
    const config = readHttpConfig({
      ...http,
      JWKS_URI: 'https://keys.example/k',
      JWT_USER_CLAIM: 'uid',
      JWT_GROUPS_CLAIM: 'teams',
      JWT_SERVICE_SCOPE: 'join',
      OPEN_GROUPS: 'lobby, team-*,,',
    });
    expect(config.jwksUrl.href).toBe('https://keys.example/k');
    expect(config.tokens).toMatchObject({
      userClaim: 'uid',
      groupsClaim: 'teams',
      serviceScope: 'join',
      openGroups: ['lobby', 'team-*'],
    });
  });

  it('names the problems of every part in one message', () => {
    const message = complaint(() => readHttpConfig({ JWKS_URI: 'http://keys.example', JWT_SERVICE_SCOPE: 'a b' }));
    for (const name of [
      'RONGCLOUD_SECRET_ID',
      'RONGCLOUD_DATA_CENTER',
      'JWT_ISSUER',
      'JWT_AUDIENCE',
      'JWKS_URI',
      'JWT_SERVICE_SCOPE',
    ]) {
      expect(message).toContain(name);
    }
  });

  it('wants https of the issuer, but for loopback', () => {
    expect(complaint(() => readHttpConfig({ ...http, JWT_ISSUER: 'http://issuer.example' }))).toContain('JWT_ISSUER');
    expect(readHttpConfig({ ...http, JWT_ISSUER: 'http://localhost:4004' }).jwksUrl.href).toBe(
      'http://localhost:4004/.well-known/jwks.json',
    );
  });
});
