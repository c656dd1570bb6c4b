import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { REQUIRED, refusal, withCopy } from './helpers/packaged-template.ts';

type Statement = (serverless: {
  resolveVariable: (name: string) => Promise<unknown>;
}) => Promise<{ permission: unknown }>;
type Values = Record<string, unknown>;
type Guard = new (
  serverless: object,
  options: object,
  tools: { log: { notice: (text: string) => void } },
) => { hooks: { initialize: () => unknown } };

const load = createRequire(import.meta.url);
const joinQueue: Statement = load('../resources/join-queue.cjs');
const rollback: (serverless: { resolveVariable: (name: string) => Promise<string> }) => Promise<object> =
  load('../resources/rollback.cjs');
const Guard: Guard = load('../resources/guard.cjs');
const { RULES }: { RULES: object } = load('../resources/stack-rules.cjs');

const ALARM = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:alarm-1';
const BUS = 'arn:aws:events:us-east-1:000000000000:event-bus/results';
const KEY = 'arn:aws:kms:us-east-1:000000000000:key/k';
const SECRET = '0123456789abcdef';
const PUBLIC_KEY = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
const TOPIC = 'arn:aws:sns:us-east-1:000000000000:pages';
const URL_OF_QUEUE = 'https://sqs.eu-west-1.amazonaws.com/000000000000/other';

/** The lines that name what is wrong. */
const linesOf = (said: string) => [...said.matchAll(/^- (.+)$/gm)].map(([, line = '']) => line);

describe('a stage whose values are missing or wrong', { timeout: 60_000 }, () => {
  it.each(['package', 'deploy'])('is refused by %s, which names all of them and builds nothing', async (command) => {
    const stages = 'prod:\n  OPEN_GROUPS: "*"\n  jwtIssuer: http://127.0.0.1:4004\n  logRetentionDays: 31\n';
    const wrong = { removal: 'Keep', queueConcurrency: '1', originsecret: SECRET, originSecret: ' ' };
    await withCopy({ 'stages.yml': stages }, async (folder) => {
      const bundle = () => statSync(join(folder, 'dist/http.mjs')).mtimeMs;
      const before = bundle();
      const said = await refusal(command, 'prod', wrong, folder);
      expect(linesOf(said)).toEqual([
        'OPEN_GROUPS is no parameter: the nearest is openGroups',
        'originsecret is no parameter: the nearest is originSecret',
        'dataCenter is missing: one of beijing, singapore, singapore-b, north-america, saudi-arabia',
        'jwtIssuer must be an https URL',
        'jwtAudience is missing',
        'originSecret must be at least 16 visible ASCII characters, or several such values with commas between',
        'queueConcurrency must be a whole number from 2 to 1000',
        'removal must be Delete or Retain',
        'logRetentionDays must be a number of days that CloudWatch Logs takes, such as 7, 30, 90 or 365',
      ]);
      expect(said).toContain('Set them in stages.yml under prod, or with --param="name=value".');
      expect(bundle()).toBe(before);
    });
  });
});

const REF = { tag: '!Ref', resolve: (id: string) => ({ Ref: id }) };
const PROJECT = parse(readFileSync(new URL('../serverless.yml', import.meta.url), 'utf8'), {
  customTags: [REF],
  logLevel: 'silent',
});

