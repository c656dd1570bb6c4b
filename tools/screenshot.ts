import { parseArgs } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { buildFunctions } from '../build.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { CHROMIUM } from './chromium.ts';

// Makes the picture of the console in the README: a failover, a refused request, a queued join and a dead letter.
// `npm run screenshot`, or with `-- --file x.png --width 360 --scheme dark` another one.
const { values } = parseArgs({
  options: {
    file: { type: 'string', default: 'docs/console.png' },
    width: { type: 'string', default: '1280' },
    scheme: { type: 'string', default: 'light' },
  },
});

if (!CHROMIUM) throw new Error('There is no Chromium here. Install it (apt-get install chromium) or set CHROMIUM.');
await buildFunctions();
const sandbox = await startSandbox({ port: Number(process.env.PORT || 4000) });
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-lcd-text', '--disable-font-subpixel-positioning'],
});
try {
  const page = await browser.newPage({
    viewport: { width: Number(values.width), height: 800 },
    colorScheme: values.scheme === 'dark' ? 'dark' : 'light',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  await page.goto(sandbox.consoleUrl);
  await play(page);
  await page.mouse.move(0, 0);
  await page.screenshot({ path: values.file, fullPage: true, animations: 'disabled' });
  console.log(`Wrote ${values.file}.`);
} finally {
  await browser.close();
  await sandbox.close();
}

async function play(page: Page): Promise<void> {
  const answer = (status: string) => page.getByRole('status').filter({ hasText: status }).waitFor();
  const join = async (user: string, when: string, status: string): Promise<void> => {
    await page.getByLabel('Users, by comma or line').fill(user);
    await page.getByRole('radio', { name: when, exact: true }).check();
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await answer(status);
  };
  await page.getByRole('radio', { name: 'A backend' }).check();
  await join('alice, bob, carol', 'Now', '200');
  await page.getByRole('form', { name: 'RongCloud, primary' }).getByRole('button', { name: 'Break' }).click();
  await answer('broken');
  await page.getByRole('radio', { name: 'The first user' }).check();
  await join('dave', 'Now', '200');
  await page.getByRole('form', { name: 'RongCloud, primary' }).getByRole('button', { name: 'Mend' }).click();
  await answer('works');
  await page.getByRole('button', { name: 'Make unknown' }).click();
  await answer('mallory');
  await join('mallory', 'Later, through the queue', '202');
  await page.getByRole('button', { name: 'Put back' }).waitFor();
  await page.getByRole('form', { name: 'RongCloud, primary' }).getByRole('button', { name: 'Break' }).click();
  await answer('broken');
  await page.getByRole('radio', { name: 'The first user' }).check();
  await join('erin, grace', 'Now', '403');
  await join('erin', 'Now', '200');
  await page.getByRole('region', { name: 'Groups' }).getByText('erin').waitFor();
  await join('frank', 'Later, through the queue', '202');
  await page.getByRole('region', { name: 'Queue' }).getByText('frank').waitFor();
}
