import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(`${ROOT}${file}`, 'utf8');
const WORKFLOWS = globSync('.github/workflows/*.yml', { cwd: ROOT });
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found);

describe.each(WORKFLOWS)('%s', (file) => {
  const workflow = read(file);

  it('runs actions of exact commits, and says which version each is', () => {
    const actions = all(workflow, /uses: (.+)$/gm);
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('stores no key, and lets no input into a script', () => {
    expect(workflow).not.toMatch(/secrets\.|aws-(secret-)?access-key/);
    for (const script of all(workflow, /run: (.+)$/gm)) expect(script).not.toContain('${{');
  });

  it('runs scripts that there are', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'));
    for (const name of all(workflow, /npm run (\S+)/g)) expect(scripts).toHaveProperty([name]);
  });
});

it('a pull request is checked with what is run anywhere else', () => {
  const check = read('.github/workflows/check.yml');
  expect(check).toContain('\n  pull_request:\n');
  expect(check).toContain('run: bash .ci/run\n');
  expect(check).not.toContain('id-token');
});

it('a stage is packaged without the right to a token, and deployed with it, as it was packaged', () => {
  const { permissions, jobs } = parse(read('.github/workflows/deploy.yml'), { merge: true });
  expect(permissions).toEqual({ contents: 'read' });
  for (const right of ['permissions', 'environment']) expect(jobs.package).not.toHaveProperty(right);
  expect(jobs.deploy).toMatchObject({ needs: 'package', permissions: { contents: 'read', 'id-token': 'write' } });
  const runs = (job: { steps: { run?: string }[] }) => job.steps.flatMap(({ run }) => run ?? []);
  const flags = '-- --stage "$STAGE" --region "$REGION" --package packed';
  expect(runs(jobs.package)).toEqual(['npm ci', `npm run package ${flags}`]);
  expect(runs(jobs.deploy)).toEqual(['npm ci', `npm run deploy ${flags}`]);
});

it('new versions of every package folder wait', () => {
  const dependabot = read('.github/dependabot.yml');
  const folders = globSync(['package.json', '*/package.json'], { cwd: ROOT }).map((file) => dirname(`/${file}`));
  const [listed = ''] = all(dependabot, /directories: \[(.+)\]/g);
  expect(listed.split(', ').sort()).toEqual(folders.sort());
  const entries = dependabot.split('package-ecosystem').slice(1);
  for (const entry of entries) expect(entry).toContain('default-days: 7');
});
