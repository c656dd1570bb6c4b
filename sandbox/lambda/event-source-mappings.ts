import { randomUUID } from 'node:crypto';
import type http from 'node:http';
import { readBody, sendJson } from '../http/server.ts';

/** Lambda's own connection of a queue with a function, which can be switched off. */
export interface EventSourceMapping {
  functionName: string;
  queueArn: string;
  enabled: boolean;
}

const PATH = /^\/2015-03-31\/event-source-mappings\/?([\w-]*)$/;

/** Stands in for Lambda's ListEventSourceMappings, and for what UpdateEventSourceMapping does with `Enabled`. */
export class EventSourceMappings {
  readonly #mappings = new Map<string, EventSourceMapping>();

  add(mapping: EventSourceMapping): void {
    this.#mappings.set(randomUUID(), mapping);
  }

  /** Answers a request that is about mappings, and says whether it was. */
  async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<boolean> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const uuid = PATH.exec(pathname)?.[1];
    if (uuid === undefined) return false;
    if (request.method === 'GET' && uuid === '') {
      const wanted = searchParams.get('FunctionName');
      const found = [...this.#mappings].filter(([, { functionName }]) => wanted === null || functionName === wanted);
      sendJson(response, 200, { EventSourceMappings: found.map(([id, one]) => describe(id, one)) });
      return true;
    }
    const mapping = this.#mappings.get(uuid);
    if (request.method !== 'PUT' || !mapping) {
      const error = { Type: 'User', Message: 'The resource you requested does not exist.' };
      sendJson(response, 404, error, { 'x-amzn-ErrorType': 'ResourceNotFoundException' });
      return true;
    }
    const { Enabled: enabled }: { Enabled?: boolean } = JSON.parse((await readBody(request)).toString('utf8'));
    mapping.enabled = enabled ?? mapping.enabled;
    sendJson(response, 202, describe(uuid, mapping));
    return true;
  }
}

function describe(uuid: string, { functionName, queueArn, enabled }: EventSourceMapping) {
  return {
    UUID: uuid,
    EventSourceArn: queueArn,
    FunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
    State: enabled ? 'Enabled' : 'Disabled',
  };
}
