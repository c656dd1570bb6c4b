/** An event of an API Gateway HTTP API (payload 2.0): of all that it holds, what tells it from others, and `parts`. */
export function httpEvent(parts: object = {}): object {
  return { requestContext: { http: { method: 'POST' } }, pathParameters: { groupId: 'g' }, headers: {}, ...parts };
}
