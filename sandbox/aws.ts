import { randomUUID } from 'node:crypto';
import { type LocalServer, listen, readBody } from './http-server.ts';

/** One operation of an AWS service that speaks AWS JSON: input to output, or to a modeled error. */
export type AwsOperation = (
  input: Record<string, unknown>,
) => { output: Record<string, unknown> } | { error: string; message: string };

/**
 * Serves AWS operations in the AWS JSON protocol, as the SDKs and the AWS CLI speak it, by their
 * `X-Amz-Target` name. Signatures are not checked.
 */
export function startAws(port: number, operations: Record<string, AwsOperation>): Promise<LocalServer> {
  return listen(port, async (request, response) => {
    const target = String(request.headers['x-amz-target'] ?? '');
    const send = (status: number, body: object): void => {
      response.writeHead(status, {
        'Content-Type': request.headers['content-type'] ?? 'application/x-amz-json-1.1',
        'x-amzn-RequestId': randomUUID(),
      });
      response.end(JSON.stringify(body));
    };
    const operation = Object.hasOwn(operations, target) ? operations[target] : undefined;
    if (!operation) return send(400, { __type: 'UnknownOperationException', message: `No such operation: ${target}` });
    const input = parseObject((await readBody(request)).toString('utf8'));
    if (!input) return send(400, { __type: 'SerializationException', message: 'The body is not a JSON object.' });
    const result = operation(input);
    if ('output' in result) send(200, result.output);
    else send(400, { __type: result.error, message: result.message });
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
