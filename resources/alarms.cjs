const names = require('../lib/telemetry/metric-names.json');
const tags = require('./tags.cjs');

// Serverless resolves ${…} in what this file gives, CloudFormation's own ${AWS::…} stay.
const SERVICE = '${self:service}-${sls:stage}';
const NAMESPACE = '${self:custom.metricsNamespace}';
const DOORS = ['http', 'invoke', 'queue'];

const ours = (name, dimensions, statistic = 'Sum') => ({
  namespace: NAMESPACE,
  name,
  dimensions: { service: SERVICE, ...dimensions },
  statistic,
});
const failures = (code) => ours(names.failures, { code });
const byDoor = (name) => DOORS.map((door) => ours(name, { door }));
const lambda = (name, logicalId, statistic = 'Sum') => ({
  namespace: 'AWS/Lambda',
  name,
  dimensions: { FunctionName: { Ref: logicalId } },
  statistic,
});
const sqs = (name, logicalId) => ({
  namespace: 'AWS/SQS',
  name,
  dimensions: { QueueName: { 'Fn::GetAtt': [logicalId, 'QueueName'] } },
  statistic: 'Maximum',
});

/**
 * Every alarm: what it watches (the sum of its metrics), above which threshold, over how many periods of how many
 * seconds, and what to do. `page` wakes somebody; the others can wait for the morning.
 */
const ALARMS = {
  Errors: {
    watches: [failures('INTERNAL'), lambda('Errors', 'HttpLambdaFunction'), lambda('Errors', 'QueueLambdaFunction')],
    above: 0,
    todo: 'A bug, or a function that could not start or ran out of time. Look at the error lines of the logs for the cause.',
  },
  CredentialsRefused: {
    page: true,
    watches: [failures('UPSTREAM_CREDENTIALS')],
    above: 0,
    periods: 2,
    todo: 'RongCloud refuses the App Key or the signature: no join succeeds. Compare the secret with the console of RongCloud.',
  },
  CredentialsUnavailable: {
    page: true,
    watches: [failures('CREDENTIALS_UNAVAILABLE')],
    above: 0,
    periods: 2,
    todo: 'The secret can not be read, or is malformed: no join succeeds. Look at the cause in the logs, then at the secret, its key and the role.',
  },
  Misconfigured: {
    page: true,
    watches: [failures('UPSTREAM_MISCONFIGURED')],
    above: 0,
    todo: 'RongCloud refuses this app until a person acts: locked, call restricted, service not enabled, wrong data centre. upstreamCode in the logs says which.',
  },
  UpstreamUnavailable: {
    watches: ['UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_UNREACHABLE', 'UPSTREAM_UNREADABLE'].map(failures),
    above: 5,
    periods: 3,
    todo: 'RongCloud fails on both domains. Nothing is lost on the queue; other callers are told to try again. Look at the status of RongCloud.',
  },
  IdentityUnavailable: {
    page: true,
    watches: [failures('IDENTITY_UNAVAILABLE')],
    above: 0,
    periods: 2,
    todo: 'The keys of the token issuer are out of reach and none are held: nobody gets in by HTTP. Look at the issuer and at JWKS_URI.',
  },
  RateRefusals: {
    watches: byDoor(names.rateRefusals),
    above: 10,
    periods: 3,
    todo: 'The doors together pass the 100 calls a second of RongCloud. Move bulk joins to the queue, or lower queueRate.',
  },
  DeadLetters: {
    watches: [sqs('ApproximateNumberOfMessagesVisible', 'JoinDeadLetterQueue')],
    above: 0,
    todo: 'Joins that can not succeed as they are wait for a person. Look at their attribute code, mend the reason, put them back.',
  },
  OldestMessage: {
    watches: [sqs('ApproximateAgeOfOldestMessage', 'JoinQueue')],
    above: 900,
    periods: 2,
    todo: 'The queue falls behind, or the same messages fail again and again. Look at the batch lines of the logs.',
  },
  FailedInvocations: {
    watches: [sqs('ApproximateNumberOfMessagesVisible', 'FailedInvocationQueue')],
    above: 0,
    todo: 'Asynchronous invocations that failed for good are kept with their events. Look at the reason, then replay them.',
  },
  Throttles: {
    watches: ['HttpLambdaFunction', 'InvokeLambdaFunction', 'QueueLambdaFunction'].map((id) => lambda('Throttles', id)),
    above: 0,
    periods: 3,
    todo: 'Lambda has no concurrency left for this service. Raise the limit of the account, or find who uses it up.',
  },
  SlowAnswers: {
    watches: [lambda('Duration', 'HttpLambdaFunction', 'p99')],
    above: 6000,
    periods: 3,
    todo: 'One in a hundred callers waits for over 6 seconds. Compare identityMs, secretMs and upstreamMs in the logs.',
  },
  UnauthenticatedFlood: {
    watches: [failures('UNAUTHENTICATED')],
    above: 600,
    periods: 2,
    todo: 'Strangers, or clients with tokens that are no good, use up the throttle that callers share. Find out which, and put a web ACL in front.',
  },
};

const stat = ({ namespace, name, dimensions, statistic }, seconds) => ({
  Metric: {
    Namespace: namespace,
    MetricName: name,
    Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
  },
  Period: seconds,
  Stat: statistic,
});

function toAlarm(name, { watches, above, periods = 1, seconds = 60, page = false, todo }) {
  const queries = watches.map((metric, i) => ({ Id: `m${i}`, ReturnData: false, MetricStat: stat(metric, seconds) }));
  const sum = {
    Id: 'sum',
    Label: name,
    ReturnData: true,
    Expression: watches.map((_, i) => `FILL(m${i}, 0)`).join(' + '),
  };
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: `${SERVICE}-${name}`,
      AlarmDescription: `${page ? 'PAGE. ' : ''}${todo} docs/operations.md has more under ${name}.`,
      Metrics: [...queries, sum],
      ComparisonOperator: 'GreaterThanThreshold',
      Threshold: above,
      EvaluationPeriods: periods,
      TreatMissingData: 'notBreaching',
      AlarmActions: { 'Fn::If': ['AlarmsNotify', ['${param:alarmTopicArn}'], { Ref: 'AWS::NoValue' }] },
      OKActions: { 'Fn::If': ['AlarmsNotify', ['${param:alarmTopicArn}'], { Ref: 'AWS::NoValue' }] },
      Tags: tags,
    },
  };
}

module.exports = {
  Resources: Object.fromEntries(Object.entries(ALARMS).map(([name, alarm]) => [`${name}Alarm`, toAlarm(name, alarm)])),
};
