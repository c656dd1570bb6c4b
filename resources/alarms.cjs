const { SERVICE, NAMESPACE } = require('./alarms/metrics.cjs');
const pages = require('./alarms/pages.cjs');
const tickets = require('./alarms/tickets.cjs');
const { CHINA } = require('./optional.cjs');
const tags = require('./tags.cjs');

const PERIOD_SECONDS = 60;

/**
 * Lambda of AWS China has no such metrics.
 * https://docs.amazonaws.cn/en_us/aws/latest/userguide/lambda.html
 */
const CHINA_LACKS = ['AsyncEventsDropped'];

const stat = ({ namespace, name, dimensions, statistic }, minutes) => ({
  Metric: {
    Namespace: namespace,
    MetricName: name,
    Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
  },
  Period: minutes * PERIOD_SECONDS,
  Stat: statistic,
});

/** What is missing in a sum counts as 0 where another of its metrics has a value. */
const sumOf = (watches) => watches.map((_, i) => `m${i}`).join(' + ');

/**
 * An alarm: what it `watches`, as `m0`, `m1` and so on in its `expression` (their sum, unless it says otherwise), the
 * threshold (`above`, or `atMost`), how many data points must pass it `of` how many, how many `minutes` make a data point
 * (one, unless it says otherwise), and what to do.
 *
 * Metrics come late, and FILL would put its value in their place for good: no alarm uses it. A minute without data is
 * no breach, and a breach counts whenever it comes.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */
function toAlarm(name, { watches, expression, above, atMost, minutes = 1, of, see = name, todo }, kind, topic) {
  const [breaches, periods] = of;
  const single = watches.length === 1 && expression === undefined;
  const queries = watches.map((metric, i) => ({ Id: `m${i}`, ReturnData: single, MetricStat: stat(metric, minutes) }));
  const result = { Id: 'result', Label: name, ReturnData: true, Expression: expression ?? sumOf(watches) };
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: `${SERVICE}-${name}`,
      AlarmDescription: `${kind}. ${todo} docs/operations.md has more under ${see}.`,
      Metrics: single ? queries : [...queries, result],
      ComparisonOperator: above === undefined ? 'LessThanOrEqualToThreshold' : 'GreaterThanThreshold',
      Threshold: above ?? atMost,
      DatapointsToAlarm: breaches,
      EvaluationPeriods: periods,
      TreatMissingData: 'notBreaching',
      ...(topic !== '' && { AlarmActions: [topic], OKActions: [topic] }),
      Tags: tags,
    },
  };
}

/**
 * Counts in the access log what API Gateway turned away, since HTTP APIs have one metric for all 4xx. Under an extreme load
 * some of these lines are missing.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-monitor.html
 */
const TOO_MANY_REQUESTS = {
  Type: 'AWS::Logs::MetricFilter',
  Properties: {
    LogGroupName: { Ref: 'HttpApiLogGroup' },
    FilterPattern: '{ $.status = "429" }',
    MetricTransformations: [
      { MetricNamespace: `${NAMESPACE}/${SERVICE}`, MetricName: 'TooManyRequests', MetricValue: '1' },
    ],
  },
};

/** The alarms of a stage in a region, and the topics that they notify. An alarm whose metrics do not exist is left out. */
function alarmsOf({ alarmTopicArn, ticketTopicArn, resultBus, region }) {
  const toAlarms = (alarms, kind, topic) =>
    Object.entries(alarms).flatMap(([name, alarm]) => {
      if (alarm.needs === 'resultBus' && resultBus === '') return [];
      const lacked = CHINA.test(region) ? CHINA_LACKS : [];
      const watches = alarm.watches.filter((metric) => !lacked.includes(metric.name));
      return [[`${name}Alarm`, toAlarm(name, { ...alarm, watches }, kind, topic)]];
    });
  return Object.fromEntries([
    ...toAlarms(pages, 'PAGE', alarmTopicArn),
    ...toAlarms(tickets, 'TICKET', ticketTopicArn),
    ['TooManyRequestsFilter', TOO_MANY_REQUESTS],
  ]);
}

/** What the stage parameter `alarms` asks for. */
module.exports = async ({ resolveVariable }) => {
  const names = ['alarms', 'alarmTopicArn', 'ticketTopicArn', 'resultBus'];
  const values = await Promise.all(names.map((name) => resolveVariable(`param:${name}`)));
  const [alarms, alarmTopicArn, ticketTopicArn, resultBus] = values;
  const region = await resolveVariable('self:provider.region');
  return { Resources: alarms === 'yes' ? alarmsOf({ alarmTopicArn, ticketTopicArn, resultBus, region }) : {} };
};
module.exports.alarmsOf = alarmsOf;
