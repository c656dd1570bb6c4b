import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TemplateResource } from './cloudformation-schema.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVERLESS = join(ROOT, 'node_modules/serverless/bin/serverless.js');

export interface Template {
  Parameters: Record<string, { Default: string; AllowedPattern: string }>;
  Conditions: Record<string, unknown>;
  Resources: Record<string, TemplateResource>;
  Outputs: Record<string, { Value: unknown; Export?: { Name: string } }>;
}

/**
 * Packages a stage with no credentials and no home, and gives its CloudFormation template. One at a time: each run
 * empties and fills the same `.serverless/` before it moves its files.
 */
export async function packaged(stage: string, params: Record<string, string>): Promise<Template> {
  const folder = await mkdtemp(join(tmpdir(), 'package-'));
  try {
    const values = Object.entries(params).map(([name, value]) => `--param=${name}=${value}`);
    const flags = ['package', '--stage', stage, '--package', folder, ...values];
    await run(process.execPath, [SERVERLESS, ...flags], { cwd: ROOT, env: { HOME: folder } });
    return JSON.parse(await readFile(join(folder, 'cloudformation-template-update-stack.json'), 'utf8'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The logical ids of a type's resources. */
export function idsOf({ Resources }: Template, type: string): string[] {
  return Object.keys(Resources).filter((id) => Resources[id]?.Type === type);
}

/** A resource's properties, for a test to look into. */
export function propertiesOf({ Resources }: Template, id: string) {
  return Object(Resources[id]?.Properties);
}
