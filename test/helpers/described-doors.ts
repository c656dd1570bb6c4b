import { createHandler as createHttp } from '../../functions/http.ts';
import { createHandler as createInvoke } from '../../functions/invoke.ts';
import { expectDescribed, faultsOfSaid } from './openapi.ts';

/** The HTTP door. It fails if an answer is none that docs/openapi.yaml describes. */
export const createHttpHandler: typeof createHttp = (deps) => {
  const handler = createHttp(deps);
  return async (event, invocation) => {
    const answer = await handler(event, invocation);
    expectDescribedResult(answer);
    return answer;
  };
};

/** The Invoke door. It fails if what it answers or throws is nothing that docs/openapi.yaml describes. */
export const createInvokeHandler: typeof createInvoke = (deps) => {
  const handler = createInvoke(deps);
  return async (event, invocation) => {
    const result = await handler(event, invocation).catch((error: Error) => {
      expectDescribedError(error.name, error.message);
      throw error;
    });
    expectSaid('InvokeAnswer', result);
    return result;
  };
};

/** Fails unless what the HTTP function returned is an answer that docs/openapi.yaml describes. */
export function expectDescribedResult({ statusCode, headers, body }: Awaited<ReturnType<HttpHandler>>): void {
  expectDescribed({ status: statusCode, headers: Object.entries(headers ?? {}), body });
}

/** Fails unless a function error of the Invoke door is one that docs/openapi.yaml describes. */
export function expectDescribedError(errorType: unknown, errorMessage: string): void {
  const problem: unknown = JSON.parse(errorMessage);
  expectSaid('InvokeProblem', problem);
  const { code } = problem as { code: string };
  if (errorType !== code) throw new Error(`The error's type is ${errorType}, and its code ${code}.`);
}

/** Fails unless something that the service says has the form that docs/openapi.yaml describes. */
export function expectSaid(schema: string, value: unknown): void {
  const faults = faultsOfSaid(schema, value);
  if (faults.length > 0) throw new Error(`No ${schema}: ${faults.join(', ')}\n${JSON.stringify(value).slice(0, 2000)}`);
}

type HttpHandler = ReturnType<typeof createHttp>;
