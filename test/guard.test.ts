import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { refusal } from './helpers/packaged-template.ts';

type Statement = (serverless: {
  resolveVariable: (name: string) => Promise<unknown>;
}) => Promise<{ permission: unknown }>;
type Guard = new (
  serverless: object,
  options: object,
  tools: { log: object },
) => { hooks: { initialize: () => unknown } };

const load = createRequire(import.meta.url);
const joinQueue: Statement = load('../resources/join-queue.cjs');
const rollback: (serverless: { resolveVariable: (name: string) => Promise<string> }) => Promise<object> =
  load('../resources/rollback.cjs');
const Guard: Guard = load('../resources/guard.cjs');

const bundle = () => statSync(new URL('../dist/http.mjs', import.meta.url)).mtimeMs;

describe('a stage whose values are missing or wrong', () => {
  it.each(['package', 'deploy'])('is refused by %s, which names all of them and builds nothing', async (command) => {
    const before = bundle();
    const wrong = { jwtIssuer: 'http://issuer.example', removal: 'Keep', originSecret: ' ' };
    const said = await refusal(command, 'nosuch', wrong);
    const faults = [...said.matchAll(/^- (.+)$/gm)].map(([, fault]) => fault);
    expect(faults).toEqual([
      'dataCenter (or apiUrls) must be set',
      'jwtIssuer must be an https URL',
      'jwtAudience must be set',
      'removal must be Delete or Retain',
      'originSecret must be at least 16 characters',
    ]);
    expect(bundle()).toBe(before);
  });
});

describe('what no parameter of a template can hold', () => {
  const OWN = { Ref: 'JoinQueue' };
  const OWN_DEAD = { Ref: 'JoinDeadLetterQueue' };
  const URL = 'https://sqs.eu-west-1.amazonaws.com/000000000000/other';

  /** What the guard says to a command for a stage whose other values are good. */
  function said(
    values: { joinQueueUrl?: unknown; own?: unknown; dead?: unknown; secret?: string },
    command = 'package',
    options = {},
  ) {
    const { joinQueueUrl = OWN, own = OWN, dead = OWN_DEAD, secret = '' } = values;
    const serverless = {
      processedInput: { commands: [command] },
      classes: { Error },
      service: {
        resources: { Parameters: {} },
        functions: {
          http: { environment: { JOIN_QUEUE_URL: joinQueueUrl, ORIGIN_SECRET: secret } },
          queue: { environment: { JOIN_QUEUE_URL: own, JOIN_DLQ_URL: dead } },
        },
      },
    };
    try {
      new Guard(serverless, options, { log: {} }).hooks.initialize();
      return 'nothing';
    } catch (error) {
      return String(error);
    }
  }

  it.each([OWN, '', URL, 'https://sqs.cn-north-1.amazonaws.com.cn/000000000000/q'])('joinQueueUrl may be %j', (url) => {
    expect(said({ joinQueueUrl: url })).toBe('nothing');
  });

  it.each([
    'http://sqs.eu-west-1.amazonaws.com/000000000000/q',
    'https://queue.example/q',
    { Ref: 'JoinDeadLetterQueue' },
  ])('joinQueueUrl may not be %j', (url) => {
    expect(said({ joinQueueUrl: url })).toContain('joinQueueUrl must be');
  });

  it("the queue door's queues are this stack's own", () => {
    expect(said({ own: URL })).toContain('ownQueueUrl must be');
    expect(said({ dead: URL })).toContain('deadLetterQueueUrl must be');
  });

  it('originSecret is long enough, each of several, or resolved by CloudFormation', () => {
    const [short, long] = ['x'.repeat(15), 'x'.repeat(16)];
    expect(said({ secret: `${long},${short}` })).toContain('originSecret must be');
    expect(said({ secret: `${long},${long}` })).toBe('nothing');
    expect(said({ secret: '{{resolve:secretsmanager:origin:SecretString}}' })).toBe('nothing');
  });

  it.each([' ', ',', ' , ', ' '.repeat(16), `${'x'.repeat(16)},${' '.repeat(16)}`])(
    'originSecret is no %j, which holds nothing',
    (secret) => {
      expect(said({ secret })).toContain('originSecret must be');
    },
  );

  it.each([['originSecret= '], ['originSecret=\t ', 'logLevel=INFO']])(
    'originSecret is no blank on the command line, which osls makes none of: %j',
    (...param) => {
      expect(said({}, 'deploy', { param })).toContain('originSecret must be');
      expect(said({}, 'deploy', { param: ['logLevel= '] })).toBe('nothing');
    },
  );

  it('does not hinder commands that neither package nor deploy', () => {
    expect(said({ own: URL }, 'deploy function')).toContain('ownQueueUrl');
    expect(said({ own: URL }, 'rollback')).toBe('nothing');
    expect(said({ own: URL }, 'offline')).toBe('nothing');
  });
});

describe('what the HTTP function may send to', () => {
  const permissionFor = async (joinQueueUrl: unknown) =>
    (await joinQueue({ resolveVariable: async () => joinQueueUrl })).permission;
  const sends = (Resource: unknown) => ({ Effect: 'Allow', Action: 'sqs:SendMessage', Resource });

  it('is the queue whose URL it has', async () => {
    expect(await permissionFor({ Ref: 'JoinQueue' })).toEqual(sends({ 'Fn::GetAtt': ['JoinQueue', 'Arn'] }));
    const other = 'https://sqs.eu-west-1.amazonaws.com/000000000000/other';
    const arn = 'arn:${AWS::Partition}:sqs:eu-west-1:000000000000:other';
    expect(await permissionFor(other)).toEqual(sends({ 'Fn::Sub': arn }));
  });

  it('is nothing without a URL', async () => {
    expect(await permissionFor('')).toEqual({ Ref: 'AWS::NoValue' });
  });
});

describe('the alarms that undo a deployment', () => {
  it.each(['', 'none'])('are none for %j, and CloudFormation forgets those of before', async (arns) => {
    const values: Record<string, string> = { 'param:rollbackAlarmArns': arns, 'param:rollbackMinutes': '5' };
    const resolveVariable = async (name: string) => values[name] ?? '';
    expect(await rollback({ resolveVariable })).toEqual({ RollbackTriggers: [], MonitoringTimeInMinutes: 5 });
  });
});