/** What the guard says to a command for the stage prod that sets these values, and others on the command line. */
function said(
  values: Values,
  { command = 'package', param = [], policy = '' }: { command?: string; param?: string[]; policy?: unknown } = {},
) {
  const { provider, functions, custom } = PROJECT;
  const [ours] = functions;
  const params = { default: custom.defaults.default, prod: { ...REQUIRED, ...values } };
  const given = param.map((option) => option.split('='));
  // osls cuts blanks at the end.
  const cut = Object.fromEntries(given.map(([name = '', value = '']) => [name, value.trimEnd()]));
  const all: Values = { ...params.default, ...params.prod, ...cut };
  const fill = (value: unknown) => {
    const [, name = ''] = /^\$\{param:(\w+)\}$/.exec(String(value)) ?? [];
    return name in all ? all[name] : String(value).replaceAll(/\$\{.+?\}/g, 'x');
  };
  const filled = ({ environment = {} }: { environment?: Values }) => ({ environment: mapped(environment, fill) });
  const serverless = {
    processedInput: { commands: [command], options: { stage: 'prod', param } },
    configurationInput: { provider, functions, params },
    classes: { Error },
    service: {
      custom: { ...custom, policy },
      provider: filled(provider),
      functions: mapped<{ environment?: Values }>(ours, filled),
    },
  };
  const notices: string[] = [];
  try {
    new Guard(serverless, {}, { log: { notice: (text) => notices.push(text) } }).hooks.initialize();
    return notices.join('\n');
  } catch (error) {
    return String(error);
  }
}
const mapped = <T>(object: Record<string, T>, change: (value: T) => unknown) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

