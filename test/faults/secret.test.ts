import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Credentials, type SecretReader, secretsManagerReader } from '../../lib/aws/app-credentials.ts';
import { JoinError } from '../../lib/errors.ts';
import type { AppCredentials } from '../../lib/rongcloud/signature.ts';
import { getSecretValue } from '../../sandbox/aws/secrets-manager.ts';
import { clockOf } from '../helpers/clock-of.ts';
import { SECRET, startFaultBed } from '../helpers/fault-bed.ts';
import {
  answers,
  type Behavior,
  type FaultyServer,
  inTurn,
  neverAnswers,
  response,
  startFaultyServer,
  writes,
} from '../helpers/faulty-server.ts';
import { reliabilityTable } from '../helpers/reliability-table.ts';

const table = reliabilityTable('The secret');
const UNAVAILABLE = '503 CREDENTIALS_UNAVAILABLE, not_sent';
const NEW_SECRET = '{"appKey":"key","appSecret":"rotated"}';
const MINUTE = 60_000;
/** No wait is over here. */
const sleep = (): Promise<never> => new Promise(() => {});

const json = { 'Content-Type': 'application/x-amz-json-1.1' };
const holds = (text: string) => {
  const result = getSecretValue(new Map([['rongcloud/app', text]]))({ SecretId: 'rongcloud/app' });
  return answers(200, JSON.stringify('output' in result ? result.output : {}), json);
};
const refuses = (status: number, type: string) =>
  answers(status, JSON.stringify({ __type: type, message: type }), json);

