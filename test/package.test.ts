import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schemaFaults } from './helpers/cloudformation-schema.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

interface Template {
  Parameters: Record<string, { Default: string; AllowedPattern: string }>;
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  Outputs: Record<string, { Value: unknown; Export?: { Name: string } }>;
}

/** Packages with no credentials and no home, and gives the CloudFormation template. */
async function packaged(...params: string[]): Promise<Template> {
  const folder = await mkdtemp(join(tmpdir(), 'package-'));
  folders.push(folder);
  const flags = ['package', '--package', folder, ...params.map((param) => `--param=${param}`)];
  const serverless = join(ROOT, 'node_modules/serverless/bin/serverless.js');
  await run(process.execPath, [serverless, ...flags], { cwd: ROOT, env: { HOME: folder } });
  return JSON.parse(await readFile(join(folder, 'cloudformation-template-update-stack.json'), 'utf8'));
}

describe('the packaged template', () => {
  let defaults: Template;
  beforeAll(async () => {
    defaults = await packaged();
  });

  it('runs all doors on Node 24 and arm64 with their time limits', async () => {
    const { Resources } = defaults;
    const door = (name: string) => Resources[`${name}LambdaFunction`]?.Properties;
    expect(door('Http')).toMatchObject({ Handler: 'dist/http.handler', Timeout: 15 });
    expect(door('Invoke')).toMatchObject({ Handler: 'dist/invoke.handler', Timeout: 30 });
    expect(door('Queue')).toMatchObject({ Handler: 'dist/queue.handler', Timeout: 60 });
    for (const name of ['Http', 'Invoke', 'Queue']) {
      expect(door(name)).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
      expect(Resources[`${name}LogGroup`]?.Properties).toMatchObject({ RetentionInDays: 30 });
    }
    expect(Resources.HttpApiStage?.Properties).toMatchObject({
      DefaultRouteSettings: { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 50 },
      AccessLogSettings: { Format: expect.stringContaining('$context.requestId') },
    });
    const routes = Object.values(Resources).filter(({ Type }) => Type === 'AWS::ApiGatewayV2::Route');
    expect(routes.map(({ Properties }) => Properties.RouteKey)).toEqual(['POST /groups/{groupId}/members']);
  });

  it('gives each function a role of its own with what it does and nothing else', async () => {
    const { Resources } = await packaged('secretId=my/secret');
    const roles = Object.entries(Resources).filter(([, { Type }]) => Type === 'AWS::IAM::Role');
    expect(roles.map(([name]) => name)).toEqual(['HttpRole', 'InvokeRole', 'QueueRole']);
    const arnOf = (resource: string) => ({ 'Fn::GetAtt': [resource, 'Arn'] });
    const secret = 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:my/secret-??????';
    const common = (log: string) => [
      { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: { 'Fn::Sub': secret } },
      {
        'Fn::If': [
          'SecretHasOwnKey',
          { Effect: 'Allow', Action: 'kms:Decrypt', Resource: '' },
          { Ref: 'AWS::NoValue' },
        ],
      },
      { Effect: 'Allow', Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], Resource: '*' },
      { Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: arnOf(log) },
    ];
    const sends = (queue: string) => ({ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: arnOf(queue) });
    const reads = { Effect: 'Allow', Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'] };
    const statements = (role: string) => {
      const policies = Resources[role]?.Properties.Policies as { PolicyDocument: { Statement: object[] } }[];
      return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
    };
    expect(statements('HttpRole')).toEqual([...common('HttpLogGroup'), sends('JoinQueue')]);
    expect(statements('InvokeRole')).toEqual([...common('InvokeLogGroup'), sends('FailedInvocationQueue')]);
    expect(statements('QueueRole')).toEqual([
      ...common('QueueLogGroup'),
      { ...reads, Resource: arnOf('JoinQueue') },
      sends('JoinDeadLetterQueue'),
    ]);
    for (const door of ['Http', 'Invoke', 'Queue']) {
      expect(Resources[`${door}LambdaFunction`]?.Properties.Role).toEqual(arnOf(`${door}Role`));
    }
  });

  describe('the queue', () => {
    const properties = (name: string) => defaults.Resources[name]?.Properties ?? {};
    const mapping = () => {
      const [source] = Object.values(defaults.Resources).filter(
        ({ Type }) => Type === 'AWS::Lambda::EventSourceMapping',
      );
      return source?.Properties as unknown as {
        BatchSize: number;
        MaximumBatchingWindowInSeconds: number;
        ScalingConfig: { MaximumConcurrency: number };
        FunctionResponseTypes: string[];
        EventSourceArn: unknown;
      };
    };
    const queueFunction = () => {
      const { Timeout, Environment } = properties('QueueLambdaFunction') as {
        Timeout: number;
        Environment: { Variables: Record<string, string> };
      };
      return { timeout: Timeout, rate: Number(Environment.Variables.UPSTREAM_RATE) };
    };

    it("has a share of at most 50 of RongCloud's 100 calls a second, however many messages wait", () => {
      const share = mapping().ScalingConfig.MaximumConcurrency * queueFunction().rate;
      expect(share).toBeGreaterThan(0);
      expect(share).toBeLessThanOrEqual(50);
    });

    it('sends a full batch of distinct groups within its time', () => {
      const { timeout, rate } = queueFunction();
      // One interval before the first call, a second for the last, five for the dead letters and the answer.
      expect((mapping().BatchSize + 1) / rate + 1 + 5).toBeLessThanOrEqual(timeout);
    });

    it('hides messages for six times the time of the function, and the window', () => {
      const { VisibilityTimeout } = properties('JoinQueue');
      expect(VisibilityTimeout).toBeGreaterThanOrEqual(
        6 * queueFunction().timeout + mapping().MaximumBatchingWindowInSeconds,
      );
    });

    it('reports single messages, and gives those up that were received 20 times', () => {
      expect(mapping().FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
      expect(mapping().EventSourceArn).toEqual({ 'Fn::GetAtt': ['JoinQueue', 'Arn'] });
      expect(properties('JoinQueue').RedrivePolicy).toEqual({
        deadLetterTargetArn: { 'Fn::GetAtt': ['JoinDeadLetterQueue', 'Arn'] },
        maxReceiveCount: 20,
      });
    });

    it.each(['JoinQueue', 'JoinDeadLetterQueue', 'FailedInvocationQueue'])(
      '%s keeps messages for 14 days, encrypted, and talks TLS alone',
      (name) => {
        expect(properties(name)).toMatchObject({ MessageRetentionPeriod: 14 * 24 * 3600, SqsManagedSseEnabled: true });
        expect(properties(name)).not.toHaveProperty('FifoQueue');
        expect(properties(`${name}Policy`)).toMatchObject({
          Queues: [{ Ref: name }],
          PolicyDocument: {
            Statement: [
              {
                Effect: 'Deny',
                Principal: '*',
                Action: 'sqs:*',
                Resource: { 'Fn::GetAtt': [name, 'Arn'] },
                Condition: { Bool: { 'aws:SecureTransport': 'false' } },
              },
            ],
          },
        });
      },
    );

    it('is known to those that use it', () => {
      const variables = (name: string) => (properties(name).Environment as { Variables: object }).Variables;
      expect(variables('HttpLambdaFunction')).toMatchObject({ JOIN_QUEUE_URL: { Ref: 'JoinQueue' } });
      expect(variables('QueueLambdaFunction')).toMatchObject({ JOIN_DLQ_URL: { Ref: 'JoinDeadLetterQueue' } });
    });
  });

  it('lets no browser call unless origins are named', async () => {
    const corsOf = ({ Resources }: Template) => JSON.stringify(Resources.HttpApi?.Properties.CorsConfiguration);
    const conditionOf = (template: Template) => JSON.stringify(Object(template).Conditions.BrowsersMayCall);
    const closed = defaults;
    expect(corsOf(closed)).toMatch(/^\{"Fn::If":\["BrowsersMayCall",.+\{"Ref":"AWS::NoValue"\}\]\}$/);
    expect(corsOf(closed)).not.toContain('*');
    expect(conditionOf(closed)).toBe('{"Fn::Not":[{"Fn::Equals":["",""]}]}');
    const open = await packaged('corsOrigins=https://a.example,https://b.example');
    expect(corsOf(open)).toContain('{"Fn::Split":[",","https://a.example,https://b.example"]}');
    expect(conditionOf(open)).not.toBe(conditionOf(closed));
  });

  it('is refused by CloudFormation until what has no default is set', async () => {
    const unset = (template: Template) =>
      Object.entries(template.Parameters)
        .filter(([, { Default, AllowedPattern }]) => !new RegExp(`^(?:${AllowedPattern})$`).test(Default))
        .map(([name]) => name);
    expect(unset(defaults)).toEqual(['DataCenterOrApiUrls', 'JwtIssuer', 'JwtAudience']);
    const set = ['dataCenter=beijing', 'jwtIssuer=https://issuer.example', 'jwtAudience=api'];
    expect(unset(await packaged(...set))).toEqual([]);
    const arn = 'secretId=arn:aws:secretsmanager:us-east-1:000000000000:secret:x';
    expect(unset(await packaged(...set, arn))).toEqual(['SecretId']);
  });

  it('tells other stacks its URL and the function to invoke', async () => {
    const { Outputs } = defaults;
    expect(Outputs.HttpApiUrl?.Export?.Name).toBe('sls-rongcloud-group-join-dev-HttpApiUrl');
    expect(Outputs.InvokeFunctionArn).toEqual({
      Description: expect.any(String),
      Value: { 'Fn::GetAtt': ['InvokeLambdaFunction', 'Arn'] },
      Export: { Name: 'rongcloud-group-join-dev-invoke-arn' },
    });
  });

  it("stands up to AWS's own resource schemas", async () => {
    expect(schemaFaults(defaults.Resources)).toEqual([]);
    const set = ['corsOrigins=https://a.example', 'alarmTopicArn=arn:aws:sns:us-east-1:000000000000:t'];
    expect(schemaFaults((await packaged(...set)).Resources)).toEqual([]);
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

  it('gives a resource of * to what sends traces alone', () => {
    const policies = Object.values(defaults.Resources).filter(({ Type }) => Type === 'AWS::IAM::Role');
    const statements = policies.flatMap(({ Properties }) =>
      (Properties.Policies as { PolicyDocument: { Statement: { Action?: unknown; Resource?: unknown }[] } }[]).flatMap(
        ({ PolicyDocument }) => PolicyDocument.Statement,
      ),
    );
    const wide = statements.filter(({ Resource }) => JSON.stringify(Resource ?? '').includes('"*"'));
    expect(wide.map(({ Action }) => Action)).toEqual(
      Array(3).fill(['xray:PutTraceSegments', 'xray:PutTelemetryRecords']),
    );
    expect(JSON.stringify(statements)).not.toMatch(/"Action":"\*|:\*"/);
  });

  it('keeps the queues and logs of prod when the stack goes', async () => {
    const kept = [
      'JoinQueue',
      'JoinDeadLetterQueue',
      'FailedInvocationQueue',
      'HttpLogGroup',
      'InvokeLogGroup',
      'QueueLogGroup',
      'HttpApiLogGroup',
    ];
    const policies = ({ Resources }: Template) => kept.map((name) => Object(Resources[name]).DeletionPolicy);
    expect(policies(defaults)).toEqual(kept.map(() => 'Delete'));
    expect(policies(await packaged('removal=Retain'))).toEqual(kept.map(() => 'Retain'));
    expect(await readFile(join(ROOT, 'serverless.yml'), 'utf8')).toMatch(/\n {2}prod:\n {4}removal: Retain\n/);
  });

  it('keeps asynchronous invocations that failed for good, with their events', () => {
    const { DestinationConfig, MaximumRetryAttempts } = Object(defaults.Resources.InvokeLambdaEvConf?.Properties);
    expect(MaximumRetryAttempts).toBe(2);
    expect(DestinationConfig).toEqual({
      OnFailure: { Destination: { 'Fn::GetAtt': ['FailedInvocationQueue', 'Arn'] } },
    });
  });

  it('traces with X-Ray and versions its functions', () => {
    for (const door of ['Http', 'Invoke', 'Queue']) {
      expect(defaults.Resources[`${door}LambdaFunction`]?.Properties.TracingConfig).toEqual({ Mode: 'Active' });
    }
    expect(Object.values(defaults.Resources).filter(({ Type }) => Type === 'AWS::Lambda::Version')).toHaveLength(3);
  });

  describe('alarms and dashboard', () => {
    const alarms = (template: Template) =>
      Object.entries(template.Resources)
        .filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm')
        .map(([name, { Properties }]) => ({ name: name.replace(/Alarm$/, ''), ...Object(Properties) }));
    let operations: string;
    beforeAll(async () => {
      operations = await readFile(join(ROOT, 'docs/operations.md'), 'utf8');
    });

    it('say what to do, notify the topic if there is one, and have their part of the document', async () => {
      const quiet = alarms(defaults);
      expect(quiet.length).toBeGreaterThanOrEqual(10);
      for (const { name, AlarmDescription, AlarmActions } of quiet) {
        expect(AlarmDescription.length).toBeGreaterThan(60);
        expect(operations).toContain(`\n### ${name}\n`);
        expect(AlarmActions['Fn::If'][0]).toBe('AlarmsNotify');
      }
      const arn = 'arn:aws:sns:us-east-1:000000000000:topic';
      for (const { AlarmActions } of alarms(await packaged(`alarmTopicArn=${arn}`))) {
        expect(AlarmActions['Fn::If'][1]).toEqual([arn]);
      }
      const documented = [...operations.matchAll(/\n### (\w+)\n/g)].map(([, name]) => name);
      expect(documented.sort()).toEqual(quiet.map(({ name }) => name).sort());
    });

    it('wake somebody for what stops every join', () => {
      const paging = alarms(defaults).filter(({ AlarmDescription }) => AlarmDescription.startsWith('PAGE.'));
      expect(paging.map(({ name }) => name)).toEqual([
        'CredentialsRefused',
        'CredentialsUnavailable',
        'Misconfigured',
        'IdentityUnavailable',
      ]);
    });

    it('are described widget by widget, row by row', () => {
      const body = Object(defaults.Resources.Dashboard?.Properties.DashboardBody)['Fn::Sub'];
      const { widgets }: { widgets: { y: number; properties: { title: string } }[] } = JSON.parse(body);
      const shown = ['Callers', 'RongCloud', 'Queue'].flatMap((row, y) =>
        widgets.filter((widget) => widget.y === y * 6).map(({ properties }) => `${row}: ${properties.title}`),
      );
      const described = [...operations.matchAll(/\n\| (Callers|RongCloud|Queue) \| ([^|]+) \|/g)].map(
        ([, row, title]) => `${row}: ${title}`,
      );
      expect(described).toEqual(shown);
      expect(shown).toHaveLength(widgets.length);
    });
  });
});
