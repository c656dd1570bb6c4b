import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM } from '../../tools/chromium.ts';
import { MEMBER, memberGroup } from '../helpers/claims.ts';
import { listeningPorts } from '../helpers/listening-ports.ts';
import { expectDescribed } from '../helpers/openapi.ts';
import { startTestSandbox, type TestSandbox } from '../helpers/sandbox.ts';

// What a real browser lets a web page of another origin do to the ports of the sandbox.
const INSISTS = process.env.REQUIRE_CHROMIUM === '1';
if (!CHROMIUM && !INSISTS)
  console.warn('Skipped: no Chromium here. Install it (apt-get install chromium) or set CHROMIUM.');

/** A web server with an empty page under any name. */
async function startPages() {
  const server = http.createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>page</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { port, close };
}

describe.skipIf(!CHROMIUM && !INSISTS)('a web page in Chromium', () => {
  let sandbox: TestSandbox;
  let ports: number[];
  let pages: Awaited<ReturnType<typeof startPages>>;
  let browser: Browser;
  beforeAll(async () => {
    if (!CHROMIUM) throw new Error('REQUIRE_CHROMIUM is set and there is no Chromium.');
    pages = await startPages();
    const before = listeningPorts();
    sandbox = await startTestSandbox({ corsOrigins: [`http://app.example:${pages.port}`] });
    ports = listeningPorts().filter((port) => !before.includes(port));
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      // Names of the test are this machine, and no other name is any.
      args: ['--no-sandbox', '--host-resolver-rules=MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await sandbox?.close();
    pages?.close();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });

  /** A page of a name, and what the ports of the sandbox answered to it: `port status`. */
  async function open(host: string): Promise<{ page: Page; answers: string[] }> {
    const context = await browser.newContext();
    const page = await context.newPage();
    const answers: string[] = [];
    context.on('response', (response) => {
      const port = Number(new URL(response.url()).port);
      if (ports.includes(port)) answers.push(`${port} ${response.status()}`);
    });
    await page.goto(`http://${host}:${pages.port}/`);
    return { page, answers };
  }
  const joins = () => sandbox.im.primary.calls.filter(({ path }) => path === '/group/join.json');
  const refusals = (answers: readonly string[]) => answers.filter((answer) => answer.endsWith(' 403'));

  it('joins nobody and reads nothing through any port', async () => {
    expect(ports).toHaveLength(9);
    const { page, answers } = await open('evil.example');
    const paths = {
      invoke: `/2015-03-31/functions/${sandbox.invokeFunctionName}/invocations`,
      token: '/token',
      calls: '/_sandbox/calls',
      fault: '/_sandbox/faults/rongcloud-primary',
      join: '/groups/lobby/members',
      keys: '/jwks',
      queue: '/',
    };
    const read = await page.evaluate(
      async ({ targets, paths }) => {
        const event = '{"groupId":"g","userIds":["mallory"]}';
        const form = 'grant_type=client_credentials&sub=mallory&scope=group:join';
        const type = (value: string) => ({ 'content-type': value });
        const body = (text: string, headers: Record<string, string>) => ({ method: 'POST', body: text, headers });
        const readable: string[] = [];
        const attempt = async (url: string, init?: RequestInit): Promise<void> => {
          const response = await fetch(url, init).catch(() => undefined);
          if (response && response.type !== 'opaque') readable.push(`${url} ${response.status}`);
        };
        for (const target of targets) {
          // Requests that need no preflight: sent whatever the answer says.
          for (const mode of ['no-cors', 'cors'] as const) {
            await attempt(target + paths.invoke, { mode, ...body(event, type('text/plain')) });
            await attempt(target + paths.token, { mode, ...body(form, type('application/x-www-form-urlencoded')) });
            await attempt(target + paths.join, { mode, method: 'POST' });
            await attempt(target + paths.calls, { mode });
            await attempt(target + paths.keys, { mode });
            const send = `Action=SendMessage&QueueUrl=/joins&MessageBody=${encodeURIComponent(event)}`;
            await attempt(target + paths.queue, { mode, ...body(send, type('application/x-www-form-urlencoded')) });
          }
          // Requests that need one.
          await attempt(target + paths.fault, { method: 'PUT', body: '{"kind":"close"}' });
          await attempt(
            target + paths.queue,
            body('{"SecretId":"rongcloud/app"}', { 'x-amz-target': 'secretsmanager.GetSecretValue' }),
          );
          await attempt(target + paths.join, { method: 'POST', headers: { authorization: 'Bearer x' } });
        }
        return readable;
      },
      { targets: ports.map((port) => `http://127.0.0.1:${port}`), paths },
    );
    expect(read).toEqual([]);
    // Each of the six that a page may send without asking got an answer from each of the ports, and it was no.
    expect(answers).toHaveLength(6 * ports.length);
    expect(refusals(answers)).toEqual(answers);
    expect(joins()).toEqual([]);
    expect(sandbox.im.primary.fault.how).toBeUndefined();
    expect(sandbox.queue.bodies()).toEqual([]);
  }, 60_000);

  it('can not be led to any port by a frame, a script or a form', async () => {
    const { page, answers } = await open('evil.example');
    const back = encodeURIComponent(`http://evil.example:${pages.port}/stolen`);
    const field = `<input name='{"groupId":"g","userIds":["mallory"],"requestId":"' value='"}'>`;
    const lures = ports.map((port) => {
      const url = `http://127.0.0.1:${port}/authorize?response_type=code&redirect_uri=${back}`;
      const invoke = `http://127.0.0.1:${port}/2015-03-31/functions/${sandbox.invokeFunctionName}/invocations`;
      const frames = `<iframe src="${url}"></iframe><iframe name="at-${port}"></iframe>`;
      const form = `<form action="${invoke}" method="post" enctype="text/plain" target="at-${port}">${field}</form>`;
      return `${frames}<script src="${url}"></script>${form}`;
    });
    await page.setContent(lures.join(''));
    await page.evaluate('for (const form of document.forms) form.submit()');
    await expect.poll(() => answers.length, { timeout: 10_000 }).toBe(3 * ports.length);
    expect(refusals(answers)).toEqual(answers);
    expect(joins()).toEqual([]);
  }, 60_000);

  it('can not make the browser load or render any port ahead', async () => {
    const { page, answers } = await open('evil.example');
    const urls = ports.map((port) => `http://127.0.0.1:${port}/group/join.json`);
    const rule = (query: string) => [{ urls: urls.map((url) => url + query), eagerness: 'immediate' }];
    const rules = JSON.stringify({ prefetch: rule('?load'), prerender: rule('?render') });
    await page.setContent(`<script type="speculationrules">${rules}</script>`);
    await expect.poll(() => answers.length, { timeout: 10_000 }).toBe(2 * ports.length);
    expect(refusals(answers)).toEqual(answers);
    expect(joins()).toEqual([]);
  }, 60_000);

  it('is refused with the icon that the browser asks for in the name of a refused port', async () => {
    const icons: string[] = [];
    const note = (message: unknown): void => {
      const { request, response } = message as { request: http.IncomingMessage; response: http.ServerResponse };
      if (request.url === '/favicon.ico') icons.push(`${request.socket.localPort} ${response.statusCode}`);
    };
    subscribe('http.server.response.finish', note);
    sandbox.im.primary.fault.set({ kind: 'close', calls: 1 });
    const { page } = await open('evil.example');
    // All but the two of serverless-offline, which is another process.
    const { httpUrl, invokeUrl, awsUrl, issuer, consoleUrl, im } = sandbox;
    for (const url of [httpUrl, invokeUrl, awsUrl, issuer.url, consoleUrl, im.primary.url, im.backup.url]) {
      await page.goto(`http://evil.example:${pages.port}/`);
      await page.evaluate(`location.assign('${url}/group/join.json')`);
      await expect.poll(() => icons.at(-1), { timeout: 10_000 }).toBe(`${new URL(url).port} 403`);
    }
    unsubscribe('http.server.response.finish', note);
    expect(sandbox.im.primary.fault.how).toBeDefined();
    sandbox.im.primary.fault.set(undefined);
  }, 60_000);

  it('finds every port closed under a name of its own that leads to this machine', async () => {
    const { page, answers } = await open('evil.example');
    for (const port of ports) {
      await page.goto(`http://evil.example:${port}/jwks`);
      // The page is now of the port's own origin, so nothing that it asks for is cross-site.
      const status = await page.evaluate(async () => {
        const response = await fetch('/token', {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: 'grant_type=client_credentials',
        });
        return response.status;
      });
      expect(status).toBe(403);
    }
    expect(answers.length).toBeGreaterThanOrEqual(2 * ports.length);
    expect(refusals(answers)).toEqual(answers);
  }, 60_000);

  it('joins through the HTTP door if its origin is named', async () => {
    const { page } = await open('app.example');
    const token = await sandbox.issuer.token(MEMBER);
    const answer = await page.evaluate(
      async ({ url, token }) => {
        const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
        return { status: response.status, headers: [...response.headers], body: await response.text() };
      },
      { url: `${sandbox.httpUrl}/groups/${memberGroup('team-1')}/members`, token },
    );
    expect(answer.status).toBe(200);
    expectDescribed(answer);
  });
});
