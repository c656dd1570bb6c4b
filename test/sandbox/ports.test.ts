import net from 'node:net';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listeningPorts } from '../helpers/listening-ports.ts';
import { startTestSandbox, type TestSandbox } from '../helpers/sandbox.ts';

// Every port that the sandbox opens, the random ones of serverless-offline included.
let sandbox: TestSandbox;
let ports: number[];
beforeAll(async () => {
  const before = listeningPorts();
  sandbox = await startTestSandbox({ corsOrigins: ['https://app.example'] });
  ports = listeningPorts().filter((port) => !before.includes(port));
});
afterAll(() => sandbox?.close());

const EVENT = '{"groupId":"g","userIds":["mallory"]}';

/** Writes bytes and gives what comes back until the connection is closed. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

/** The statuses of one request to each port, by port. */
async function statuses(headers: string[], line = 'POST /token'): Promise<Record<number, string | undefined>> {
  const head = [`${line} HTTP/1.1`, 'Connection: close', ...headers].join('\r\n');
  const all = ports.map(async (port) => {
    const answer = await exchange(port, `${head}\r\nContent-Length: ${EVENT.length}\r\n\r\n${EVENT}`);
    return [port, answer.split(' ')[1]];
  });
  return Object.fromEntries(await Promise.all(all));
}
const refused = () => Object.fromEntries(ports.map((port) => [port, '403']));
const INVOKE = () => `POST /2015-03-31/functions/${sandbox.invokeFunctionName}/invocations`;

describe("each of the sandbox's ports", () => {
  it('is known: seven that npm start prints and two of serverless-offline', () => {
    expect(ports).toHaveLength(9);
  });

  it.each([
    ['another origin', ['Host: 127.0.0.1', 'Origin: https://evil.example']],
    ['an origin of another port of this machine', ['Host: localhost', 'Origin: http://localhost:3000']],
    ['no origin that it would tell', ['Host: 127.0.0.1', 'Origin: null']],
    ['another name for this machine', ['Host: evil.example']],
    ['a foreign page without an Origin', ['Host: 127.0.0.1', 'Sec-Fetch-Site: cross-site']],
  ])('refuses a page of %s', async (_name, headers) => {
    expect(await statuses(headers)).toEqual(refused());
    expect(await statuses(headers, INVOKE())).toEqual(refused());
    expect(await statuses(headers, 'GET /_sandbox/calls')).toEqual(refused());
    expect(sandbox.im.primary.calls).toEqual([]);
  });

  it.each([
    ['what a page has the browser load ahead', ['Sec-Fetch-Site: none', 'Sec-Purpose: prefetch']],
    ['what a page has the browser render ahead', ['Sec-Fetch-Site: none', 'Sec-Purpose: prefetch;prerender']],
    ['what an older browser loads ahead', ['Purpose: prefetch']],
    ['the icon for a refused page', ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Dest: image']],
  ])('refuses %s', async (_name, headers) => {
    expect(await statuses(['Host: 127.0.0.1', ...headers], 'GET /_sandbox/calls')).toEqual(refused());
  });

  it('answers a person who typed the address, and no page of its own but the console', async () => {
    const answering = async (...headers: string[]) => {
      const seen = await statuses(['Host: 127.0.0.1', ...headers], 'GET /');
      return ports.filter((port) => seen[port] !== '403');
    };
    expect(await answering('Sec-Fetch-Site: none', 'Sec-Fetch-Dest: document')).toHaveLength(7);
    const console = Number(new URL(sandbox.consoleUrl).port);
    expect(await answering('Sec-Fetch-Site: same-origin', 'Sec-Fetch-Dest: empty')).toEqual([console]);
  });

  it('answers programs of this machine, but for the two of serverless-offline', async () => {
    const seen = Object.values(await statuses(['Host: 127.0.0.1']));
    expect(seen.filter((status) => status === '403')).toHaveLength(2);
    expect((await sandbox.invoke({ groupId: 'g', userIds: ['bob'] })).functionError).toBeUndefined();
    sandbox.im.primary.calls.length = 0;
  });

  it('closes a connection whose body never arrives', async () => {
    const head = 'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{';
    const answers = await Promise.all(ports.map((port) => exchange(port, head)));
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 4\d\d /);
  });
});

describe('the secret', () => {
  const clientOf = (sessionToken?: string) => {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local', ...(sessionToken && { sessionToken }) };
    return new SecretsManager({ endpoint: sandbox.awsUrl, region: 'us-east-1', credentials });
  };

  it('is given to the functions alone', async () => {
    const read = (sessionToken?: string) => clientOf(sessionToken).getSecretValue({ SecretId: 'rongcloud/app' });
    await expect(read()).rejects.toMatchObject({ name: 'AccessDeniedException' });
    await expect(read('guess')).rejects.toMatchObject({ name: 'AccessDeniedException' });
    await expect(read(sandbox.personToken)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect((await sandbox.invoke({ groupId: 'g', userIds: ['bob'] })).functionError).toBeUndefined();
  });

  it('takes another value from a person with the token of this start alone', async () => {
    const put = (sessionToken?: string, SecretId = 'rongcloud/app') =>
      clientOf(sessionToken).putSecretValue({ SecretId, SecretString: '{"appKey":"a","appSecret":"b"}' });
    const before = sandbox.secrets.get('rongcloud/app') ?? '';
    for (const token of [undefined, 'guess']) {
      await expect(put(token)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    }
    await expect(put(sandbox.personToken, 'none')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(sandbox.secrets.get('rongcloud/app')).toBe(before);
    expect(await put(sandbox.personToken)).toMatchObject({ Name: 'rongcloud/app', VersionStages: ['AWSCURRENT'] });
    expect(sandbox.secrets.get('rongcloud/app')).toBe('{"appKey":"a","appSecret":"b"}');
    sandbox.secrets.set('rongcloud/app', before);
  });

  it('shows its versions to a person with the token of this start alone', async () => {
    const describeSecret = (sessionToken?: string) =>
      clientOf(sessionToken).describeSecret({ SecretId: 'rongcloud/app' });
    const listVersions = (sessionToken?: string) =>
      clientOf(sessionToken).listSecretVersionIds({ SecretId: 'rongcloud/app' });
    for (const look of [describeSecret, listVersions]) {
      await expect(look()).rejects.toMatchObject({ name: 'AccessDeniedException' });
      expect(await look(sandbox.personToken)).toMatchObject({ Name: 'rongcloud/app' });
    }
  });
});
