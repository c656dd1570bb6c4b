import { readFileSync } from 'node:fs';

const FILE = new URL('../../policy.yml', import.meta.url);

/**
 * What the shell says to the app's own rule: the variables that policy.yml names, and where the SDK finds services of AWS
 * that this sandbox has no stand-in for.
 */
export function ruleEnvironment(): NodeJS.ProcessEnv {
  const named = new Set(readFileSync(FILE, 'utf8').match(/\w+/g));
  const isFor = (name: string): boolean => named.has(name) || name.startsWith('AWS_ENDPOINT_URL_');
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => isFor(name)));
}
