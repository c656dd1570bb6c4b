const { JOIN_ERROR_CODES } = require('../lib/errors.ts');
const names = require('../lib/telemetry/metric-names.json');

const SERVICE = '${self:service}-${sls:stage}';
const NAMESPACE = '${self:custom.metricsNamespace}';
const FUNCTION = '${self:service}-${sls:stage}-';
const QUEUE = '${self:service}-${sls:stage}-joins';

const atDoor = (name, door, stat) => [
  NAMESPACE,
  name,
  'service',
  SERVICE,
  'door',
  door,
  { label: `${name}, ${door}`, stat },
];
const doors = (name, stat = 'Sum') => ['http', 'invoke', 'queue'].map((door) => atDoor(name, door, stat));
const codes = (name) =>
  JOIN_ERROR_CODES.map((code) => [NAMESPACE, name, 'service', SERVICE, 'code', code, { label: code, stat: 'Sum' }]);
const lambda = (name, door, stat) => [
  'AWS/Lambda',
  name,
  'FunctionName',
  `${FUNCTION}${door}`,
  { label: `${door}, ${stat}`, stat },
];
const sqs = (name, queue, stat = 'Maximum') => ['AWS/SQS', name, 'QueueName', queue, { stat }];

/**
 * Three rows: callers, RongCloud, queue. Each widget answers one question. Three dashboards an account are free, of at most
 * 50 metrics each.
 * https://aws.amazon.com/cloudwatch/pricing/
 */
const ROWS = [
  [
    ['Users joined', doors(names.joinedUsers)],
    ['Failures by code', codes(names.failures)],
    ['Time to answer', ['http', 'invoke'].map((door) => lambda('Duration', door, 'p99'))],
  ],
  [
    ['Calls to RongCloud', doors(names.upstreamCalls)],
    ['Time of RongCloud', doors(names.upstreamLatency, 'p99')],
    ['Switches of the domain', doors(names.domainSwitch)],
    ['Stale secret and keys', [...doors(names.staleSecret), atDoor(names.staleKeys, 'http', 'Sum')]],
  ],
  [
    [
      'Messages waiting',
      [sqs('ApproximateNumberOfMessagesVisible', QUEUE), sqs('ApproximateNumberOfMessagesNotVisible', QUEUE)],
    ],
    ['Age of the oldest message', [atDoor(names.messageAge, 'queue', 'Maximum')]],
    [
      'Coalescing',
      [
        atDoor(names.queuedUsers, 'http', 'Sum'),
        atDoor(names.queueMessages, 'queue', 'Sum'),
        atDoor(names.usersPerCall, 'queue', 'Average'),
      ],
    ],
    [
      'Given up',
      [
        atDoor(names.deadLettered, 'queue', 'Sum'),
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

const DASHBOARD = {
  Type: 'AWS::CloudWatch::Dashboard',
  Properties: {
    // Dashboards are global, so each region's has a name of its own.
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-dashboard.html
    DashboardName: { 'Fn::Sub': `${SERVICE}-\${AWS::Region}` },
    DashboardBody: { 'Fn::Sub': JSON.stringify({ widgets }) },
  },
};

/** What the stage parameter `dashboard` asks for. */
module.exports = async ({ resolveVariable }) => ({
  Resources: (await resolveVariable('param:dashboard')) === 'yes' ? { Dashboard: DASHBOARD } : {},
});
module.exports.DASHBOARD = DASHBOARD;
