import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import { schemaFaults } from './helpers/cloudformation-schema.ts';
import { idsOf, type Package, packaged, propertiesOf, REQUIRED, type Template } from './helpers/packaged-template.ts';

const load = createRequire(import.meta.url);
const alarms: { Resources: object } = load('../resources/alarms.cjs');
const resultBus: (serverless: { resolveVariable: (name: string) => Promise<string> }) => Promise<{ arn: unknown }> =
  load('../resources/result-bus.cjs');
const DOORS = ['Http', 'Invoke', 'Queue'];
const QUEUES = ['JoinQueue', 'JoinDeadLetterQueue', 'FailedInvocationQueue'];
const LOGS = ['HttpLogGroup', 'InvokeLogGroup', 'QueueLogGroup', 'HttpApiLogGroup'];
const ALARM = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:alarm-1';
/** What a deployment that uses everything sets. */
const SETTINGS = {
  secretId: 'my/secret',
  secretKmsKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/k',
  dataKmsKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/d',
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
};
/** The stage dev with what is required. */
let dev: Package;
/** The stage prod with everything set. */
let prod: Package;
beforeAll(async () => {
  dev = await packaged('dev', REQUIRED);
  prod = await packaged('prod', SETTINGS);
});
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
    for (const id of LOGS) expect(propertiesOf(prod, id).KmsKeyId).toEqual(ownKey);
  });

  it('lets nobody make what is deployed public', () => {
    expect(propertiesOf(dev, 'ServerlessDeploymentBucket').PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
  });

  it('traces with X-Ray and versions its functions', () => {
    for (const door of DOORS) expect(propertiesOf(dev, `${door}LambdaFunction`).TracingConfig.Mode).toBe('Active');
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

  it('says that no user can join, unless the stage opens groups or knows which a token grants', () => {
    const notice = 'no user can join: neither jwtGroupsClaim nor openGroups is set';
    expect(dev.said).toContain(notice);
    expect(prod.said).not.toContain(notice);
  });

  it('creates what the page on deployments lists, through services that its policy allows', () => {
    const page = readFileSync(new URL('../docs/deployment.md', import.meta.url), 'utf8');
    const listed = [...page.matchAll(/^\| `(AWS::[\w:]+)` \| (\d+) \|/gm)].map(([, type, count]) => [
      type,
      Number(count),
    ]);
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

  it('has every alarm and the dashboard, and notifies the topic of pages or that of tickets if there is one', () => {
    const ids = idsOf(dev, 'AWS::CloudWatch::Alarm');
    expect(ids).toEqual(Object.keys(alarms.Resources));
    expect(idsOf(dev, 'AWS::CloudWatch::Dashboard')).toHaveLength(1);
    const notifying = (condition: string, topic: string) => {
      const actions = { 'Fn::If': [condition, [topic], { Ref: 'AWS::NoValue' }] };
      return { AlarmActions: actions, OKActions: actions };
    };
    for (const id of ids) {
      const page = propertiesOf(dev, id).AlarmDescription.startsWith('PAGE.');
      const condition = page ? 'PagesNotify' : 'TicketsNotify';
      expect(propertiesOf(dev, id)).toMatchObject(notifying(condition, ''));
      const topic = page ? SETTINGS.alarmTopicArn : SETTINGS.ticketTopicArn;
      expect(propertiesOf(prod, id)).toMatchObject(notifying(condition, topic));
    }
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
    const { LogGroupName, FilterPattern, MetricTransformations } = propertiesOf(dev, 'TooManyRequestsFilter');
    expect(LogGroupName).toEqual({ Ref: 'HttpApiLogGroup' });
    expect(FilterPattern).toBe('{ $.status = "429" }');
    expect(propertiesOf(dev, 'HttpApiStage').AccessLogSettings.Format).toContain('"status":"$context.status"');
    const [{ MetricNamespace, MetricName }] = MetricTransformations;
    const [watched] = propertiesOf(dev, 'TooManyRequestsAlarm').Metrics;
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

describe('what stages set', () => {
  it('makes the conditions true', () => {
    const set = (value: string) => ({ 'Fn::Not': [{ 'Fn::Equals': [value, ''] }] });
    const none = set('');
    expect(dev.Conditions).toEqual({
      PagesNotify: none,
      TicketsNotify: none,
      HttpIsCapped: none,
      ResultsAreTold: none,
      SecretHasOwnKey: none,
      DataHasOwnKey: none,
    });
    expect(prod.Conditions).toEqual({
      PagesNotify: set(SETTINGS.alarmTopicArn),
      TicketsNotify: set(SETTINGS.ticketTopicArn),
      HttpIsCapped: set(SETTINGS.httpConcurrency),
      ResultsAreTold: set(SETTINGS.resultBus),
      SecretHasOwnKey: set(SETTINGS.secretKmsKeyArn),
      DataHasOwnKey: set(SETTINGS.dataKmsKeyArn),
    });
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
      { 'Fn::If': ['SecretHasOwnKey', decrypts, { Ref: 'AWS::NoValue' }] },
      { 'Fn::If': ['DataHasOwnKey', usesKey, { Ref: 'AWS::NoValue' }] },
      { Effect: 'Allow', Action: traces, Resource: '*' },
      { Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: arnOf(log) },
    ];
    const sends = (queue: string) => ({ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: arnOf(queue) });
    const told = (bus: unknown) => {
      const puts = { Effect: 'Allow', Action: 'events:PutEvents', Resource: bus };
      return { 'Fn::If': ['ResultsAreTold', puts, { Ref: 'AWS::NoValue' }] };
    };
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
    const arnFor = async (bus: string) => (await resultBus({ resolveVariable: async () => bus })).arn;
    const own = 'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/my/bus';
    expect(await arnFor('my/bus')).toEqual({ 'Fn::Sub': own });
    expect(await arnFor(SETTINGS.resultBus)).toBe(SETTINGS.resultBus);
  });

  it('give a resource of * to what sends traces alone', () => {
    const statements = idsOf(dev, 'AWS::IAM::Role').flatMap((role) => statementsOf(dev, role));
    const wide = statements.filter(({ Resource }) => JSON.stringify(Resource ?? '').includes('"*"'));
    expect(wide.map(({ Action }) => Action)).toEqual([traces, traces, traces]);
    expect(JSON.stringify(statements)).not.toMatch(/"Action":"\*|:\*"/);
  });
});

const ownKey = { 'Fn::If': ['DataHasOwnKey', SETTINGS.dataKmsKeyArn, { Ref: 'AWS::NoValue' }] };

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
      // One of the two is set, whatever the stage says.
      SqsManagedSseEnabled: { 'Fn::If': ['DataHasOwnKey', { Ref: 'AWS::NoValue' }, true] },
      KmsMasterKeyId: ownKey,
    });
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