describe('a value of a stage', () => {
  it.each<[name: string, good: unknown, bad: unknown]>([
    ['dataCenter', 'singapore-b', 'mars'],
    ['dataCenter', 'beijing', ''],
    ['apiUrls', 'https://a.example,https://b.example', 'https://a.example/path'],
    ['apiUrls', '', 'http://a.example'],
    ['jwtIssuer', 'https://issuer.example', 'http://issuer.example'],
    ['jwtIssuer', 'https://issuer.example/', ''],
    // No function on Lambda reaches a loopback host of this machine.
    ['jwtIssuer', 'https://localhost', 'http://localhost'],
    ['jwtAudience', 'http://api', ' '],
    ['jwksUri', '', 'http://issuer.example/keys'],
    ['jwtServiceScope', 'group:join', 'group:join group:leave'],
    ['jwtAudience', 'app,backend', ','],
    ['jwtServiceClaims', 'scope', ','],
    ['jwtServiceClients', 'backend', ','],
    ['jwks', '', '{"keys":[]}'],
    ['jwks', JSON.stringify({ keys: [PUBLIC_KEY] }), JSON.stringify({ keys: [{ ...PUBLIC_KEY, d: 'private' }] })],
    ['resultBus', '', 'my bus'],
    ['resultBus', 'my/bus_1.a-b', 'arn:aws:sqs:us-east-1:000000000000:results'],
    ['resultBus', BUS, 'arn:aws:events:us-east-1:000000000000:rule/results'],
    ['originSecret', SECRET, SECRET.slice(1)],
    ['originSecret', `${SECRET},${SECRET}`, `${SECRET},short`],
    ['originSecret', '', ' '],
    ['originSecret', '{{resolve:secretsmanager:origin:SecretString}}', ', ,'],
    ['secretId', 'rongcloud/app', 'arn:aws:secretsmanager:us-east-1:000000000000:secret:x'],
    ['secretId', 'my_secret+=.@-1', ''],
    ['queueRate', 0.5, 0],
    ['queueRate', '25', '26'],
    ['upstreamLimit', 96, 95],
    ['upstreamLimit', '100', 'much'],
    ['queueConcurrency', 2, 1],
    ['joinQueueUrl', { Ref: 'JoinQueue' }, { Ref: 'JoinDeadLetterQueue' }],
    ['joinQueueUrl', '', 'http://sqs.eu-west-1.amazonaws.com/000000000000/q'],
    ['joinQueueUrl', URL_OF_QUEUE, 'https://queue.example/q'],
    ['joinQueueUrl', 'https://sqs.cn-north-1.amazonaws.com.cn/000000000000/q', 'queue'],
    ['ownQueueUrl', { Ref: 'JoinQueue' }, URL_OF_QUEUE],
    ['deadLetterQueueUrl', { Ref: 'JoinDeadLetterQueue' }, URL_OF_QUEUE],
    ['corsOrigins', 'https://a.example,http://b.example:8080', 'https://a.example, https://b.example'],
    ['corsOrigins', '*', '*,https://a.example'],
    ['corsOrigins', '', 'https://a.example/'],
    ['corsOrigins', 'http://localhost:3000', 'https://A.example'],
    ['corsHeaders', 'tracestate,baggage,sentry-trace', 'tracestate, baggage'],
    ['corsHeaders', '', '*'],
    ['corsHeaders', 'X-My_Header', 'x-a,'],
    ['throttleRate', '0.5', 'much'],
    ['throttleBurst', 50, 0.5],
    ['httpConcurrency', '', '-1'],
    ['httpConcurrency', 50, '5 0'],
    ['alarmTopicArn', TOPIC, 'pages'],
    ['alarmTopicArn', '', BUS],
    ['ticketTopicArn', 'arn:aws-cn:sns:cn-north-1:000000000000:tickets', 'tickets'],
    ['secretKmsKeyArn', KEY, 'arn:aws:kms:us-east-1:000000000000:alias/k'],
    ['dataKmsKeyArn', '', 'k'],
    ['rollbackAlarmArns', 'none', 'alarm-1'],
    ['rollbackAlarmArns', Array(5).fill(ALARM).join(), Array(6).fill(ALARM).join()],
    ['rollbackMinutes', '180', '181'],
    ['removal', 'Retain', 'Keep'],
    ['logRetentionDays', 3653, 2],
    ['logLevel', 'DEBUG', 'debug'],
    ['tracing', 'Active', 'yes'],
    ['alarms', 'no', 'none'],
    ['dashboard', 'yes', true],
  ])('as %s may be %j and may not be %j', (name, good, bad) => {
    expect(linesOf(said({ [name]: good }))).toEqual([]);
    const lines = linesOf(said({ [name]: bad }));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(name);
    if (String(bad).length > 3) expect(lines[0]).not.toContain(String(bad));
  });

  it('is judged by lib/config.ts or by the table of the stack, whichever parameter it is of', () => {
    const { defaults } = PROJECT.custom;
    const environments = [PROJECT.provider, ...Object.values<{ environment?: object }>(PROJECT.functions[0])];
    const variables = environments.flatMap(({ environment = {} }) => Object.values(environment));
    const known = Object.keys(defaults.default);
    expect(known.filter((name) => !(name in RULES) && !variables.includes(`\${param:${name}}`))).toEqual([]);
    expect(Object.keys(RULES).filter((name) => !known.includes(name))).toEqual([]);
  });

  it('has a row in docs/configuration.md, whichever parameter it is of', () => {
    const page = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8');
    const described = [...page.matchAll(/^\| (`.+?`) \|/gm)].flatMap(([, names = '']) => names.match(/\w+/g) ?? []);
    expect(described.sort()).toEqual(Object.keys(PROJECT.custom.defaults.default).sort());
  });

  it('may let any client be a service, which is said', () => {
    const notice = 'Any client that gets the scope of jwtServiceScope is a service';
    expect(said({})).toContain(notice);
    expect(said({ jwtServiceClients: 'backend' })).not.toContain(notice);
    const line = "jwtServiceClients is missing: users' tokens may hold roles and permissions too";
    expect(linesOf(said({ jwtServiceClaims: 'roles' }))).toEqual([line]);
  });

  it('is not judged as long as only CloudFormation knows it', () => {
    const open = { 'Fn::ImportValue': 'of-another-stack' };
    expect(linesOf(said({ jwtAudience: open, jwtIssuer: '{{resolve:ssm:/issuer}}' }))).toEqual([]);
    expect(linesOf(said({ jwtAudience: open, jwtIssuer: '' }))).toEqual(['jwtIssuer is missing']);
  });

  it('on the command line is read with the blanks that osls cuts off', () => {
    expect(linesOf(said({}, { param: ['originSecret= \t'] }))[0]).toContain('originSecret must be');
    expect(linesOf(said({ originSecret: ' ' }, { param: [`originSecret=${SECRET} `] }))).toEqual([]);
    expect(linesOf(said({}, { param: ['jwtAudience= '] }))).toEqual(['jwtAudience is missing']);
  });

  it('leaves room among the variables of its function', () => {
    // {"OPEN_GROUPS":"…"} and the other variables.
    const others = [...said({ openGroups: 'x'.repeat(4000) }).matchAll(/have (\d+) bytes/g)].map(
      ([, n]) => Number(n) - 4000,
    );
    const room = 3500 - (others[0] ?? 0);
    expect(room).toBeGreaterThan(2000);
    expect(linesOf(said({ openGroups: 'x'.repeat(room) }))).toEqual([]);
    expect(linesOf(said({ openGroups: 'x'.repeat(room + 1) }))).toEqual([
      'openGroups is the largest variable of the http function: all of them together have 3501 bytes, and may have 3500',
    ]);
    // Bytes, not characters.
    expect(linesOf(said({ openGroups: '组'.repeat(room / 2) }))[0]).toContain('openGroups is the largest');
  });

  it('is no hindrance to commands that neither package nor deploy', () => {
    expect(said({ removal: 'Keep' }, { command: 'deploy function' })).toContain('removal must be');
    for (const command of ['rollback', 'offline', 'remove']) expect(said({ removal: 'Keep' }, { command })).toBe('');
  });
});

