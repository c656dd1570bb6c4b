import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import { ALARMS } from './helpers/alarms.ts';
import { schemaFaults } from './helpers/cloudformation-schema.ts';
import { idsOf, type Package, packaged, propertiesOf, REQUIRED, type Template } from './helpers/packaged-template.ts';

const load = createRequire(import.meta.url);
type Optional = (serverless: {
  resolveVariable: (name: string) => Promise<string>;
}) => Promise<Record<string, unknown>>;
const optional: Optional = load('../resources/optional.cjs');
const alarms: Optional = load('../resources/alarms.cjs');
const DOORS = ['Http', 'Invoke', 'Queue'];
const QUEUES = ['JoinQueue', 'JoinDeadLetterQueue', 'FailedInvocationQueue'];
const LOGS = ['HttpLogGroup', 'InvokeLogGroup', 'QueueLogGroup', 'HttpApiLogGroup'];
const ALARM = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:alarm-1';
/** What a deployment that uses everything sets. */
const SETTINGS = {
  secretId: 'my/secret',
  secretKmsKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/aaaaaaaa-1111-2222-3333-444444444444',
  dataKmsKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/dddddddd-1111-2222-3333-444444444444',
  ...REQUIRED,
  corsOrigins: 'https://a.example,https://b.example',
  corsHeaders: 'Tracestate,sentry-trace,Prefer',
  originSecret: '{{resolve:secretsmanager:origin:SecretString}}',
  alarmTopicArn: 'arn:aws:sns:us-east-1:000000000000:pages',
  ticketTopicArn: 'arn:aws:sns:us-east-1:000000000000:tickets',
  resultBus: 'arn:aws:events:us-east-1:000000000000:event-bus/results',
  httpConcurrency: '50',
  jwtGroupsClaim: 'groups',
  rollbackAlarmArns: `${ALARM},${ALARM}2`,
  rollbackMinutes: '10',
  tracing: 'Active',
};
/** The stage dev with what is required. */
let dev: Package;
/** The stage prod with everything set. */
let prod: Package;
/** The same in AWS China. */
let china: Package;
beforeAll(async () => {
  dev = await packaged('dev', REQUIRED);
  prod = await packaged('prod', SETTINGS);
  china = await packaged('prod', SETTINGS, undefined, ['--region', 'cn-northwest-1']);
});
const NOTHING = { Ref: 'AWS::NoValue' };
const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });

