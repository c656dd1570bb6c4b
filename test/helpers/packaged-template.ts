import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SCHEMA_CACHE } from '../../sandbox/lambda/offline.ts';
import type { TemplateResource } from './cloudformation-schema.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVERLESS = join(ROOT, 'node_modules/serverless/bin/serverless.js');

export interface Template {
  Parameters?: Record<string, object>;
  Resources: Record<string, TemplateResource>;
  Outputs: Record<string, { Value: unknown; Export?: { Name: string } }>;
}

const SERVICE_NAME = 'rongcloud-group-join';

/** What no stage can do without. */
export const REQUIRED = { dataCenter: 'beijing', jwtIssuer: 'https://issuer.example', jwtAudience: 'api' };

export interface Package extends Template {
  /** The template of a new stack, which has the bucket alone. */
  first: Template;
  /** What Serverless Framework said. */
  said: string;
  /** What osls asks CloudFormation to watch while it deploys. */
  rollbackConfiguration: unknown;
  /** The names of the files that the package consists of. */
  files: string[];
  /** What Lambda is given. */
  zip: Buffer;
}

/**
 * Packages a stage with no credentials and no home, and gives its CloudFormation template: in a folder, or in a copy
 * whose stages set nothing.
 */
export async function packaged(
  stage: string,
  params: Record<string, string>,
  cwd?: string,
  flags: readonly string[] = [],
): Promise<Package> {
  if (cwd === undefined) return withCopy({}, (copy) => packaged(stage, params, copy, flags));
  const folder = await mkdtemp(join(tmpdir(), 'package-'));
  const read = async (file: string) => JSON.parse(await readFile(join(folder, file), 'utf8'));
  try {
    const env = { HOME: folder, DIST_IS_BUILT: 'yes' };
    const said = await serverless(['package', '--stage', stage, '--package', folder, ...flags], params, env, cwd);
    const first: Template = await read('cloudformation-template-create-stack.json');
    const template: Template = await read('cloudformation-template-update-stack.json');
    const { service } = await read('serverless-state.json');
    const { rollbackConfiguration } = service.provider;
    const zip = await readFile(join(folder, `${SERVICE_NAME}.zip`));
    return { ...template, first, said, rollbackConfiguration, files: await readdir(folder), zip };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What Serverless Framework says to a command that it is to refuse. */
export async function refusal(
  command: string,
  stage: string,
  params: Record<string, string>,
  cwd: string,
): Promise<string> {
  return serverless([command, '--stage', stage], params, { HOME: tmpdir() }, cwd).then(
    () => {
      throw new Error(`${command} took the stage ${stage}`);
    },
    ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
  );
}

/** What a project is packaged of. */
const PARTS = [
  ...['package.json', 'serverless.yml', 'resources'],
  ...['build.ts', 'notices.ts', 'functions', 'lib', 'dist'],
];

/** The real files are the user's, so that no test may depend on them. */
const UNSET = { 'stages.yml': '', 'policy.yml': '{}' };

/** Lets a test use a copy of the project whose stages set nothing, and that has other files at some places. */
export async function withCopy<T>(files: Record<string, string>, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'copy-'));
  try {
    for (const part of PARTS) await cp(join(ROOT, part), join(folder, part), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const [file, text] of Object.entries({ ...UNSET, ...files })) await writeFile(join(folder, file), text);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function serverless(
  flags: readonly string[],
  params: Record<string, string>,
  env: Record<string, string>,
  cwd: string,
): Promise<string> {
  const values = Object.entries(params).map(([name, value]) => `--param=${name}=${value}`);
  const { stdout, stderr } = await run(process.execPath, [SERVERLESS, ...flags, ...values], {
    cwd,
    env: { ...env, SLS_SCHEMA_CACHE_BASE_DIR: SCHEMA_CACHE },
  });
  return stdout + stderr;
}

/** The logical ids of a type's resources. */
export function idsOf({ Resources }: Template, type: string): string[] {
  return Object.keys(Resources).filter((id) => Resources[id]?.Type === type);
}

/** A resource's properties, for a test to look into. */
export function propertiesOf({ Resources }: Template, id: string) {
  return Object(Resources[id]?.Properties);
}
