import { randomUUID } from 'node:crypto';
import { applyFault, type FaultSwitch } from '../http/fault.ts';
import { type LocalServer, listen, readBody } from '../http/server.ts';
import type { AwsOperation } from './operation.ts';
import { queryCode, readQuery, writeQueryError, writeQueryOutput } from './sqs/query-protocol.ts';

/** Makes services fail, each named by what its operations' names begin with: `secretsmanager`. */
export type ServiceFaults = ReadonlyMap<string, FaultSwitch>;

/**
 * Serves AWS operations by their `X-Amz-Target` name, in the AWS JSON protocol that the SDKs speak, and SQS's in the
 * query protocol of older CLIs too. Signatures are not checked; the session's token goes to the operation.
 */
export function startAws(
  port: number,
  operations: Record<string, AwsOperation>,
  faults: ServiceFaults = new Map(),
): Promise<LocalServer> {
  const find = (name: string): AwsOperation =>
    Object.hasOwn(operations, name) && operations[name]
      ? operations[name]
      : () => ({ error: 'UnknownOperationException', message: `No such operation: ${name}` });
  return listen(port, async (request, response) => {
    const { 'content-type': type = '', 'x-amz-target': target, 'x-amz-security-token': token } = request.headers;
    const sessionToken = typeof token === 'string' ? token : undefined;
    const body = (await readBody(request)).toString('utf8');
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const connection = { origin: `http://${request.headers.host}`, gone: gone.signal };
    const how = faults.get(String(target).split('.')[0] ?? '')?.next();
    if (how && (await applyFault(how, response))) return;
    const send = (status: number, contentType: string, text: string, headers = {}): void => {
      response.writeHead(status, { 'Content-Type': contentType, 'x-amzn-RequestId': randomUUID(), ...headers });
      response.end(text);
    };
    if (target === undefined && type.startsWith('application/x-www-form-urlencoded')) {
      const { action, input } = readQuery(body);
      const result = await find(`AmazonSQS.${action}`)(input, sessionToken, connection);
      if ('output' in result) send(200, 'text/xml', writeQueryOutput(action, result.output));
      else send(400, 'text/xml', writeQueryError(queryCode(result.error), result.message));
      return;
    }
    const input = parseObject(body);
    const result = input
      ? await find(String(target))(input, sessionToken, connection)
      : { error: 'SerializationException', message: 'The body is not a JSON object.' };
    if ('output' in result) send(200, type, JSON.stringify(result.output));
    else {
      const error = JSON.stringify({ __type: result.error, message: result.message });
      // SQS's older name of an error, which clients prefer where they get it ("awsQueryCompatible" in SQS's model).
      const isSqs = target?.toString().startsWith('AmazonSQS.');
      send(400, type, error, isSqs && { 'x-amzn-query-error': `${queryCode(result.error)};Sender` });
    }
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
