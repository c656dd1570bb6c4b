import { randomUUID } from 'node:crypto';
import { readQuery, writeQueryError, writeQueryOutput } from './aws-query.ts';
import { type LocalServer, listen, readBody, sendJson } from './http-server.ts';

/** One operation of an AWS service: input, and the token of the caller's session, to output or to a modeled error. */
export type AwsOperation = (
  input: Record<string, unknown>,
  sessionToken?: string,
) => { output: Record<string, unknown> } | { error: string; message: string };

/** What people can look at: a path, and what is shown there. */
export type Views = Readonly<Record<string, () => unknown>>;

/** An operation for the callers of one session. What others are told says who that is. */
export function onlyFor(sessionToken: string, operation: AwsOperation, message: string): AwsOperation {
  return (input, given) =>
    given === sessionToken ? operation(input, given) : { error: 'AccessDeniedException', message };
}

/**
 * Serves AWS operations by their `X-Amz-Target` name, in the AWS JSON protocol that the SDKs speak, and SQS's in the
 * query protocol of older CLIs too, and views to a plain GET. Signatures are not checked; the session's token goes to
 * the operation.
 */
export function startAws(
  port: number,
  operations: Record<string, AwsOperation>,
  views: Views = {},
): Promise<LocalServer> {
  const find = (name: string): AwsOperation =>
    Object.hasOwn(operations, name) && operations[name]
      ? operations[name]
      : () => ({ error: 'UnknownOperationException', message: `No such operation: ${name}` });
  return listen(port, async (request, response) => {
    const view = request.method === 'GET' && request.url !== undefined ? views[request.url] : undefined;
    if (view) {
      sendJson(response, 200, view());
      return;
    }
    const { 'content-type': type = '', 'x-amz-target': target, 'x-amz-security-token': token } = request.headers;
    const sessionToken = typeof token === 'string' ? token : undefined;
    const body = (await readBody(request)).toString('utf8');
    const send = (status: number, contentType: string, text: string): void => {
      response.writeHead(status, { 'Content-Type': contentType, 'x-amzn-RequestId': randomUUID() });
      response.end(text);
    };
    if (target === undefined && type.startsWith('application/x-www-form-urlencoded')) {
      const { action, input } = readQuery(body);
      const result = find(`AmazonSQS.${action}`)(input, sessionToken);
      if ('output' in result) send(200, 'text/xml', writeQueryOutput(action, result.output));
      else send(400, 'text/xml', writeQueryError(result.error, result.message));
      return;
    }
    const input = parseObject(body);
    const result = input
      ? find(String(target))(input, sessionToken)
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
