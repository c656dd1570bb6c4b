import { readFileSync } from 'node:fs';

// Prints, for `aws cloudformation create-change-set --cli-input-json`, how a stack that has only its bucket takes over the
// queues and logs that a removed one left: npx node tools/import-kept.ts "$JOIN_QUEUE_URL"
// It reads what `npm run package` has written.

interface Resource {
  Type: string;
  DeletionPolicy?: string;
  Properties?: Record<string, unknown>;
}
interface Template {
  Resources: Record<string, Resource>;
}

const [queueUrl] = process.argv.slice(2);
if (!queueUrl?.startsWith('http')) {
  console.error('Which queues? npx node tools/import-kept.ts "$JOIN_QUEUE_URL"');
  process.exit(1);
}
const read = (step: string): Template =>
  JSON.parse(readFileSync(`.serverless/cloudformation-template-${step}-stack.json`, 'utf8'));

/** By what CloudFormation knows a resource that exists. All queues of an account and a region differ in their names alone. */
function identifierOf({ Type, Properties }: Resource): Record<string, string> | undefined {
  if (Type === 'AWS::Logs::LogGroup') return { LogGroupName: String(Properties?.LogGroupName) };
  if (Type === 'AWS::SQS::Queue') return { QueueUrl: new URL(String(Properties?.QueueName), queueUrl).href };
  // A version goes with its function, whatever its policy says.
  return undefined;
}

const bucket = read('create');
const kept = Object.entries(read('update').Resources).flatMap(([id, resource]) => {
  const identifier = resource.DeletionPolicy === 'RetainExceptOnCreate' ? identifierOf(resource) : undefined;
  return identifier ? [{ id, resource, identifier }] : [];
});
// An import may change nothing that the stack has, and no outputs.
const Resources = { ...bucket.Resources, ...Object.fromEntries(kept.map(({ id, resource }) => [id, resource])) };
const change = {
  TemplateBody: JSON.stringify({ ...bucket, Resources }),
  ResourcesToImport: kept.map(({ id, resource, identifier }) => {
    return { ResourceType: resource.Type, LogicalResourceId: id, ResourceIdentifier: identifier };
  }),
};
console.log(JSON.stringify(change, null, 2));
