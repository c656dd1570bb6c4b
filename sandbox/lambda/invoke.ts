import { randomUUID } from 'node:crypto';
import type http from 'node:http';
import { forward, type Target } from '../http/forward.ts';
import { type LocalServer, listen, readBody, sendJson } from '../http/server.ts';
import type { EventSourceMappings } from './event-source-mappings.ts';

const INVOCATIONS = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MAX_BYTES = 6 * 1024 * 1024;
const MAX_EVENT_BYTES = 1024 * 1024;

/** Where serverless-offline's own Invoke is, and the functions that it has. */
export interface InvokeTarget extends Target {
  functionNames: readonly string[];
  mappings: EventSourceMappings;
  /** Gets the record of an asynchronous invocation that failed. */
  onFailure: (record: object) => void;
  /** Gets the problem that a function threw. */
  onProblem: (body: string) => void;
  /** Told of what no function has logged. */
  onTrouble: (line: string) => void;
}

/**
 * A front that makes serverless-offline answer as Lambda's Invoke does where the two differ: functions are also
 * found by ARN, a function error has its own type and no stack, an asynchronous failure does not end the process, a
 * dry run runs nothing, a payload that is not JSON is a 400, and one that is too large a 413. It also lists and switches event source mappings.
 */
export function startLambdaInvoke(port: number, target: () => InvokeTarget): Promise<LocalServer> {
  return listen(port, async (request, response) => {
    const { functionNames, mappings, onFailure, onProblem, onTrouble, ...server } = target();
    if (await mappings.serve(request, response)) return undefined;
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const reference = INVOCATIONS.exec(pathname)?.[1];
    if (reference === undefined || request.method !== 'POST') {
      return lambdaError(response, 404, 'ResourceNotFoundException', 'No such operation.');
    }
    const name = functionName(decodeURIComponent(reference));
    if (!functionNames.includes(name)) {
      return lambdaError(response, 404, 'ResourceNotFoundException', `Function not found: ${name}`);
    }
    const body = await readBody(request);
    if (!isJson(body)) {
      return lambdaError(response, 400, 'InvalidRequestContentException', 'Could not parse request body into json.');
    }
    const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
    const maxBytes = type === 'Event' ? MAX_EVENT_BYTES : MAX_BYTES;
    if (body.length > maxBytes) {
      return lambdaError(response, 413, 'RequestTooLargeException', `A payload may have ${maxBytes} bytes.`);
    }
    const invoked = () =>
      invoke(server, name, body).then((result) => {
        if (result.failed && hasProblem(result.payload)) onProblem(JSON.parse(result.payload).errorMessage);
        else if (result.failed) onTrouble(`The function ${name} failed: ${result.reason}`);
        return result;
      });
    const unreachable = (error: unknown) => onTrouble(`The function ${name} can't be reached: ${error}`);
    switch (type) {
      case 'DryRun':
        response.writeHead(204).end();
        return;
      case 'Event':
        invoked()
          .then(({ failed, payload }) => failed && onFailure(toFailureRecord(name, body, payload)))
          .catch(unreachable);
        response.writeHead(202).end();
        return;
      case 'RequestResponse': {
        const result = await invoked().catch(unreachable);
        if (result) response.writeHead(200, result.headers).end(result.payload);
        else lambdaError(response, 500, 'ServiceException', 'The function can not be reached.');
        return;
      }
      default:
        lambdaError(response, 400, 'InvalidParameterValueException', 'No such invocation type.');
    }
  });
}

/** The name in a name, a partial ARN or an ARN, each with or without a qualifier. */
function functionName(reference: string): string {
  const parts = reference.split(':');
  const marker = parts.indexOf('function');
  return (marker >= 0 ? parts[marker + 1] : parts[0]) ?? '';
}

export interface Invoked {
  headers: http.OutgoingHttpHeaders;
  payload: string;
  failed: boolean;
  /** What a failed function threw, and where. */
  reason?: string;
}

/** Invokes a function of serverless-offline and waits for its end. */
export async function invoke(server: Target, name: string, body: Buffer): Promise<Invoked> {
  const path = `/2015-03-31/functions/${name}/invocations`;
  const answer = await forward({ ...server, path, method: 'POST', headers: {}, body });
  const text = answer.body.toString('utf8');
  const headers = { 'Content-Type': 'application/json', 'X-Amz-Executed-Version': '$LATEST' };
  if (answer.headers['x-amz-function-error'] === undefined) return { headers, payload: text, failed: false };
  const { errorMessage, trace } = JSON.parse(text);
  const payload = JSON.stringify(functionError(errorMessage));
  const reason = `${errorMessage}${placeIn(trace)}`;
  return { headers: { ...headers, 'X-Amz-Function-Error': 'Unhandled' }, payload, failed: true, reason };
}

/** The first place of this project in a stack, as far as there is one. */
export function placeIn(stack: unknown): string {
  const frames: unknown[] = Array.isArray(stack) ? stack : [];
  const frame = frames.map(String).find((line) => line.includes('dist/'));
  return frame === undefined ? '' : ` ${frame.trim()}`;
}

/** What a failure destination gets (Lambda's guide, "Capturing records of asynchronous invocations"). */
function toFailureRecord(name: string, event: Buffer, payload: string): object {
  return {
    version: '1.0',
    timestamp: new Date().toISOString(),
    requestContext: {
      requestId: randomUUID(),
      functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}:$LATEST`,
      condition: 'RetriesExhausted',
      approximateInvokeCount: 1,
    },
    requestPayload: event.length > 0 ? JSON.parse(event.toString('utf8')) : {},
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: JSON.parse(payload),
  };
}

/** What Lambda would say of a thrown error: serverless-offline loses its name, which the message's problem repeats. */
function functionError(errorMessage: string): object {
  try {
    return { errorType: JSON.parse(errorMessage).code, errorMessage, trace: [] };
  } catch {
    return { errorType: 'Error', errorMessage, trace: [] };
  }
}

/** Whether a function error is one of the service's own, which its function has logged. */
function hasProblem(payload: string): boolean {
  return JSON.parse(payload).errorType !== 'Error';
}

function isJson(body: Buffer): boolean {
  if (body.length === 0) return true;
  try {
    JSON.parse(body.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

function lambdaError(response: http.ServerResponse, status: number, type: string, message: string): void {
  sendJson(response, status, { Type: 'User', Message: message }, { 'x-amzn-ErrorType': type });
}
