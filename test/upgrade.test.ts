import { execFileSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { packaged, propertiesOf, withCopy } from './helpers/packaged-template.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const page = read('docs/upgrade.md');
const [, yours = ''] = page.split(/^## What is yours$/m);
/** What docs/upgrade.md says is the user's: files, and folders with a slash at the end. */
const YOURS = [...yours.matchAll(/^- `(.+)`$/gm)].map(([, file = '']) => file);
const isYours = (file: string) => YOURS.some((one) => (one.endsWith('/') ? file.startsWith(one) : file === one));

const RULE = `import type { Caller } from './identity/caller.ts';
import type { JoinRequest } from './join/join-request.ts';
import { mayJoin } from './policy/tenants.ts';

export type Decision = { allowed: true } | { allowed: false; reason: string };

export function decide(caller: Caller, request: JoinRequest): Decision {
  return mayJoin(caller.claims.tenant, request.groupId) ? { allowed: true } : { allowed: false, reason: 'Not theirs.' };
}
`;
/** What a user changes and adds, for the stage, the rule and its test. */
const THEIRS: Record<string, string> = {
  'stages.yml': 'prod:\n  dataCenter: singapore\n  jwtIssuer: https://theirs.example\n  jwtAudience: theirs\n',
  'policy.yml': 'environment:\n  TENANTS: a,b\nstatements:\n',
  'lib/policy.ts': RULE,
  'lib/policy/tenants.ts': 'export const mayJoin = (tenant: unknown, id: string) => id.startsWith(String(tenant));\n',
  'test/lib/policy.test.ts': '// About the rule.\n',
  'test/lib/policy/tenants.test.ts': '// About its part.\n',
  'test/helpers/claims.ts': `${read('test/helpers/claims.ts')}\n// Ours.\n`,
};

describe('a new version', () => {
  it('is merged into a copy whose own files all changed, without a conflict', { timeout: 60_000 }, async () => {
    expect(Object.keys(THEIRS).filter((file) => !isYours(file))).toEqual([]);
    expect(YOURS.filter((one) => !Object.keys(THEIRS).some((file) => file.startsWith(one)))).toEqual([]);
    await withCopy({}, async (folder) => {
      const git = (...args: string[]) =>
        execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t.example', ...args], {
          cwd: folder,
          stdio: 'pipe',
        });
      const commit = (message: string) => {
        git('add', '-A');
        git('commit', '-qm', message);
      };
      const write = (file: string, text: string) => {
        cpSync(join(ROOT, 'LICENSE'), join(folder, file), { recursive: true });
        writeFileSync(join(folder, file), text);
      };
      git('init', '-q', '-b', 'main');
      writeFileSync(join(folder, '.git/info/exclude'), 'node_modules\ndist\n');
      for (const file of ['test/lib/policy.test.ts', 'test/helpers/claims.ts']) write(file, read(file));
      commit('Our first version');
      git('checkout', '-qb', 'upstream');
      // All that is ours changes, at its beginning and its end.
      const ours = globSync('**/*.{ts,cjs,yml}', { cwd: folder, exclude: ['node_modules', 'dist'] }).filter(
        (file) => !isYours(file),
      );
      const note = (file: string) => (file.endsWith('.yml') ? '# Changed.\n' : '// Changed.\n');
      for (const file of ours) {
        const text = readFileSync(join(folder, file), 'utf8').replace('memorySize: 512', 'memorySize: 1024');
        write(file, note(file) + text + note(file));
      }
      commit('Our next version');
      git('checkout', '-q', 'main');
      for (const [file, text] of Object.entries(THEIRS)) write(file, text);
      commit('Their own');
      git('merge', '-q', '--no-edit', 'upstream');
      // Gone back on and taken again, as the page prints it, it is whole.
      const tree = (revision: string) => String(git('rev-parse', `${revision}^{tree}`));
      const [, find = '', revert = ''] = /`git (log --merges -1)`[\s\S]+?`git (revert -m 1) MERGE`/.exec(page) ?? [];
      const merge = String(git(...find.split(' '), '--format=%H')).trim();
      git(...revert.split(' '), '--no-edit', merge);
      expect(tree('HEAD')).toBe(tree(`${merge}^`));
      expect(page).toContain('`git revert` the revert');
      git('revert', '--no-edit', 'HEAD');
      expect(tree('HEAD')).toBe(tree(merge));
      expect(ours.length).toBeGreaterThan(50);
      // What comes out of it holds both.
      const { Properties, variables, said } = await packaged('prod', {}, folder).then((template) => {
        const { Environment, ...rest } = propertiesOf(template, 'HttpLambdaFunction');
        return { Properties: rest, variables: Environment.Variables, said: template.said };
      });
      expect(Properties).toMatchObject({ MemorySize: 1024 });
      expect(variables).toMatchObject({ JWT_ISSUER: 'https://theirs.example', TENANTS: 'a,b' });
      // Their rule looks at no group that a token grants or the stage opens.
      expect(said).not.toContain('no user can join');
    });
  });

  it('has a place in the changelog, by the number that package.json has', () => {
    const { version }: { version: string } = JSON.parse(read('package.json'));
    expect(read('CHANGELOG.md')).toContain(`\n## ${version}\n`);
    expect(page).toContain(`\`v${version}\``);
  });
});
