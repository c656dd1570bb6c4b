import { execFileSync, spawn } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A block of shell commands of a page, as it is printed there. */
export interface PrintedBlock {
  page: string;
  heading: string;
  commands: string;
}

export function printedBlocks(page: string): PrintedBlock[] {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  return text.split(/^#+ /m).flatMap((part) => {
    const heading = part.split('\n', 1)[0] ?? '';
    return [...part.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(([, indent = '', commands = '']) => {
      return { page, heading, commands: commands.replaceAll(new RegExp(`^${indent}`, 'gm'), '') };
    });
  });
}

/** An AWS CLI of this machine. */
export interface AwsCli {
  path: string;
  version: string;
  /** Whether it knows what came in June 2023: 2.12 (or 1.27.150). */
  isCurrent: boolean;
}

/** The AWS CLIs on the PATH, one of each version. */
export function awsClis(): AwsCli[] {
  const places = new Set(['/usr/bin', ...(process.env.PATH ?? '').split(':')]);
  const clis = new Map<string, AwsCli>();
  for (const path of [...places].flatMap((place) => globSync(join(place, 'aws')))) {
    try {
      const version = /^aws-cli\/([\d.]+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1] ?? '';
      const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
      const isCurrent = major === 2 ? minor >= 12 : minor > 27 || (minor === 27 && patch >= 150);
      if (version && !clis.has(version)) clis.set(version, { path, version, isCurrent });
    } catch {
      // Something else of that name.
    }
  }
  return [...clis.values()];
}

export interface ShellResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** A shell in an empty folder, with one AWS CLI; the folder stays from run to run. */
export function createShell(cli: AwsCli, env: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'commands-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  // Without its progress, whatever goes to stderr is an error.
  writeFileSync(join(folder, '.curlrc'), 'silent\nshow-error\n');
  symlinkSync(cli.path, join(bin, 'aws'));
  const all = { PATH: `${bin}:${process.env.PATH}`, HOME: folder, LANG: 'C.UTF-8', AWS_PAGER: '', ...env };
  return {
    folder,
    run(commands: string, input = ''): Promise<ShellResult> {
      return new Promise((resolve) => {
        // Like a person's own shell: a command that fails does not end it.
        const child = spawn('bash', ['-c', commands], { cwd: folder, env: all });
        const result = { stdout: '', stderr: '' };
        for (const name of ['stdout', 'stderr'] as const) {
          child[name].on('data', (chunk) => {
            result[name] += chunk;
          });
        }
        child.on('close', (status) => resolve({ status, ...result }));
        child.stdin.on('error', () => {});
        child.stdin.end(input);
      });
    },
  };
}
