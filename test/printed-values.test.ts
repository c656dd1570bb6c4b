import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGES = globSync(['*.md', 'docs/**/*.md', 'client/*.md'], { cwd: ROOT });
const read = (page: string): string => readFileSync(`${ROOT}${page}`, 'utf8');
/** What the shell gives by itself. */
const SHELLS_OWN = ['HOME', 'PATH', 'PWD'];

const blocksOf = (text: string): string[] =>
  [...text.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(([, , commands = '']) => commands);
const setIn = (text: string): string[] =>
  [...text.matchAll(/(?:^|[\s;(])([A-Za-z_]\w*)=|\b(?:for|read -rs?|read -r) ([A-Za-z_]\w*)/gm)].map(
    ([, one, other]) => one ?? other ?? '',
  );
const usedIn = (commands: string): string[] =>
  // What stands in single quotes is not the shell's.
  [...commands.replaceAll(/'[^']*'/g, '').matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name = '']) => name);

/** The variables of a page's commands that the page does not give, nor the page whose variables it says that it uses. */
function missingFrom(text: string, others: string): string[] {
  const before = /runbooks\.md#before-you-begin|^## Before you begin$/m.test(text) ? [...setIn(others), 'TOKEN'] : [];
  const given = new Set([...SHELLS_OWN, ...before, ...blocksOf(text).flatMap(setIn)]);
  const explained = new Set([...text.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name));
  return blocksOf(text)
    .flatMap(usedIn)
    .filter((name) => !given.has(name) && !explained.has(name));
}

/** Commands of AWS's that go to whatever region the shell happens to have. */
function withoutRegion(text: string): string[] {
  if (/runbooks\.md#before-you-begin|^## Before you begin$/m.test(text)) return [];
  return blocksOf(text)
    .flatMap((commands) => (/AWS_DEFAULT_REGION=/.test(commands) ? [] : commands.split('\n')))
    .filter((line) => /\baws [a-z]/.test(line) && !line.includes('--region '));
}

const VARIABLES = blocksOf(read('docs/runbooks.md')).slice(0, 1).join('\n');

it.each(PAGES)('%s prints no command that needs a value which the docs do not give', (page) => {
  expect(missingFrom(read(page), VARIABLES)).toEqual([]);
});

it.each(PAGES)('%s prints no command of AWS without its region', (page) => {
  expect(withoutRegion(read(page))).toEqual([]);
});

it('finds a value and a region that are missing', () => {
  const block = (commands: string) => `Text.\n\n\`\`\`sh\n${commands}\n\`\`\`\n`;
  const see = 'They use [these](runbooks.md#before-you-begin).\n\n';
  expect(missingFrom(block('aws sqs x --queue-url "$JOIN_QUEUE_URL" --y "$WHAT"'), VARIABLES)).toEqual([
    'JOIN_QUEUE_URL',
    'WHAT',
  ]);
  expect(missingFrom(`${see}${block('echo "$JOIN_QUEUE_URL" "$WHAT"')}`, VARIABLES)).toEqual(['WHAT']);
  expect(missingFrom(`Put it into \`WHAT\`.\n${block('echo "$WHAT"')}`, VARIABLES)).toEqual([]);
  expect(withoutRegion(block('aws sqs list-queues\naws sqs list-queues --region us-east-1'))).toEqual([
    'aws sqs list-queues',
  ]);
});
