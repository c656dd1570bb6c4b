import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHROMIUM } from '../../../tools/chromium.ts';
import { MEMBER, memberGroup, REFUSED, SERVICE } from '../../helpers/claims.ts';
import { startTestSandbox, type TestSandbox } from '../../helpers/sandbox.ts';

// The console as a person meets it, in a real browser.
const TEAM = memberGroup('1');
/** What the form puts into a token besides the user and the group. */
const { sub: _, groups: __, ...CLAIMS } = MEMBER;
/** What of the page is wider than the room that it has. A select does not say so: it is measured beside a copy. */
const CUT = `[...document.querySelectorAll('body *')]
  .filter((one) => {
    if (one.closest('.hidden-text') || one.clientWidth === 0) return false;
    if (one.tagName !== 'SELECT') return one.scrollWidth > one.clientWidth;
    const copy = document.body.appendChild(one.cloneNode(true));
    const wanted = copy.offsetWidth;
    copy.remove();
    return one.offsetWidth < wanted;
  })
  .map((one) => one.outerHTML.slice(0, 80))`;
const INSISTS = process.env.REQUIRE_CHROMIUM === '1';
if (!CHROMIUM && !INSISTS)
  console.warn('Skipped: no Chromium here. Install it (apt-get install chromium) or set CHROMIUM.');

