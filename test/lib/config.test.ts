import { describe, expect, it } from 'vitest';
import { readHttpConfig, readJoinConfig, readQueueConfig } from '../../lib/config.ts';
import { ConfigError } from '../../lib/environment.ts';

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

  it.each([
    'AWS_ENDPOINT_URL',
    'AWS_ENDPOINT_URL_SECRETS_MANAGER',
    'AWS_ENDPOINT_URL_SQS',
    'AWS_ENDPOINT_URL_EVENTBRIDGE',
  ])('wants https of %s too, but for loopback', (name) => {
    const message = complaint(() => readJoinConfig({ ...join, [name]: 'http://aws.example:4566' }));
    expect(message).toContain(`${name} must be an https URL`);
    expect(message).not.toContain('aws.example');
    for (const url of [
      '',
      'https://aws.example',
      'http://127.0.0.1:4002',
      'http://[::1]:4002',
      'http://localhost:4566',
    ]) {
      expect(readJoinConfig({ ...join, [name]: url })).toEqual(readJoinConfig(join));
    }
  });

  it('names all problems at once, an empty variable being a missing one', () => {
    const message = complaint(() => readJoinConfig({ RONGCLOUD_SECRET_ID: '' }));
    expect(message).toContain('RONGCLOUD_SECRET_ID is missing');
    expect(message).toContain('RONGCLOUD_DATA_CENTER is missing');
  });
});

describe('readHttpConfig', () => {
  it('fills in the defaults, closed ones', () => {
    expect(readHttpConfig(http)).toEqual({
      originSecrets: [],
      secretId: 'rongcloud/app',
      apiUrls: ['https://api.sg-light-api.com', 'https://api-b.sg-light-api.com'],
      keySet: new URL('https://issuer.example/.well-known/jwks.json'),
      tokens: {
        issuer: 'https://issuer.example/',
        audiences: ['api'],
        userClaim: 'sub',
        serviceScope: 'group:join',
        serviceClaims: ['scope', 'scp'],
        serviceClients: [],
        openGroups: [],
      },
    });
  });

  it('takes what is set', () => {
    const config = readHttpConfig({
      ...http,
      JWT_AUDIENCE: 'app, backend,',
      JWT_SERVICE_CLAIMS: 'roles, scope',
      JWT_SERVICE_CLIENTS: 'c1,c2',
      JWKS_URI: 'https://keys.example/k',
      JWT_USER_CLAIM: 'uid',
      JWT_GROUPS_CLAIM: 'teams',
      JWT_SERVICE_SCOPE: 'join',
      OPEN_GROUPS: 'lobby, team-*,,',
    });
    expect(config.keySet).toEqual(new URL('https://keys.example/k'));
    expect(config.tokens).toMatchObject({
      audiences: ['app', 'backend'],
      serviceClaims: ['roles', 'scope'],
      serviceClients: ['c1', 'c2'],
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

  it('takes one origin secret or several, and none too short to be one', () => {
    const secrets = (value: string) => readHttpConfig({ ...http, ORIGIN_SECRET: value }).originSecrets;
    expect(secrets('')).toEqual([]);
    expect(secrets('0123456789abcdef')).toEqual(['0123456789abcdef']);
    expect(secrets('0123456789abcdef, fedcba9876543210')).toEqual(['0123456789abcdef', 'fedcba9876543210']);
    for (const bad of [
      ' ',
      ',',
      ' , ,',
      '\t',
      '0123456789abcde',
      '0123456789abcdef,short',
      'with a space inside',
      '0123456789abcd\u00e9f',
    ]) {
      const message = complaint(() => secrets(bad));
      expect(message).toContain('ORIGIN_SECRET must be');
      expect(message).not.toContain('0123');
    }
  });

  it('wants https of the issuer, but for loopback', () => {
    expect(complaint(() => readHttpConfig({ ...http, JWT_ISSUER: 'http://issuer.example' }))).toContain('JWT_ISSUER');
    expect(readHttpConfig({ ...http, JWT_ISSUER: 'http://localhost:4004' }).keySet).toEqual(
      new URL('http://localhost:4004/.well-known/jwks.json'),
    );
  });
});

describe('readQueueConfig', () => {
  const queue = {
    ...join,
    JOIN_QUEUE_URL: 'https://sqs.example/1/joins',
    JOIN_DLQ_URL: 'https://sqs.example/1/joins-dead',
  };

  it('takes both queues, and 24 calls a second by default', () => {
    expect(readQueueConfig(queue)).toEqual({
      ...readJoinConfig(join),
      joinQueueUrl: 'https://sqs.example/1/joins',
      deadLetterQueueUrl: 'https://sqs.example/1/joins-dead',
      upstreamRate: 24,
    });
  });

  it.each(['JOIN_QUEUE_URL', 'JOIN_DLQ_URL'])('wants %s, over https', (name) => {
    expect(complaint(() => readQueueConfig({ ...queue, [name]: '' }))).toContain(`${name} is missing`);
    expect(complaint(() => readQueueConfig({ ...queue, [name]: 'http://sqs.example/1/q' }))).toContain(
      `${name} must be an https URL`,
    );
    expect(readQueueConfig({ ...queue, [name]: 'http://127.0.0.1:4005/1/q' })).toBeDefined();
  });

  it.each(['0', '-1', '100.5', 'many'])('refuses a rate of %s', (rate) => {
    expect(complaint(() => readQueueConfig({ ...queue, UPSTREAM_RATE: rate }))).toContain('UPSTREAM_RATE must be');
  });

  it.each(['0.5', '100'])('takes a rate of %s', (rate) => {
    expect(readQueueConfig({ ...queue, UPSTREAM_RATE: rate }).upstreamRate).toBe(Number(rate));
  });

  it('tells nobody of results unless a bus is named', () => {
    expect(readQueueConfig({ ...queue, RESULT_SOURCE: 'me' })).not.toHaveProperty('events');
    expect(readQueueConfig({ ...queue, RESULT_BUS: ' ' })).not.toHaveProperty('events');
  });

  it.each([
    'results',
    'my/bus_1.a-b',
    'x'.repeat(256),
    'arn:aws:events:eu-west-1:123456789012:event-bus/results',
    'arn:aws-cn:events:cn-north-1:123456789012:event-bus/my/bus',
  ])('takes the bus %s', (bus) => {
    const config = readQueueConfig({ ...queue, RESULT_BUS: bus, RESULT_SOURCE: 'rongcloud-group-join.prod' });
    expect(config.events).toEqual({ bus, source: 'rongcloud-group-join.prod' });
  });

  it.each([
    'my bus',
    'x'.repeat(257),
    'https://a.example',
    'arn:aws:events:eu-west-1:123456789012:rule/results',
    'arn:aws:events:eu-west-1:1:event-bus/results',
    'arn:aws:sqs:eu-west-1:123456789012:results',
    'a,b',
  ])('refuses the bus %s without repeating it', (bus) => {
    const message = complaint(() => readQueueConfig({ ...queue, RESULT_BUS: bus, RESULT_SOURCE: 'me' }));
    expect(message).toContain('RESULT_BUS must be the name or the ARN of an event bus');
    expect(message).not.toContain(bus);
  });

  it.each(['', 'aws.me', 'my source', 'x'.repeat(257)])('refuses the source "%s" of events', (source) => {
    const message = complaint(() => readQueueConfig({ ...queue, RESULT_BUS: 'results', RESULT_SOURCE: source }));
    expect(message).toContain('RESULT_SOURCE');
  });
});