describe('a parameter that is not known', () => {
  it.each([
    ['originsecret', 'originSecret'],
    ['OPEN_GROUPS', 'openGroups'],
    ['JWT_ISSUER', 'jwtIssuer'],
    ['jwt-audience', 'jwtAudience'],
    [' jwtIssuer', 'jwtIssuer'],
    ['jwtIsuer', 'jwtIssuer'],
    ['datacentre', 'dataCenter'],
    ['RONGCLOUD_DATA_CENTER', 'dataCenter'],
    ['UPSTREAM_RATE', 'queueRate'],
    ['JOIN_DLQ_URL', 'deadLetterQueueUrl'],
    ['logRetention', 'logRetentionDays'],
    ['alarmTopic', 'alarmTopicArn'],
    ['corsOrigin', 'corsOrigins'],
    ['throttle', 'throttleRate'],
  ])('%j is refused, wherever it is set, and the nearest named: %s', (name, nearest) => {
    const line = `${name} is no parameter: the nearest is ${nearest}`;
    expect(linesOf(said({ [name]: 'v4lue' }))).toEqual([line]);
    expect(linesOf(said({}, { param: [`${name}=v4lue`] }))).toEqual([line]);
    expect(said({ [name]: 'v4lue' })).not.toContain('v4lue');
  });
});

describe('policy.yml', () => {
  it.each<[policy: unknown, line: string]>([
    [{ enviroment: {} }, 'policy.yml has environment and statements, and no enviroment'],
    [
      { environment: { JWT_ISSUER: 's3cret' } },
      "JWT_ISSUER in policy.yml is a variable of the service's own: set jwtIssuer in stages.yml",
    ],
    [
      { environment: { POWERTOOLS_SERVICE_NAME: 's3cret' } },
      "POWERTOOLS_SERVICE_NAME in policy.yml is a variable of the service's own: take another name",
    ],
    [{ statements: { Effect: 'Allow' } }, 'statements in policy.yml must be a list'],
  ])('may not have %j', (policy, line) => {
    expect(linesOf(said({}, { policy }))).toEqual([line]);
  });

  it.each([
    '',
    null,
    {},
    { environment: null, statements: null },
    { environment: { UPSTREAM_RATE: '1' }, statements: [] },
  ])('may have %j', (policy) => {
    expect(linesOf(said({}, { policy }))).toEqual([]);
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