describe.skipIf(!CHROMIUM && !INSISTS)('the console in Chromium', { timeout: 60_000 }, () => {
  let sandbox: TestSandbox;
  let browser: Browser;
  let page: Page;
  /** What the page asked for, and what the browser complained of. */
  const hosts = new Set<string>();
  const complaints: string[] = [];

  beforeAll(async () => {
    if (!CHROMIUM) throw new Error('REQUIRE_CHROMIUM is set and there is no Chromium.');
    const sample = { userId: 'sam', groupId: TEAM, claims: CLAIMS };
    sandbox = await startTestSandbox({ corsOrigins: ['*'], sample });
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
    });
    // One tab for all tests, since a new one takes a second. The page keeps nothing that outlives a load.
    page = await browser.newPage();
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.setDefaultTimeout(15_000);
  });
  afterAll(async () => {
    await browser?.close();
    await sandbox?.close();
  });
  beforeEach(async () => {
    for (const { calls } of [sandbox.im.primary, sandbox.im.backup]) calls.length = 0;
    await page.setViewportSize({ width: 1280, height: 720 });
    await page.goto(sandbox.consoleUrl);
    await says('Connected.');
  });
  afterEach(async () => {
    for (const domain of [sandbox.im.primary, sandbox.im.backup]) domain.fault.set(undefined);
    sandbox.im.primary.app.unknownUsers.clear();
    expect(complaints.splice(0)).toEqual([]);
    expect([...hosts]).toEqual([new URL(sandbox.consoleUrl).host]);
  });

  const says = (text: string, timeout = 15_000) =>
    page.getByRole('status').filter({ hasText: text }).waitFor({ timeout });
  const region = (name: string) => page.getByRole('region', { name, exact: true });
  const call = (user: string) => page.locator('.request').filter({ hasText: user });
  const fault = (name: string) => page.getByRole('form', { name });
  async function join(user: string, when = 'Now'): Promise<void> {
    await page.getByLabel('Users, by comma or line').fill(user);
    await page.getByRole('radio', { name: when, exact: true }).check();
    await page.getByRole('button', { name: 'Join', exact: true }).click();
  }

  it("is named at the root of the HTTP door's address", async () => {
    const root = sandbox.httpUrl;
    const response = await fetch(root);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain(sandbox.consoleUrl);
  });

  it('shows a join that somebody else makes, without a reload', async () => {
    const token = await sandbox.issuer.token({ ...MEMBER, sub: 'elsewhere' });
    expect((await sandbox.post(TEAM, { token })).status).toBe(200);
    await region('Groups').getByText('elsewhere').waitFor();
    await call('elsewhere').getByText('HTTP 200, code 200').waitFor();
    expect(await call('elsewhere').getByText('broken:').count()).toBe(0);
    expect(await call('elsewhere').getByText('kept:').count()).toBe(7);
  });

  it('shows both attempts of a join after a switch has made the primary domain fail', async () => {
    await fault('RongCloud, primary').getByRole('button', { name: 'Break' }).click();
    await fault('RongCloud, primary').getByText('status 500', { exact: true }).waitFor();
    await join('failover');
    await says('The answer is 200 OK.');
    await call('failover').getByText('Attempt 2, backup: HTTP 200, code 200').waitFor();
    await call('failover').getByText('Attempt 1, primary: status 500').waitFor();
    await fault('RongCloud, primary').getByRole('button', { name: 'Mend' }).click();
    await fault('RongCloud, primary').getByText('works').waitFor();
  });

  it('names the domain to break, that of the last call, and starts fresh functions', async () => {
    const step = page.locator('#failover');
    await step.getByText('primary', { exact: true }).waitFor();
    sandbox.im.primary.fault.set({ kind: 'status', status: 500 });
    await join('named');
    await says('The answer is 200 OK.');
    await step.getByText('The last call used the backup domain.').waitFor();
    await page.getByRole('button', { name: 'Start fresh functions' }).click();
    await says('The functions are fresh.', 45_000);
    await step.getByText('Fresh functions use the primary domain.').waitFor();
    sandbox.im.primary.fault.set(undefined);
    await join('fresh');
    await says('The answer is 200 OK.');
    await call('fresh').getByText('Attempt 1, primary: HTTP 200, code 200').waitFor();
    // The line of a new process, which has to read the secret.
    const line = sandbox.logs.findLast((text) => text.includes('"message":"joined"'));
    expect(line).toContain('"coldStart":true');
  });

  it('shows requests that RongCloud was not called for, and why', async () => {
    const group = memberGroup('refused');
    expect((await sandbox.post(group, { token: 'a.b.c' })).status).toBe(401);
    const token = await sandbox.issuer.token(MEMBER);
    expect((await sandbox.post(group, { token, body: '{"userIds":[""]}' })).status).toBe(400);
    const event = { groupId: '', userIds: ['a'] };
    expect((await sandbox.invoke(event)).functionError).toBe('Unhandled');
    const refusal = (text: string) => page.locator('.request').filter({ hasText: text }).first().waitFor();
    await refusal('Not sent: 401 UNAUTHENTICATED: Error: the token is malformed');
    await refusal('Not sent: 400 INVALID_REQUEST: /userIds/0 Must not be empty.');
    await refusal('Not sent: 400 INVALID_REQUEST: /groupId Must not be empty.');
    await page.getByLabel('Group', { exact: true }).fill(group);
    await page.getByLabel('More claims for the token, as JSON').fill('{"groups":[],"tenant":"none","role":"none"}');
    await join(REFUSED.claims.sub);
    await says('The answer is 403 Forbidden.');
    await refusal('Not sent: 403 FORBIDDEN: ');
    expect([sandbox.im.primary, sandbox.im.backup].flatMap(({ calls }) => calls)).toEqual([]);
  });

  it('joins several users, by comma or line, and asks for one at least', async () => {
    await page.getByRole('radio', { name: 'A backend' }).check();
    await join(' one, two\n\nthree,');
    await says('The answer is 200 OK.');
    const answer = await region('Answer').innerText();
    expect(JSON.parse(answer).joined).toEqual(['one', 'two', 'three']);
    for (const [label, id] of [
      ['Users, by comma or line', ' ,\n '],
      ['Group', '  '],
    ] as const) {
      await page.getByLabel(label, { exact: true }).fill(id);
      await page.getByRole('button', { name: 'Join', exact: true }).click();
      await says('Name a group and at least one user.');
      await page.getByLabel('Users, by comma or line').fill('somebody');
    }
    await page.getByLabel('User', { exact: true }).fill(' ');
    await page.getByRole('button', { name: 'Make unknown' }).click();
    await says('Name a user.');
    expect(sandbox.im.primary.app.unknownUsers.size).toBe(0);
  });

  it('shows all calls of a request in one row, which unfolds', async () => {
    sandbox.im.primary.app.unknownUsers.add('refused');
    const token = await sandbox.issuer.token(SERVICE);
    const body = JSON.stringify({ userIds: ['n1', 'n2', 'refused', 'n3'] });
    expect((await sandbox.post(memberGroup('many'), { token, body })).status).toBe(207);
    const summary = call('n1').getByText('more calls of this request');
    await summary.waitFor();
    expect(await call('n1').count()).toBe(1);
    // Which domain the function calls depends on what failed before.
    const calls = [sandbox.im.primary, sandbox.im.backup].flatMap((domain) => domain.calls);
    expect(calls.length).toBeGreaterThan(3);
    const joined = calls.filter(({ code }) => code === 200).length;
    const told = new RegExp(`^${calls.length - 1} more .*, ${joined} answered with 200`);
    await expect.poll(() => summary.innerText()).toMatch(told);
    const single = call('n1').getByText('1 user: refused', { exact: true });
    expect(await single.isVisible()).toBe(false);
    await summary.click();
    await single.waitFor();
    expect(await call('n1').getByText('Attempt 1, ').count()).toBe(calls.length);
  });

  it('shows calls without a request id one by one', async () => {
    for (const user of ['anonymous-1', 'anonymous-2']) {
      await fetch(`${sandbox.im.primary.url}/group/join.json`, {
        method: 'POST',
        body: new URLSearchParams({ userId: user, groupId: 'g' }),
      });
    }
    await expect.poll(() => call('anonymous-').count()).toBe(2);
  });

  it('brings a dead letter back, once its user is known', async () => {
    await page.getByRole('button', { name: 'Make unknown' }).click();
    await says('mallory is unknown to RongCloud.');
    await join('mallory', 'Later, through the queue');
    await says('The answer is 202 Accepted.');
    await region('Dead letters').getByText('UPSTREAM_REJECTED').waitFor();
    await page.getByRole('button', { name: 'Make known mallory' }).click();
    await says('mallory is known to RongCloud.');
    await region('Dead letters').getByRole('button', { name: 'Put back' }).click();
    await says('The message is back on the queue.');
    await region('Groups').getByText('mallory').waitFor();
    await region('Dead letters').getByText('There is no dead letter.').waitFor();
    await region('Events').getByText('"joined":1').waitFor();
    // The button is gone. Who used it is not thrown back to the top of the page.
    expect(await page.evaluate('document.activeElement.id')).toBe('letters-title');
  });

  it('shows ids that are markup as the text that they are', async () => {
    const nasty = memberGroup('<img src=x onerror="document.title=1">');
    await page.getByLabel('Group', { exact: true }).fill(nasty);
    await join(nasty);
    await says('The answer is 200 OK.');
    await region('Groups').getByText(nasty).first().waitFor();
    await call(nasty).first().waitFor();
    sandbox.deadLetterQueue.send(nasty, { code: { DataType: 'String', StringValue: nasty } });
    await region('Dead letters').getByText(nasty).first().waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.title()).toBe('rongcloud-group-join: console');
    sandbox.deadLetterQueue.purge();
  });

  it('begins its form with what npm start joins, and the token has the claims', async () => {
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await says('The answer is 200 OK.');
    await region('Groups').getByText(TEAM).waitFor();
    await region('Groups').getByText('sam', { exact: true }).waitFor();
    const command = await page.getByRole('region', { name: 'The same by curl' }).innerText();
    const [, payload = ''] = command.split('Bearer ')[1]?.split('.') ?? [];
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ sub: 'sam', ...CLAIMS });
  });

  it('shows no older answer for a join that waits, or that was not asked', async () => {
    const answer = region('Answer');
    await join('answered');
    await says('The answer is 200 OK.');
    await answer.getByText('"answered"').waitFor();
    // Which domain the function calls first depends on what failed before.
    for (const domain of [sandbox.im.primary, sandbox.im.backup]) domain.fault.set({ kind: 'delay', ms: 2000 });
    await join('slow');
    await page.locator('#answer').getByText('Asked. Waiting for the answer…').waitFor();
    expect(await answer.count()).toBe(0);
    await answer.getByText('"slow"').waitFor();
    await page.getByLabel('More claims for the token, as JSON').fill('{');
    await join('never');
    await page.locator('#answer').getByText('The claims are not JSON.').waitFor();
    await says('The claims are not JSON.');
    expect(await answer.count()).toBe(0);
  });

  it('names the checks that it shortens, for the keyboard too', async () => {
    await join('checked');
    const more = call('checked').locator('summary').first();
    await more.focus();
    await page.keyboard.press('Enter');
    await call('checked').getByText('Method, ').first().waitFor();
  });

  it('ends with its content, however long a list is', async () => {
    await page.setViewportSize({ width: 360, height: 700 });
    const token = await sandbox.issuer.token({ ...MEMBER, sub: 'many' });
    for (let i = 0; i < 31; i++) await sandbox.post(TEAM, { token });
    await expect.poll(() => call('many').count()).toBe(31);
    const rest =
      'document.documentElement.scrollHeight - document.querySelector("main").getBoundingClientRect().bottom';
    expect(await page.evaluate(rest)).toBeLessThan(1);
  });

  it('gives a command that runs as it is printed', async () => {
    await join('curled');
    await says('The answer is 200 OK.');
    const command = await page.getByRole('region', { name: 'The same by curl' }).innerText();
    const { stdout } = await promisify(execFile)('sh', ['-c', command]);
    expect(stdout).toContain('HTTP/1.1 200 OK');
    expect(stdout).toContain('"joined":["curled"]');
  });

  it('lets a person join by the keyboard alone', async () => {
    // Group, and users.
    for (let i = 0; i < 2; i++) await page.keyboard.press('Tab');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('keyboarder');
    // Who asks, when, more with its two fields, and the button.
    for (let i = 0; i < 2; i++) await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    for (let i = 0; i < 6; i++) {
      const at = await page.evaluate('document.activeElement.textContent');
      if (at === 'Join') break;
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await says('The answer is 202 Accepted.');
    await region('Groups').getByText('keyboarder').waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Join');
  });

  it('has nothing that keeps people out, in light and in dark, at any width', async () => {
    await page.getByRole('button', { name: 'Make unknown' }).click();
    await says('mallory is unknown to RongCloud.');
    await join('mallory');
    await says('The answer is 422');
    await fault('RongCloud, backup').getByRole('button', { name: 'Break' }).click();
    await says('RongCloud, backup is broken.');
    await join('looked-at');
    await says('The answer is 200 OK.');
    for (const user of ['mallory', 'looked-at']) await call(user).waitFor();
    sandbox.deadLetterQueue.send('{}', { code: { DataType: 'String', StringValue: 'INVALID_REQUEST' } });
    await region('Dead letters').getByRole('button', { name: 'Put back' }).waitFor();
    await page.evaluate('for (const details of document.querySelectorAll("details")) details.open = true');
    await page.evaluate(axe.source);
    for (const width of [1400, 390, 360]) {
      await page.setViewportSize({ width, height: 800 });
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        // Every rule runs. To describe each element that passes would take three times as long.
        const found: axe.AxeResults = await page.evaluate('axe.run({ resultTypes: ["violations"] })');
        const faults = found.violations.map(({ id, nodes }) => `${id} ${nodes.map(({ target }) => target).join(' ')}`);
        expect(faults, `${colorScheme}, ${width} pixels wide`).toEqual([]);
        expect(found.passes.length).toBeGreaterThan(20);
      }
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      expect(await page.evaluate(CUT), `cut at ${width} pixels`).toEqual([]);
    }
    sandbox.deadLetterQueue.purge();
  });
});
