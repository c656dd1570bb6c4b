const { SERVICE } = require('./alarms/metrics.cjs');
const pages = require('./alarms/pages.cjs');
const tickets = require('./alarms/tickets.cjs');
const tags = require('./tags.cjs');

/** A data point a minute. */
const PERIOD_SECONDS = 60;

const notify = (condition, topic) => ({ 'Fn::If': [condition, [`\${param:${topic}}`], { Ref: 'AWS::NoValue' }] });

const stat = ({ namespace, name, dimensions, statistic }) => ({
  Metric: {
    Namespace: namespace,
    MetricName: name,
    Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
  },
  Period: PERIOD_SECONDS,
  Stat: statistic,
});

/** What is missing in a sum counts as 0 where another of its metrics has a value. */
const sumOf = (watches) => watches.map((_, i) => `m${i}`).join(' + ');

/**
 * An alarm: what it `watches`, as `m0`, `m1` and so on in its `expression` (their sum, unless it says otherwise), the
 * threshold (`above`, or `atMost`), how many data points must pass it `of` how many, and what to do.
 *
 * Metrics come late, and FILL would put its value in their place for good: no alarm uses it. A minute without data is
 * no breach, and a breach counts whenever it comes.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */
function toAlarm(name, { watches, expression, above, atMost, of: [breaches, periods], see = name, todo }, kind) {
  const single = watches.length === 1 && expression === undefined;
  const queries = watches.map((metric, i) => ({ Id: `m${i}`, ReturnData: single, MetricStat: stat(metric) }));
  const result = { Id: 'result', Label: name, ReturnData: true, Expression: expression ?? sumOf(watches) };
  const actions = kind === 'PAGE' ? notify('PagesNotify', 'alarmTopicArn') : notify('TicketsNotify', 'ticketTopicArn');
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
      AlarmActions: actions,
      OKActions: actions,
      Tags: tags,
    },
  };
}

const toAlarms = (alarms, kind) =>
  Object.entries(alarms).map(([name, alarm]) => [`${name}Alarm`, toAlarm(name, alarm, kind)]);

module.exports = {
  Resources: Object.fromEntries([...toAlarms(pages, 'PAGE'), ...toAlarms(tickets, 'TICKET')]),
};