let manager: FaultyServer;
/** The real SDK client with this service's settings, over a Secrets Manager that can be at fault. */
const read: SecretReader = () => secretsManagerReader('rongcloud/app', 200)();
beforeEach(async () => {
  manager = await startFaultyServer(holds(SECRET));
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', manager.url);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
afterEach(() => manager.close());

describe('a secret that is malformed', () => {
  for (const [name, text] of [
    ['is not JSON', 'planted'],
    ['lacks a value', '{"appKey":"planted"}'],
    ['holds an empty value', '{"appKey":"planted","appSecret":""}'],
    ['holds a number', '{"appKey":"planted","appSecret":7}'],
    ['holds a line break in the App Key', '{"appKey":"planted\\n","appSecret":"s"}'],
    ['holds the App Key twice', '{"appKey":"planted","appSecret":"planted"}'],
  ] as const) {
    table.row(
      `the secret ${name}`,
      UNAVAILABLE,
      async (bed) => {
        manager.behave(holds(text));
        const answer = await bed.post();
        expect(bed.primary.connections + bed.backup.connections).toBe(0);
        expect(answer.text + String(bed.logged[0]?.error?.cause)).not.toContain('planted');
        manager.behave(holds(SECRET));
        expect((await bed.post()).status).toBe(200);
        return answer;
      },
      { readSecret: read },
    );
  }
  table.row(
    'the secret is binary',
    UNAVAILABLE,
    async (bed) => {
      manager.behave(answers(200, JSON.stringify({ Name: 'x', SecretBinary: 'cGxhbnRlZA==' }), json));
      return bed.post();
    },
    { readSecret: read },
  );
});

describe('Secrets Manager at fault', () => {
  const faults: [name: string, behavior: Behavior][] = [
    ['throttles', refuses(400, 'ThrottlingException')],
    ['answers 500', refuses(500, 'InternalServiceError')],
    ['never answers', neverAnswers],
    ['stalls after the headers', writes(response(200, '', { 'Content-Length': '100' }))],
    ['denies access', refuses(400, 'AccessDeniedException')],
    ['holds no such secret', refuses(400, 'ResourceNotFoundException')],
  ];
  for (const [name, behavior] of faults) {
    table.row(
      `nothing cached, Secrets Manager ${name}`,
      UNAVAILABLE,
      async (bed) => {
        manager.behave(behavior);
        const answer = await bed.post();
        expect(bed.primary.connections).toBe(0);
        manager.behave(holds(SECRET));
        expect((await bed.post()).status).toBe(200);
        return answer;
      },
      { readSecret: read },
    );
    table.row(
      `a 6 minutes old value cached, Secrets Manager ${name}`,
      '200',
      async (bed) => {
        await bed.post();
        manager.behave(behavior);
        bed.pass(6 * MINUTE);
        const answer = await bed.post();
        expect(bed.primary.seen).toHaveLength(2);
        return answer;
      },
      { readSecret: read },
    );
  }

  it('is asked once more where it never answers at first', async () => {
    manager.behave(inTurn(neverAnswers, holds(SECRET)));
    expect(await read()).toBe(SECRET);
    expect(manager.seen).toHaveLength(2);
  });

  it('lets the old value serve for 24 hours, asking again every 30 seconds, and no longer', async () => {
    const clock = { ms: 0 };
    const reader = vi.fn<SecretReader>(async () => SECRET);
    const credentials = new Credentials({ read: reader, clock: clockOf(() => clock.ms), sleep });
    await credentials.get();
    reader.mockRejectedValue(new Error('down'));
    clock.ms = 5 * MINUTE;
    for (let i = 0; i < 100; i++) expect(await credentials.get()).toMatchObject({ appSecret: 's3cret' });
    expect(reader).toHaveBeenCalledTimes(2);
    clock.ms += 30_000;
    await credentials.get();
    expect(reader).toHaveBeenCalledTimes(3);
    clock.ms = 24 * 60 * MINUTE - 1;
    await credentials.get();
    clock.ms = 24 * 60 * MINUTE;
    expect(await credentials.get()).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE' });
  });

  it('reads once for 20 calls at once on a cold environment', async () => {
    const bed = await startFaultBed({ readSecret: read });
    const answered = await Promise.all(Array.from({ length: 20 }, () => bed.post()));
    expect(answered.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(manager.seen).toHaveLength(1);
    await bed.close();
  });
});

describe('credentials that RongCloud refuses', () => {
  const refusing = answers(401, '{"code":1004}');
  /** Takes whoever signs with the new secret only; that the signature differs is proof enough here. */
  for (const code of [1001, 1004]) {
    table.row(
      `code ${code}, and the secret has changed`,
      '200',
      async (bed) => {
        await bed.post();
        bed.primary.behave({
          onRequest(socket, request) {
            const renewed = request.headers['app-key'] === 'renewed';
            (renewed ? answers(200, '{"code":200}') : answers(401, `{"code":${code}}`)).onRequest?.(socket, request);
          },
        });
        manager.behave(holds('{"appKey":"renewed","appSecret":"rotated"}'));
        const answer = await bed.post();
        expect(bed.primary.seen).toHaveLength(3);
        expect(manager.seen).toHaveLength(2);
        expect(bed.backup.seen).toEqual([]);
        return answer;
      },
      { readSecret: read },
    );
    table.row(
      `code ${code}, and the secret has not changed`,
      '503 UPSTREAM_CREDENTIALS, rejected',
      async (bed) => {
        bed.primary.behave(answers(401, `{"code":${code}}`));
        const answer = await bed.post();
        expect(bed.primary.seen).toHaveLength(1);
        expect(manager.seen).toHaveLength(2);
        return answer;
      },
      { readSecret: read },
    );
  }
  table.row('401 without JSON', '503 UPSTREAM_CREDENTIALS, rejected', async (bed) => {
    bed.primary.behave(answers(401, '<html>'));
    return bed.post();
  });

  it('reads the secret at most once in 30 seconds for 100 calls, and then once more', async () => {
    // On a busy machine 50 calls at once take their time.
    const bed = await startFaultBed({ readSecret: read, answerTimeoutMs: 2000 });
    expect((await bed.post()).status).toBe(200);
    bed.primary.behave(refusing);
    for (let i = 0; i < 50; i++) expect((await bed.post()).code).toBe('UPSTREAM_CREDENTIALS');
    await Promise.all(Array.from({ length: 50 }, () => bed.post()));
    expect(manager.seen).toHaveLength(2);
    bed.pass(30_000);
    await bed.post();
    expect(manager.seen).toHaveLength(3);
    expect(bed.backup.seen).toEqual([]);
    await bed.close();
  });

  it('uses what another call has read without reading again', async () => {
    const clock = { ms: 0 };
    const reader = vi.fn<SecretReader>(async () => SECRET);
    const credentials = new Credentials({ read: reader, clock: clockOf(() => clock.ms), sleep });
    const old = await held(credentials);
    reader.mockResolvedValue(NEW_SECRET);
    const replaced = await Promise.all([credentials.replace(old), credentials.replace(old)]);
    expect(replaced).toEqual([JSON.parse(NEW_SECRET), JSON.parse(NEW_SECRET)]);
    expect(await credentials.replace(old)).toEqual(JSON.parse(NEW_SECRET));
    expect(await credentials.get()).toEqual(JSON.parse(NEW_SECRET));
    expect(reader).toHaveBeenCalledTimes(2);
  });

  it('finds no others when the secret can not be read', async () => {
    const reader = vi.fn<SecretReader>(async () => SECRET);
    const credentials = new Credentials({ read: reader, clock: clockOf(() => 0), sleep });
    const old = await held(credentials);
    reader.mockRejectedValue(new Error('down'));
    expect(await credentials.replace(old)).toBeUndefined();
    expect(await credentials.get()).toEqual(old);
  });
});

async function held(credentials: Credentials): Promise<AppCredentials> {
  const app = await credentials.get();
  if (app instanceof JoinError) throw app;
  return app;
}

table.matchesTheDocument();
