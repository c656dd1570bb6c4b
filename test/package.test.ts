import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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

  it('runs both doors on Node 24 and arm64 with their time limits', async () => {
    const { Resources } = defaults;
    const door = (name: string) => Resources[`${name}LambdaFunction`]?.Properties;
    expect(door('Http')).toMatchObject({ Handler: 'dist/http.handler', Timeout: 15 });
    expect(door('Invoke')).toMatchObject({ Handler: 'dist/invoke.handler', Timeout: 30 });
    for (const name of ['Http', 'Invoke']) {
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

  it('may read that one secret and write its logs, and nothing else', async () => {
    const { Resources } = await packaged('secretId=my/secret');
    const roles = Object.values(Resources).filter(({ Type }) => Type === 'AWS::IAM::Role');
    expect(roles).toHaveLength(1);
    const [policy] = (roles[0]?.Properties.Policies ?? []) as { PolicyDocument: { Statement: Statement[] } }[];
    const statements = policy?.PolicyDocument.Statement ?? [];
    const beyondLogs = statements.filter(({ Action }) => !String(Action).includes('logs:'));
    expect(beyondLogs).toEqual([
      {
        Effect: 'Allow',
        Action: ['secretsmanager:GetSecretValue'],
        Resource: {
          'Fn::Sub': expect.stringMatching(/^arn:\$\{AWS::Partition\}:secretsmanager:.+:secret:my\/secret-\?{6}$/),
        },
      },
    ]);
    expect(JSON.stringify(statements)).not.toMatch(/"Resource":"\*"|"Action":\[?"\*/);
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
});

interface Statement {
  Action: string[];
  Resource: unknown;
}