describe('the packaged template', () => {
  it('runs all doors on Node 24 and arm64 with their time limits', () => {
    const door = (name: string) => propertiesOf(dev, `${name}LambdaFunction`);
    expect(door('Http')).toMatchObject({ Handler: 'dist/http.handler', Timeout: 15 });
    expect(door('Invoke')).toMatchObject({ Handler: 'dist/invoke.handler', Timeout: 30 });
    expect(door('Queue')).toMatchObject({ Handler: 'dist/queue.handler', Timeout: 60 });
    for (const name of DOORS) expect(door(name)).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
  });

  it('has one route, throttled, with a log of its requests', () => {
    expect(propertiesOf(dev, 'HttpApiStage')).toMatchObject({
      DefaultRouteSettings: { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 50 },
      AccessLogSettings: { Format: expect.stringContaining('$context.requestId') },
    });
    const routes = idsOf(dev, 'AWS::ApiGatewayV2::Route').map((id) => propertiesOf(dev, id).RouteKey);
    expect(routes).toEqual(['POST /groups/{groupId}/members']);
  });

  it('encrypts its logs with the key of the stage if there is one', () => {
    for (const id of LOGS) {
      expect([propertiesOf(dev, id).KmsKeyId, propertiesOf(prod, id).KmsKeyId]).toEqual([
        NOTHING,
        SETTINGS.dataKmsKeyArn,
      ]);
    }
  });

  it('lets nobody make what is deployed public', () => {
    expect(propertiesOf(dev, 'ServerlessDeploymentBucket').PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
  });

  it('traces with X-Ray if the stage says so, and versions its functions', () => {
    const modeOf = (template: Template, door: string) =>
      propertiesOf(template, `${door}LambdaFunction`).TracingConfig.Mode;
    for (const door of DOORS) expect([modeOf(dev, door), modeOf(prod, door)]).toEqual(['PassThrough', 'Active']);
    expect(idsOf(dev, 'AWS::Lambda::Version')).toHaveLength(3);
  });

  it('keeps asynchronous invocations that failed for good, with their events', () => {
    const { DestinationConfig, MaximumRetryAttempts } = propertiesOf(dev, 'InvokeLambdaEvConf');
    expect(MaximumRetryAttempts).toBe(2);
    expect(DestinationConfig).toEqual({ OnFailure: { Destination: arnOf('FailedInvocationQueue') } });
  });

  it('keeps the queues and logs when the stack goes, but those that a failed deployment began with, and none of dev', () => {
    for (const id of [...QUEUES, ...LOGS]) {
      expect(dev.Resources[id]).toMatchObject({ DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' });
      expect(prod.Resources[id]).toMatchObject({
        DeletionPolicy: 'RetainExceptOnCreate',
        UpdateReplacePolicy: 'Retain',
      });
    }
  });

  it('keeps the logs of prod longer', () => {
    for (const id of LOGS) {
      expect(propertiesOf(dev, id).RetentionInDays).toBe(30);
      expect(propertiesOf(prod, id).RetentionInDays).toBe(90);
    }
  });

  it('tells other stacks its URL and the function to invoke', () => {
    expect(dev.Outputs.HttpApiUrl?.Export?.Name).toBe('sls-rongcloud-group-join-dev-HttpApiUrl');
    expect(dev.Outputs.InvokeFunctionArn).toEqual({
      Description: expect.any(String),
      Value: arnOf('InvokeLambdaFunction'),
      Export: { Name: 'rongcloud-group-join-dev-invoke-arn' },
    });
  });

  it('says that no user can join, unless the stage opens groups or knows which a token grants, or the rule asks for neither', () => {
    const notice = 'no user can join: neither jwtGroupsClaim nor openGroups is set';
    const rule = readFileSync(new URL('../lib/policy.ts', import.meta.url), 'utf8');
    expect(dev.said.includes(notice)).toBe(rule.includes('groupPatterns'));
    expect(prod.said).not.toContain(notice);
  });

  it('creates what the page on deployments lists, through services that its policy allows', () => {
    const page = readFileSync(new URL('../docs/deployment.md', import.meta.url), 'utf8');
    const listed = [...page.matchAll(/`(AWS::[\w:]+)`:\s(\d+)[;.]/g)].map(([, type, count]) => [type, Number(count)]);
    const types = [...new Set(Object.values(prod.Resources).map(({ Type }) => Type))].sort();
    expect(listed).toEqual(types.map((type) => [type, idsOf(prod, type).length]));
    const services: Record<string, string> = { apigatewayv2: 'apigateway' };
    const allowed = new Set([...page.matchAll(/^ +"(\w+):[\w*]+",?$/gm)].map(([, service]) => service));
    const used = types.map((type) => type.split('::')[1]?.toLowerCase() ?? '').map((one) => services[one] ?? one);
    expect([...allowed]).toEqual(expect.arrayContaining(used));
  });

  it('has no parameter that nothing refers to', () => {
    const idle = ({ Parameters = {}, ...template }: Template) => {
      const text = JSON.stringify(template);
      return Object.keys(Parameters).filter((name) => !text.includes(`{"Ref":"${name}"}`));
    };
    expect(idle({ ...dev, Parameters: { Idle: {}, HttpApi: {} } })).toEqual(['Idle']);
    for (const template of [dev, prod]) expect(idle(template)).toEqual([]);
  });

  it('says where it is, and what it consists of is there', () => {
    for (const file of ['rongcloud-group-join.zip', 'cloudformation-template-update-stack.json']) {
      expect(prod.said).toMatch(new RegExp(`(package is|template) \\S+/${file}[.,]\\n`));
      expect(prod.files).toContain(file);
    }
  });

  it('brings the licences of what is bundled', () => {
    // A zip has the names of its files as they are.
    expect(prod.zip.includes('dist/http.cjs')).toBe(true);
    expect(prod.zip.includes('dist/THIRD-PARTY-NOTICES')).toBe(true);
  });

  it('has every alarm and the dashboard, and notifies the topic of pages or that of tickets', () => {
    const ids = idsOf(prod, 'AWS::CloudWatch::Alarm');
    expect(ids).toEqual([...ALARMS.keys()].map((name) => `${name}Alarm`));
    expect(idsOf(prod, 'AWS::CloudWatch::Dashboard')).toHaveLength(1);
    for (const id of ids) {
      const page = propertiesOf(prod, id).AlarmDescription.startsWith('PAGE.');
      const topic = page ? SETTINGS.alarmTopicArn : SETTINGS.ticketTopicArn;
      expect(propertiesOf(prod, id)).toMatchObject({ AlarmActions: [topic], OKActions: [topic] });
    }
  });

  it('has no alarm, no dashboard, no count of 429s and nothing of X-Ray if the stage wants none of them', () => {
    const costly = ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::Dashboard', 'AWS::Logs::MetricFilter'];
    for (const type of costly) expect(idsOf(dev, type)).toEqual([]);
    expect(JSON.stringify(dev)).not.toContain('xray');
  });

  it('leaves out what the stage does not want, and has no Conditions', async () => {
    const values: Record<string, string> = { 'param:alarms': 'yes', 'self:provider.region': 'us-east-1' };
    const { Resources } = await alarms({ resolveVariable: async (name) => values[name] ?? '' });
    // Without a topic nobody is notified, without a bus no event is lost.
    expect(JSON.stringify(Resources)).not.toContain('AlarmActions');
    expect(Object.keys(Object(Resources))).not.toContain('LostEventsAlarm');
    for (const template of [dev, prod]) expect(template).not.toHaveProperty('Conditions');
    expect(JSON.stringify([dev, prod])).not.toContain('Fn::If');
  });

  it('names the dashboard for its region, since dashboards are global', () => {
    expect(propertiesOf(prod, 'Dashboard').DashboardName).toEqual({
      'Fn::Sub': 'rongcloud-group-join-prod-${AWS::Region}',
    });
  });

  it('tags its functions, queues, alarms and roles with the service and the stage', () => {
    const types = ['AWS::Lambda::Function', 'AWS::SQS::Queue', 'AWS::CloudWatch::Alarm', 'AWS::IAM::Role'];
    const ids = types.flatMap((type) => idsOf(prod, type));
    expect(ids.length).toBeGreaterThan(18);
    for (const id of ids) {
      expect(propertiesOf(prod, id).Tags).toEqual([
        { Key: 'service', Value: 'rongcloud-group-join' },
        { Key: 'stage', Value: 'prod' },
      ]);
    }
  });

  it('is undone while it is deployed if an alarm that is named fires, and needs none', () => {
    expect(prod.rollbackConfiguration).toEqual({
      RollbackTriggers: [ALARM, `${ALARM}2`].map((Arn) => ({ Arn, Type: 'AWS::CloudWatch::Alarm' })),
      MonitoringTimeInMinutes: 10,
    });
    expect(dev.rollbackConfiguration).toEqual({ RollbackTriggers: [], MonitoringTimeInMinutes: 0 });
  });

  it('counts what API Gateway turns away, where the alarms look for it', () => {
    const { LogGroupName, FilterPattern, MetricTransformations } = propertiesOf(prod, 'TooManyRequestsFilter');
    expect(LogGroupName).toEqual({ Ref: 'HttpApiLogGroup' });
    expect(FilterPattern).toBe('{ $.status = "429" }');
    expect(propertiesOf(dev, 'HttpApiStage').AccessLogSettings.Format).toContain('"status":"$context.status"');
    const [{ MetricNamespace, MetricName }] = MetricTransformations;
    const [watched] = propertiesOf(prod, 'TooManyRequestsAlarm').Metrics;
    expect(watched.MetricStat.Metric).toMatchObject({ Namespace: MetricNamespace, MetricName });
  });

  it("stands up to AWS's own resource schemas", () => {
    expect(schemaFaults(dev.Resources)).toEqual([]);
    expect(schemaFaults(prod.Resources)).toEqual([]);
    // The check itself finds what is wrong.
    const broken = {
      A: { Type: 'AWS::SQS::Kueue' },
      B: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeouts: 1 } },
      C: { Type: 'AWS::SQS::QueuePolicy', Properties: { Queues: ['q'] } },
      D: {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: { ComparisonOperator: 'x', EvaluationPeriods: 1, Metrics: [{ Ids: 'm' }] },
      },
    };
    expect(schemaFaults(broken)).toEqual([
      'A: unknown type AWS::SQS::Kueue',
      'B: unknown property VisibilityTimeouts',
      'C: missing property PolicyDocument',
      'D.Metrics[0]: unknown property Ids',
      'D.Metrics[0]: missing property Id',
    ]);
  });
});

describe('the package for AWS China', () => {
  it('holds nothing of X-Ray, and no metric that Lambda lacks there', () => {
    const lacked = /xray|TracingConfig|AsyncEvent/;
    expect(JSON.stringify(prod)).toMatch(lacked);
    expect(JSON.stringify(china)).not.toMatch(lacked);
  });

  it('has every alarm all the same, of what is left', () => {
    expect(idsOf(china, 'AWS::CloudWatch::Alarm')).toEqual(idsOf(prod, 'AWS::CloudWatch::Alarm'));
    const watched = (template: Template) => propertiesOf(template, 'LostInvocationsAlarm').Metrics;
    expect([watched(prod), watched(china)]).toMatchObject([
      [{ Id: 'm0' }, { Id: 'm1' }, { Id: 'result' }],
      [{ Id: 'm0', ReturnData: true, MetricStat: { Metric: { MetricName: 'DestinationDeliveryFailures' } } }],
    ]);
  });

  it('names no partition but its own, and no domain but those that services have in every partition', () => {
    const text = JSON.stringify(china.Resources);
    const given = Object.values(SETTINGS).flatMap((value) => value.split(','));
    const arns = [...text.matchAll(/"(arn:aws:[^"]+)"/g)].map(([, arn]) => arn);
    expect(arns.filter((arn) => !given.includes(arn ?? ''))).toEqual([]);
    const domains = new Set([...text.matchAll(/"([^"]+\.amazonaws\.com)"/g)].map(([, domain]) => domain));
    const roles = ['apigateway.amazonaws.com', 'lambda.amazonaws.com'];
    const keys = ['secretsmanager', 'sqs'].map((service) => `${service}.\${AWS::Region}.amazonaws.com`);
    expect([...domains].sort()).toEqual([...roles, ...keys].sort());
  });
});

const LINT = spawnSync('cfn-lint', ['--version']).status === 0;
describe.runIf(LINT)('cfn-lint', () => {
  const linted = (template: Template) => {
    const { Resources, Outputs } = template;
    const input = JSON.stringify({ Resources, Outputs });
    return spawnSync('cfn-lint', ['--non-zero-exit-code', 'error', '--format', 'parseable'], {
      input,
      encoding: 'utf8',
    });
  };

  it('finds no error in any package', { timeout: 180_000 }, () => {
    const wrong = { ...dev, Resources: { Queue: { Type: 'AWS::SQS::Queue', Properties: { DelaySeconds: '' } } } };
    expect(linted(wrong).stdout).toContain("'' is not of type 'integer'");
    for (const template of [dev, prod, china]) expect(linted(template)).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('what stages set', () => {
  it('limits the environments of the HTTP function, or not', () => {
    const limit = (template: Template) => propertiesOf(template, 'HttpLambdaFunction').ReservedConcurrentExecutions;
    expect([limit(dev), limit(prod)]).toEqual([NOTHING, 50]);
  });

  it('hands the HTTP door the secret of what stands in front', () => {
    const secretIn = (template: Template) =>
      propertiesOf(template, 'HttpLambdaFunction').Environment.Variables.ORIGIN_SECRET;
    expect(secretIn(dev)).toBe('');
    expect(secretIn(prod)).toBe(SETTINGS.originSecret);
  });

  it('lets no browser call unless it names origins, and lets one send the headers that it names besides ours', () => {
    const corsOf = (template: Template) => propertiesOf(template, 'HttpApi').CorsConfiguration;
    expect(corsOf(dev)).toEqual({ Ref: 'AWS::NoValue' });
    const ours = ['authorization', 'content-type', 'prefer', 'traceparent', 'x-request-id'];
    expect(corsOf(prod)).toEqual({
      AllowOrigins: ['https://a.example', 'https://b.example'],
      AllowMethods: ['POST'],
      AllowHeaders: [...ours, 'tracestate', 'sentry-trace'],
      ExposeHeaders: ['preference-applied', 'retry-after', 'www-authenticate', 'x-request-id'],
      MaxAge: 600,
    });
  });
});

describe('the roles', () => {
  const statementsOf = (template: Template, role: string): { Action?: unknown; Resource?: unknown }[] =>
    propertiesOf(template, role).Policies[0].PolicyDocument.Statement;
  const traces = ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'];

  it('are one for each function, with what it does and nothing else', () => {
    const secret = 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:my/secret-??????';
    const via = (service: string) => {
      const names = ['amazonaws.com', '${AWS::URLSuffix}'].map((suffix) => `${service}.\${AWS::Region}.${suffix}`);
      return { StringEquals: { 'kms:ViaService': names.map((name) => ({ 'Fn::Sub': name })) } };
    };
    const decrypts = {
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: SETTINGS.secretKmsKeyArn,
      Condition: via('secretsmanager'),
    };
    const usesKey = {
      Effect: 'Allow',
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource: SETTINGS.dataKmsKeyArn,
      Condition: via('sqs'),
    };
    const common = (log: string) => [
      { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: { 'Fn::Sub': secret } },
      decrypts,
      usesKey,
      { Effect: 'Allow', Action: traces, Resource: '*' },
      { Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: arnOf(log) },
    ];
    const sends = (queue: string) => ({ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: arnOf(queue) });
    const told = (bus: unknown) => ({ Effect: 'Allow', Action: 'events:PutEvents', Resource: bus });
    const reads = {
      Effect: 'Allow',
      Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'],
    };
    expect(idsOf(prod, 'AWS::IAM::Role')).toEqual(DOORS.map((door) => `${door}Role`));
    for (const door of DOORS) {
      expect(propertiesOf(prod, `${door}LambdaFunction`).Role).toEqual(arnOf(`${door}Role`));
      expect(propertiesOf(prod, `${door}Role`).Policies).toHaveLength(1);
    }
    expect(statementsOf(prod, 'HttpRole')).toEqual([...common('HttpLogGroup'), sends('JoinQueue')]);
    expect(statementsOf(prod, 'InvokeRole')).toEqual([...common('InvokeLogGroup'), sends('FailedInvocationQueue')]);
    expect(statementsOf(prod, 'QueueRole')).toEqual([
      ...common('QueueLogGroup'),
      { ...reads, Resource: arnOf('JoinQueue') },
      // What is left of a message goes back to the queue that it came from.
      { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: [arnOf('JoinDeadLetterQueue'), arnOf('JoinQueue')] },
      told(SETTINGS.resultBus),
    ]);
  });

  it('name the bus of results by its ARN, of this account and region unless it is another', async () => {
    const permission = async (bus: string) => (await optional({ resolveVariable: async () => bus })).tellResults;
    const own = 'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/my/bus';
    expect(await permission('my/bus')).toMatchObject({ Resource: { 'Fn::Sub': own } });
    expect(await permission(SETTINGS.resultBus)).toMatchObject({ Resource: SETTINGS.resultBus });
    expect(await permission('')).toEqual(NOTHING);
  });

  it('give a resource of * to what sends traces alone', () => {
    const statements = idsOf(prod, 'AWS::IAM::Role').flatMap((role) => statementsOf(prod, role));
    const wide = statements.filter(({ Resource }) => JSON.stringify(Resource ?? '').includes('"*"'));
    expect(wide.map(({ Action }) => Action)).toEqual([traces, traces, traces]);
    expect(JSON.stringify(statements)).not.toMatch(/"Action":"\*|:\*"/);
  });
});

describe('the queue', () => {
  const mapping = () => propertiesOf(dev, idsOf(dev, 'AWS::Lambda::EventSourceMapping')[0] ?? '');
  const timeout = () => propertiesOf(dev, 'QueueLambdaFunction').Timeout;
  const variables = (door: string) => propertiesOf(dev, `${door}LambdaFunction`).Environment.Variables;
  const rate = () => Number(variables('Queue').UPSTREAM_RATE);

  it("has a share of at most 50 of RongCloud's 100 calls a second, however many messages wait", () => {
    const share = mapping().ScalingConfig.MaximumConcurrency * rate();
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThanOrEqual(50);
  });

  it('sends a full batch of distinct groups within its time', () => {
    // One interval before the first call, a second for the last, six for sending messages and the answer.
    expect((mapping().BatchSize + 1) / rate() + 1 + 6).toBeLessThanOrEqual(timeout());
  });

  it('hides messages for six times the time of the function, and the window', () => {
    const { VisibilityTimeout } = propertiesOf(dev, 'JoinQueue');
    expect(VisibilityTimeout).toBeGreaterThanOrEqual(6 * timeout() + mapping().MaximumBatchingWindowInSeconds);
  });

  it('reports single messages, and gives those up that came back for a day', () => {
    expect(mapping().FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
    expect(mapping().EventSourceArn).toEqual(arnOf('JoinQueue'));
    const { VisibilityTimeout, RedrivePolicy } = propertiesOf(dev, 'JoinQueue');
    expect(RedrivePolicy).toEqual({
      deadLetterTargetArn: arnOf('JoinDeadLetterQueue'),
      maxReceiveCount: 240,
    });
    expect(RedrivePolicy.maxReceiveCount * VisibilityTimeout).toBeGreaterThanOrEqual(24 * 3600);
  });

  it('is known to those that use it', () => {
    expect(variables('Http')).toMatchObject({ JOIN_QUEUE_URL: { Ref: 'JoinQueue' } });
    expect(variables('Queue')).toMatchObject({
      JOIN_QUEUE_URL: { Ref: 'JoinQueue' },
      JOIN_DLQ_URL: { Ref: 'JoinDeadLetterQueue' },
    });
  });

  it.each(QUEUES)('%s keeps messages for 14 days, encrypted, and talks TLS alone', (id) => {
    expect(propertiesOf(prod, id)).toMatchObject({
      MessageRetentionPeriod: 14 * 24 * 3600,
      SqsManagedSseEnabled: NOTHING,
      KmsMasterKeyId: SETTINGS.dataKmsKeyArn,
    });
    expect(propertiesOf(dev, id)).toMatchObject({ SqsManagedSseEnabled: true, KmsMasterKeyId: NOTHING });
    expect(propertiesOf(dev, id)).not.toHaveProperty('FifoQueue');
    const { Queues, PolicyDocument } = propertiesOf(dev, `${id}Policy`);
    expect(Queues).toEqual([{ Ref: id }]);
    expect(PolicyDocument.Statement).toMatchObject([
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 'sqs:*',
        Resource: arnOf(id),
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ]);
  });
});
