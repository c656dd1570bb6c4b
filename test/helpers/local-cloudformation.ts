import { once } from 'node:events';
import { createServer } from 'node:http';
import { isDeepStrictEqual } from 'node:util';

interface StackTemplate {
  Resources: Record<string, { DeletionPolicy?: string }>;
  Outputs?: object;
}
interface Change {
  type: string;
  template: StackTemplate;
  imported: Map<string, { type: string; identifier: Record<string, string> }>;
}

/**
 * Of CloudFormation one stack and its change sets, which are carried out at once. It holds an import to AWS's rules:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html
 */
export async function startLocalCloudFormation() {
  const stack: { status?: string; template: StackTemplate; imported: Change['imported'] } = {
    template: { Resources: {} },
    imported: new Map(),
  };
  let change: Change | undefined;

  function answer(form: URLSearchParams): string | Error {
    const action = form.get('Action');
    const status = stack.status;
    switch (action) {
      case 'DescribeStacks': {
        // The CLI knows a stack that is yet to come by these words.
        if (!status) return new Error(`Stack with id ${form.get('StackName')} does not exist`);
        const fields = { StackName: form.get('StackName'), StackStatus: status, CreationTime: '2026-01-01T00:00:00Z' };
        return `<Stacks><member>${xml(fields)}</member></Stacks>`;
      }
      case 'CreateChangeSet': {
        const asked = changeOf(form);
        const fault = asked.type === 'IMPORT' ? importFault(stack.template, asked) : undefined;
        if (fault) return new Error(fault);
        change = asked;
        stack.status ??= 'REVIEW_IN_PROGRESS';
        return xml({ Id: 'change', StackId: 'stack' });
      }
      case 'DescribeChangeSet':
        return change ? xml({ Status: 'CREATE_COMPLETE' }) : new Error('ChangeSet does not exist');
      case 'ExecuteChangeSet': {
        if (!change) return new Error('ChangeSet does not exist');
        Object.assign(stack, { ...change, status: `${change.type}_COMPLETE` });
        return '';
      }
      default:
        return new Error(`no ${action} here`);
    }
  }

  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
    const said = answer(form);
    const action = form.get('Action');
    response.statusCode = said instanceof Error ? 400 : 200;
    response.end(
      said instanceof Error
        ? `<ErrorResponse><Error>${xml({ Code: 'ValidationError', Message: said.message })}</Error></ErrorResponse>`
        : `<${action}Response><${action}Result>${said}</${action}Result></${action}Response>`,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { stack, url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

const xml = (fields: Record<string, string | null>): string =>
  Object.entries(fields)
    .map(([name, text]) => `<${name}>${text}</${name}>`)
    .join('');

function changeOf(form: URLSearchParams): Change {
  const imported: Change['imported'] = new Map();
  const read = (key: string) => form.get(key) ?? '';
  for (let i = 1; form.has(`ResourcesToImport.member.${i}.LogicalResourceId`); i++) {
    const of = `ResourcesToImport.member.${i}`;
    const entry = `${of}.ResourceIdentifier.entry.1`;
    const identifier = { [read(`${entry}.key`)]: read(`${entry}.value`) };
    imported.set(read(`${of}.LogicalResourceId`), { type: read(`${of}.ResourceType`), identifier });
  }
  return { type: read('ChangeSetType'), template: JSON.parse(read('TemplateBody')), imported };
}

/** Why CloudFormation does not take an import. */
function importFault(before: StackTemplate, { template, imported }: Change): string | undefined {
  if (!isDeepStrictEqual(template.Outputs, before.Outputs)) return 'You cannot modify or add [Outputs]';
  const kept = Object.entries(template.Resources).filter(([id]) => !imported.has(id));
  if (!isDeepStrictEqual(Object.fromEntries(kept), before.Resources))
    return 'Only the resources to import may change the stack';
  for (const id of imported.keys()) {
    if (!template.Resources[id]?.DeletionPolicy) return `${id} has no DeletionPolicy`;
  }
  return undefined;
}
