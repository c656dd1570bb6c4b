import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { schemaFaults } from './helpers/cloudformation-schema.ts';
import { idsOf, type Package, packaged, propertiesOf, withCopy } from './helpers/packaged-template.ts';

type Params = (serverless: { resolveVariable: (name: string) => Promise<unknown> }) => Promise<unknown>;

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const load = createRequire(import.meta.url);

/** What osls is given for a text of stages.yml, over defaults. */
async function joined(stages: string, defaults: object): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'stages-'));
  try {
    mkdirSync(join(folder, 'resources'));
    copyFileSync(join(ROOT, 'resources/params.cjs'), join(folder, 'resources/params.cjs'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'stages.yml'), stages);
    const params: Params = load(join(folder, 'resources/params.cjs'));
    return await params({ resolveVariable: async (name) => (name === 'self:custom.defaults' ? defaults : undefined) });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [, printed = ''] = /^ {3}```yaml\n([\s\S]+?)^ {3}```$/m.exec(read('README.md')) ?? [];
const PRINTED = printed.replaceAll(/^ {3}/gm, '');
/** What a rule may need. */
const POLICY = `environment:
  GROUPS_TABLE: groups
  STAGE: of \${sls:stage}
  SHELL_HOME: \${env:HOME}
statements:
  - Effect: Allow
    Action: dynamodb:GetItem
    Resource: !Sub arn:\${AWS::Partition}:dynamodb:\${AWS::Region}:\${AWS::AccountId}:table/groups
`;
/** A stage as the README prints it, with what else a file of stages may hold, and a rule with needs. */
let template: Package;
beforeAll(async () => {
  const more = 'default:\n  jwtUserClaim: ${env:HOME}\nother:\n  jwtIssuer: ${ssm:/of/another/stage}\n';
  template = await withCopy({ 'stages.yml': PRINTED + more, 'policy.yml': POLICY }, (folder) =>
    packaged('prod', {}, folder),
  );
});
const variables = (door: string) => propertiesOf(template, `${door}LambdaFunction`).Environment.Variables;

describe('stages.yml', () => {
  it('is where the README puts its values, and may ask osls for some', () => {
    const { prod } = parse(PRINTED);
    expect(variables('Http')).toMatchObject({
      RONGCLOUD_DATA_CENTER: prod.dataCenter,
      JWT_ISSUER: prod.jwtIssuer,
      JWT_AUDIENCE: prod.jwtAudience,
      JWT_GROUPS_CLAIM: prod.jwtGroupsClaim,
      OPEN_GROUPS: prod.openGroups,
      JWT_USER_CLAIM: expect.stringContaining(tmpdir()),
    });
  });

  it('wins over the defaults, and a block over the one for all stages', async () => {
    const defaults = { default: { a: 0, b: 0, c: 0, d: 0 }, dev: { a: 1, b: 1, c: 1 } };
    const stages = 'default: { b: 2, c: 2 }\ndev: { c: 3, e: "" }\nother: { d: 3 }\n';
    expect(await joined(stages, defaults)).toEqual({
      default: { a: 0, b: 2, c: 2, d: 0 },
      dev: { a: 1, b: 2, c: 3, e: '' },
      other: { b: 2, c: 2, d: 3 },
    });
  });

  it('may have a key set as text or as a map, of which what verifies is kept, and what is private for the guard', async () => {
    const key = { kty: 'OKP', kid: 'k1', alg: 'EdDSA', use: 'sig', crv: 'Ed25519', x: 'AQAB' };
    const given = JSON.stringify({ keys: [{ ...key, x5c: ['long'], key_ops: ['verify'], d: 'private' }], more: 1 });
    const kept = JSON.stringify({ keys: [{ ...key, d: 'private' }] });
    for (const jwks of [given, JSON.stringify(given)]) {
      expect(await joined(`prod:\n  jwks: ${jwks}\n`, {})).toEqual({ prod: { jwks: kept } });
    }
    for (const none of ['planted', '7', '{}', '[]', '{"keys":[null]}']) {
      expect(await joined(`prod:\n  jwks: '${none}'\n`, {})).toEqual({ prod: { jwks: none } });
    }
    expect(await joined('prod:\n  jwks: ""\n  other: { keys: [] }\n', {})).toEqual({
      prod: { jwks: '', other: { keys: [] } },
    });
  });

  it('may set nothing: in a value, a block, or at all', async () => {
    const defaults = { default: { a: 0 }, dev: { a: 1 } };
    expect(await joined('default:\ndev:\n  a:\n', defaults)).toEqual(defaults);
    expect(await joined('# Nothing yet.\n', defaults)).toEqual(defaults);
  });

  it.each(['  a: one\n  a: s3cret\n', '  a: !Ref s3cret\n', '  a: "s3cret\n'])(
    'that is no plain YAML is refused by its line, without what stands there: %j',
    async (block) => {
      const refusal = joined(`prod:\n${block}`, {});
      await expect(refusal).rejects.toThrow(/^stages\.yml: .+ at line \d+, column \d+$/);
      await expect(refusal).rejects.not.toThrow('s3cret');
    },
  );
});

describe('policy.yml', () => {
  it('gives the HTTP function variables, and no other', () => {
    expect(variables('Http')).toMatchObject({ GROUPS_TABLE: 'groups', JWT_ISSUER: 'https://issuer.example' });
    expect(variables('Http')).toMatchObject({ STAGE: 'of prod', SHELL_HOME: expect.stringContaining(tmpdir()) });
    for (const door of ['Invoke', 'Queue']) expect(variables(door)).not.toHaveProperty('GROUPS_TABLE');
  });

  it('gives its role statements, and no other', () => {
    const arn = 'arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/groups';
    expect(idsOf(template, 'AWS::IAM::Policy')).toEqual(['HttpPolicy']);
    expect(propertiesOf(template, 'HttpPolicy')).toMatchObject({
      Roles: [{ Ref: 'HttpRole' }],
      PolicyDocument: {
        Statement: [{ Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: { 'Fn::Sub': arn } }],
      },
    });
    expect(schemaFaults(template.Resources)).toEqual([]);
  });
});
