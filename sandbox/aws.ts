import { randomUUID } from 'node:crypto';
import { readQuery, writeQueryError, writeQueryOutput } from './aws-query.ts';
import { type LocalServer, listen, readBody } from './http-server.ts';

/** One operation of an AWS service: input to output, or to a modeled error. */
export type AwsOperation = (
  input: Record<string, unknown>,
) => { output: Record<string, unknown> } | { error: string; message: string };

/**
 * Serves AWS operations by their `X-Amz-Target` name, in the AWS JSON protocol that the SDKs speak, and SQS's in the
 * query protocol of older CLIs too. Signatures are not checked.
 */
export function startAws(port: number, operations: Record<string, AwsOperation>): Promise<LocalServer> {
  const find = (name: string): AwsOperation =>
    Object.hasOwn(operations, name) && operations[name]
      ? operations[name]
      : () => ({ error: 'UnknownOperationException', message: `No such operation: ${name}` });
  return listen(port, async (request, response) => {
    const { 'content-type': type = '', 'x-amz-target': target } = request.headers;
    const body = (await readBody(request)).toString('utf8');
    const send = (status: number, contentType: string, text: string): void => {
      response.writeHead(status, { 'Content-Type': contentType, 'x-amzn-RequestId': randomUUID() });
      response.end(text);
    };
    if (target === undefined && type.startsWith('application/x-www-form-urlencoded')) {
      const { action, input } = readQuery(body);
      const result = find(`AmazonSQS.${action}`)(input);
      if ('output' in result) send(200, 'text/xml', writeQueryOutput(action, result.output));
      else send(400, 'text/xml', writeQueryError(result.error, result.message));
      return;
    }
    const input = parseObject(body);
    const result = input
      ? find(String(target))(input)
      : { error: 'SerializationException', message: 'The body is not a JSON object.' };
    if ('output' in result) send(200, type, JSON.stringify(result.output));
    else send(400, type, JSON.stringify({ __type: result.error, message: result.message }));
  });
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
