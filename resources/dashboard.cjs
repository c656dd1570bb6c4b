const { JOIN_ERROR_CODES } = require('../lib/errors.ts');
const names = require('../lib/telemetry/metric-names.json');

const SERVICE = '${self:service}-${sls:stage}';
const NAMESPACE = '${self:custom.metricsNamespace}';
const FUNCTION = '${self:service}-${sls:stage}-';
const QUEUE = '${self:service}-${sls:stage}-joins';

const doors = (name, stat = 'Sum') =>
  ['http', 'invoke', 'queue'].map((door) => [
    NAMESPACE,
    name,
    'service',
    SERVICE,
    'door',
    door,
    { label: `${name}, ${door}`, stat },
  ]);
const codes = (name) =>
  JOIN_ERROR_CODES.map((code) => [NAMESPACE, name, 'service', SERVICE, 'code', code, { label: code, stat: 'Sum' }]);
const queueDoor = (name, stat) => [
  NAMESPACE,
  name,
  'service',
  SERVICE,
  'door',
  'queue',
  { label: `${name}, ${stat}`, stat },
];
const lambda = (name, door, stat) => [
  'AWS/Lambda',
  name,
  'FunctionName',
  `${FUNCTION}${door}`,
  { label: `${door}, ${stat}`, stat },
];
const sqs = (name, queue, stat = 'Maximum') => ['AWS/SQS', name, 'QueueName', queue, { stat }];

/** Three rows: callers, RongCloud, queue. Each widget answers one question. */
const ROWS = [
  [
    ['Users joined', doors(names.joinedUsers)],
    ['Failures by code', codes(names.failures)],
    [
      'Time to answer',
      [lambda('Duration', 'http', 'p50'), lambda('Duration', 'http', 'p99'), lambda('Duration', 'invoke', 'p99')],
    ],
  ],
  [
    ['Calls to RongCloud', [...doors(names.upstreamCalls), ...doors(names.rateRefusals)]],
    ['Time of RongCloud', [...doors(names.upstreamLatency, 'p50'), ...doors(names.upstreamLatency, 'p99')]],
    [
      'Retries and switches',
      [...doors(names.attempts, 'Maximum'), ...doors(names.domainSwitch), ...doors(names.retryBudgetExhausted)],
    ],
    [
      'Secret and keys',
      [names.secretRefresh, names.staleSecret, names.keyRefresh, names.staleKeys].flatMap((name) => doors(name)),
    ],
  ],
  [
    [
      'Messages waiting',
      [sqs('ApproximateNumberOfMessagesVisible', QUEUE), sqs('ApproximateNumberOfMessagesNotVisible', QUEUE)],
    ],
    [
      'Age of the oldest message',
      [sqs('ApproximateAgeOfOldestMessage', QUEUE), queueDoor(names.messageAge, 'Maximum')],
    ],
    [
      'Coalescing',
      [queueDoor(names.queueMessages, 'Sum'), queueDoor(names.usersPerCall, 'Average'), ...doors(names.queuedUsers)],
    ],
    [
      'Given up',
      [
        queueDoor(names.deadLettered, 'Sum'),
        sqs('ApproximateNumberOfMessagesVisible', `${QUEUE}-dead`),
        sqs('ApproximateNumberOfMessagesVisible', `${SERVICE}-failed-invocations`),
      ],
    ],
  ],
];

const HEIGHT = 6;
const widgets = ROWS.flatMap((row, y) =>
  row.map(([title, metrics], x) => ({
    type: 'metric',
    x: (24 / row.length) * x,
    y: y * HEIGHT,
    width: 24 / row.length,
    height: HEIGHT,
    properties: { title, metrics, region: '${AWS::Region}', period: 60, view: 'timeSeries' },
  })),
);

module.exports = {
  Resources: {
    Dashboard: {
      Type: 'AWS::CloudWatch::Dashboard',
      Properties: {
        // Dashboards are global, so each region's has a name of its own.
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-dashboard.html
        DashboardName: { 'Fn::Sub': `${SERVICE}-\${AWS::Region}` },
        DashboardBody: { 'Fn::Sub': JSON.stringify({ widgets }) },
      },
    },
  },
};
