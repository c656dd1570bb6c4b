import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { ImService } from '../../sandbox/rongcloud/service.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/sandbox.ts';
import { expectDescribedError, expectSaid } from './described-doors.ts';
import { expectDescribed } from './openapi.ts';

/** A running sandbox, and its doors as a test uses them. */
export interface TestSandbox extends Sandbox {
  im: { primary: ImService; backup: ImService };
  /** Every line that the functions' process printed. */
  logs: string[];
  post(groupId: string, options?: PostOptions): Promise<PostResult>;
  invoke(
    event: unknown,
  ): Promise<{ functionError: string | undefined; payload: Record<string, unknown>; text: string }>;
}

export interface PostOptions {
  token?: string;
  body?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
}

export interface PostResult {
  status: number;
  headers: Headers;
  text: string;
  json: Record<string, unknown>;
}

export async function startTestSandbox(options: Partial<SandboxOptions> = {}): Promise<TestSandbox> {
  const logs: string[] = [];
  const sandbox = await startSandbox({ port: 0, onOutput: (line) => logs.push(line), ...options });
  const { im } = sandbox;
  if (!im) throw new Error('no stand-in IM service');
  const lambda = new LambdaClient({
    endpoint: sandbox.invokeUrl,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  return {
    ...sandbox,
    im,
    logs,
    async post(groupId, { token, body, headers = {} } = {}) {
      const response = await fetch(`${sandbox.httpUrl}/groups/${encodeURIComponent(groupId)}/members`, {
        method: 'POST',
        headers: {
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body }),
      });
      const text = await response.text();
      expectDescribed({ status: response.status, headers: response.headers, body: text });
      return { status: response.status, headers: response.headers, text, json: JSON.parse(text) };
    },
    async invoke(event) {
      const { FunctionError, Payload } = await lambda.send(
        new InvokeCommand({ FunctionName: sandbox.invokeFunctionName, Payload: JSON.stringify(event) }),
      );
      const text = Buffer.from(Payload ?? []).toString('utf8');
      const payload = JSON.parse(text);
      if (FunctionError) expectDescribedError(payload.errorType, payload.errorMessage);
      else expectSaid('InvokeAnswer', payload);
      return { functionError: FunctionError, payload, text };
    },
    async close() {
      lambda.destroy();
      await sandbox.close();
    },
  };
}
