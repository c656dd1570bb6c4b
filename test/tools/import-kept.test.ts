import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Package, packaged, REQUIRED, type Template } from '../helpers/packaged-template.ts';

const TOOL = fileURLToPath(new URL('../../tools/import-kept.ts', import.meta.url));
const SQS = 'https://sqs.us-east-1.amazonaws.com/123456789012';
const KEPT = {
  JoinQueue: { QueueUrl: `${SQS}/rongcloud-group-join-prod-joins` },
  JoinDeadLetterQueue: { QueueUrl: `${SQS}/rongcloud-group-join-prod-joins-dead` },
  FailedInvocationQueue: { QueueUrl: `${SQS}/rongcloud-group-join-prod-failed-invocations` },
  HttpLogGroup: { LogGroupName: '/aws/lambda/rongcloud-group-join-prod-http' },
  InvokeLogGroup: { LogGroupName: '/aws/lambda/rongcloud-group-join-prod-invoke' },
  QueueLogGroup: { LogGroupName: '/aws/lambda/rongcloud-group-join-prod-queue' },
  HttpApiLogGroup: { LogGroupName: '/aws/http-api/rongcloud-group-join-prod' },
};

interface Imported {
  ResourceType: string;
  LogicalResourceId: string;
  ResourceIdentifier: Record<string, string>;
}
let folder: string;
let prod: Package;
let change: { template: Template; imported: Imported[] };

const run = (...args: string[]) => spawnSync(process.execPath, [TOOL, ...args], { cwd: folder, encoding: 'utf8' });

beforeAll(async () => {
  prod = await packaged('prod', REQUIRED);
  folder = mkdtempSync(join(tmpdir(), 'import-'));
  mkdirSync(join(folder, '.serverless'));
  for (const [step, template] of Object.entries({ create: prod.first, update: prod }))
    writeFileSync(join(folder, `.serverless/cloudformation-template-${step}-stack.json`), JSON.stringify(template));
  const { TemplateBody, ResourcesToImport } = JSON.parse(run(KEPT.JoinQueue.QueueUrl).stdout);
  change = { template: JSON.parse(TemplateBody), imported: ResourcesToImport };
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the change that imports what a removed stack left', () => {
  it('names each queue and log group by what AWS knows it by', () => {
    const named = change.imported.map((one) => [one.LogicalResourceId, one.ResourceIdentifier]);
    expect(Object.fromEntries(named)).toEqual(KEPT);
    const specification = loadAwsServiceSpecSync();
    for (const { ResourceType, LogicalResourceId, ResourceIdentifier } of change.imported) {
      expect(prod.Resources[LogicalResourceId]?.Type).toBe(ResourceType);
      const [type] = specification.lookup('resource', 'cloudFormationType', 'equals', ResourceType);
      expect(Object.keys(ResourceIdentifier)).toEqual(type?.primaryIdentifier);
    }
  });

  it('has the stack as it is, and these alone as the next deployment has them', () => {
    const { Resources, ...rest } = change.template;
    const before = { ...prod.first.Resources };
    for (const id of Object.keys(KEPT)) Object.assign(before, { [id]: prod.Resources[id] });
    expect({ ...rest, Resources }).toEqual({ ...prod.first, Resources: before });
    expect(Object.keys(before)).toHaveLength(9);
  });

  it('leaves nothing whose name would stop that deployment', () => {
    const staying = Object.entries(prod.Resources).filter(
      ([, { DeletionPolicy, Type }]) => (DeletionPolicy ?? 'Delete') !== 'Delete' && Type !== 'AWS::Lambda::Version',
    );
    const imported = change.imported.map((one) => one.LogicalResourceId);
    expect(staying.map(([id]) => id).sort()).toEqual(imported.sort());
  });

  it('is refused without the queue', () => {
    expect(run()).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('JOIN_QUEUE_URL') });
  });
});
