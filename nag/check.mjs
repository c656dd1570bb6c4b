import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Stack } from 'aws-cdk-lib';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { AwsSolutionsChecks } from 'cdk-nag';

// Packages prod, and checks its template with cdk-nag's pack AwsSolutions. Fails if there is a finding that
// docs/decisions/nag.md does not except, or an exception without a finding.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SERVERLESS = join(ROOT, 'node_modules/serverless/bin/serverless.js');
const EXCEPTIONS = 'docs/decisions/nag.md';
/** What every stage must have, and all that may be found. These win over what stages.yml says of prod. */
const VALUES = ['dataCenter=singapore', 'jwtIssuer=https://issuer.example', 'jwtAudience=api', 'tracing=Active'];

const folder = mkdtempSync(join(tmpdir(), 'nag-'));
try {
  const flags = ['package', '--stage', 'prod', '--package', folder, ...VALUES.map((value) => `--param=${value}`)];
  execFileSync(process.execPath, [SERVERLESS, ...flags], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  const found = findings(join(folder, 'cloudformation-template-update-stack.json'));
  const excepted = exceptions(readFileSync(join(ROOT, EXCEPTIONS), 'utf8'));
  const problems = [
    ...found.filter((finding) => !excepted.includes(finding)).map((finding) => `Found, and not excepted: ${finding}`),
    ...excepted.filter((one) => !found.includes(one)).map((one) => `Excepted, and not found: ${one}`),
  ];
  console.log(`${found.length} findings, ${excepted.length} exceptions in ${EXCEPTIONS}`);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true });
}

/** Each as a rule and the logical id of what breaks it. */
function findings(templateFile) {
  const app = new App();
  new CfnInclude(new Stack(app, 'Stack'), 'Template', { templateFile });
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath.split('/').at(-1)}`),
  );
}

/** The rows of the table, which begin with a rule and a logical id. */
function exceptions(page) {
  return [...page.matchAll(/^\| `(AwsSolutions-[^`]+)` \| `(\w+)` \| /gm)].map(([, rule, id]) => `${rule} ${id}`);
}
