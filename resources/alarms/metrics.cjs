const names = require('../../lib/telemetry/metric-names.json');

// Serverless resolves ${…} in what these files give, CloudFormation's own ${AWS::…} stay.
const SERVICE = '${self:service}-${sls:stage}';
const NAMESPACE = '${self:custom.metricsNamespace}';
const DOORS = ['http', 'invoke', 'queue'];

const ours = (name, dimensions, statistic = 'Sum') => ({
  namespace: NAMESPACE,
  name,
  dimensions: { service: SERVICE, ...dimensions },
  statistic,
});
const ofCode = (name, code, statistic) => ours(name, { code }, statistic);
const failures = (code) => ofCode(names.failures, code);
const atDoor = (name, door, statistic) => ours(name, { door }, statistic);
const byDoor = (name) => DOORS.map((door) => atDoor(name, door));
const lambda = (name, door, statistic = 'Sum') => ({
  namespace: 'AWS/Lambda',
  name,
  dimensions: { FunctionName: { Ref: `${door}LambdaFunction` } },
  statistic,
});
const sqs = (name, logicalId, statistic = 'Maximum') => ({
  namespace: 'AWS/SQS',
  name,
  dimensions: { QueueName: { 'Fn::GetAtt': [logicalId, 'QueueName'] } },
  statistic,
});
const api = (name) => ({
  namespace: 'AWS/ApiGateway',
  name,
  dimensions: { ApiId: { Ref: 'HttpApi' } },
  statistic: 'Sum',
});
/** What is counted in logs. Such a metric has no dimensions, so its namespace has the stage. */
const logged = (name) => ({ namespace: `${NAMESPACE}/${SERVICE}`, name, dimensions: {}, statistic: 'Sum' });

module.exports = { SERVICE, NAMESPACE, names, ofCode, failures, atDoor, byDoor, lambda, sqs, api, logged };
