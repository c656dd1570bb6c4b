import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CAUSES } from '../../../lib/identity/authenticate.ts';
import { CLAIM_RULES, HEADER_RULES } from '../../../lib/identity/token-rules.ts';

const page = readFileSync(new URL('../../../docs/deployment.md', import.meta.url), 'utf8');

it('docs/deployment.md says what to do about every cause of a 401, and about no other', () => {
  const [, list = ''] = /\nEach `cause`, .+\n\n([\s\S]+?)\n\n/.exec(page) ?? [];
  // Each line is `- \`cause\`, \`cause\`: what to do`.
  const described = list
    .split(/^- /m)
    .flatMap((line) => [...(/^(?:`[^`]+`,? ?)+(?=:\s.{5})/.exec(line)?.[0] ?? '').matchAll(/`([^`]+)`/g)])
    .map(([, cause]) => cause);
  const rules = [...Object.values(HEADER_RULES), ...Object.values(CLAIM_RULES)];
  expect(described.toSorted()).toEqual([...rules.map(({ cause }) => cause), ...Object.values(CAUSES)].toSorted());
});
