import type http from 'node:http';
import { forward } from './forward.ts';
import { type LocalServer, listen, readBody, sendJson } from './http-server.ts';

const INVOCATIONS = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

/**
 * A front that makes serverless-offline answer as Lambda's Invoke does where the two differ: functions are also
 * found by ARN, a function error has its own type and no stack, an asynchronous failure does not end the process,
 * and a payload that is not JSON is a 400.
 */
export function startLambdaInvoke(port: number, target: () => string): Promise<LocalServer> {
  return listen(port, async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const name = INVOCATIONS.exec(pathname)?.[1];
    if (name === undefined || request.method !== 'POST') {
      return lambdaError(response, 404, 'ResourceNotFoundException', 'No such operation.');
    }
    const body = await readBody(request);
    if (!isJson(body)) {
      return lambdaError(response, 400, 'InvalidRequestContentException', 'Could not parse request body into json.');
    }
    const invocation = invoke(
      `${target()}/2015-03-31/functions/${functionName(decodeURIComponent(name))}/invocations`,
      body,
    );
    const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
    if (type === 'Event') {
      invocation.catch(() => undefined);
      response.writeHead(202).end();
      return;
    }
    try {
      const { status, headers, payload } = await invocation;
      response.writeHead(status, headers).end(payload);
    } catch {
      lambdaError(response, 502, 'ServiceException', 'The function could not be reached.');
    }
  });
}

/** The name in a name, a partial ARN or an ARN, each with or without a qualifier. */
function functionName(reference: string): string {
  const parts = reference.split(':');
  const marker = parts.indexOf('function');
  return (marker >= 0 ? parts[marker + 1] : parts[0]) ?? '';
}

interface Invoked {
  status: number;
  headers: http.OutgoingHttpHeaders;
  payload: string;
}

async function invoke(url: string, body: Buffer): Promise<Invoked> {
  const answer = await forward({ url, method: 'POST', headers: {}, body });
  const text = answer.body.toString('utf8');
  const headers = { 'Content-Type': 'application/json', 'X-Amz-Executed-Version': '$LATEST' };
  const refused = answer.headers['x-amzn-errortype'];
  if (refused !== undefined)
    return { status: answer.status, headers: { ...headers, 'x-amzn-ErrorType': refused }, payload: text };
  if (answer.headers['x-amz-function-error'] === undefined) return { status: answer.status, headers, payload: text };
  const payload = JSON.stringify(functionError(text));
  return { status: 200, headers: { ...headers, 'X-Amz-Function-Error': 'Unhandled' }, payload };
}

/** What Lambda would say of a thrown error: serverless-offline loses its name, which the message's problem repeats. */
function functionError(text: string): object {
  const { errorMessage } = JSON.parse(text);
  try {
    return { errorType: JSON.parse(errorMessage).code, errorMessage, trace: [] };
  } catch {
    return { errorType: 'Error', errorMessage, trace: [] };
  }
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
