/** Events that other sources and people hand to a function, by what they are. None is of an HTTP API, a join or a batch of SQS. */
export const FOREIGN_EVENTS: [name: string, event: unknown][] = [
  ["the console's test event", { key1: 'value1', key2: 'value2', key3: 'value3' }],
  [
    'a scheduled event',
    {
      version: '0',
      id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      resources: ['arn:aws:events:us-east-1:123456789012:rule/keep-warm'],
      detail: {},
    },
  ],
  [
    'an event of a REST API',
    {
      resource: '/groups/{groupId}/members',
      path: '/groups/g/members',
      httpMethod: 'POST',
      headers: { authorization: 'Bearer t', 'x-request-id': 'theirs' },
      multiValueHeaders: null,
      pathParameters: { groupId: 'g' },
      requestContext: { resourcePath: '/groups/{groupId}/members', httpMethod: 'POST', identity: {} },
      body: null,
      isBase64Encoded: false,
    },
  ],
  [
    'an event of a load balancer',
    {
      requestContext: {
        elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/g/1' },
      },
      httpMethod: 'POST',
      path: '/groups/g/members',
      headers: { authorization: 'Bearer t' },
      body: '',
      isBase64Encoded: false,
    },
  ],
  ['an event without its context', { headers: {}, pathParameters: { groupId: 'g' } }],
  ['a context that is null', { requestContext: null }],
  ['a context without HTTP', { requestContext: { http: null } }],
  ['an empty object', {}],
  ['a list', []],
  ['a list of records, as Pipes make it', [{ messageId: 'm1', body: '{}', attributes: {} }]],
  ['null', null],
  ['nothing', undefined],
  ['a text', 'text'],
  ['a number', 7],
  ['true', true],
];
