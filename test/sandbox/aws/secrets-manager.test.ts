import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Secrets } from '../../../sandbox/aws/secrets-manager.ts';
import type { LocalServer } from '../../../sandbox/http/server.ts';
import { startLocalSecrets } from '../../helpers/local-secrets.ts';

const SecretId = 'rongcloud/app';
const ARN = `arn:aws:secretsmanager:us-east-1:000000000000:secret:${SecretId}-AbCdEf`;
let secrets: Secrets;
let server: LocalServer;
let client: SecretsManager;
beforeEach(async () => {
  secrets = new Map([[SecretId, 'first']]);
  server = await startLocalSecrets(secrets);
  client = new SecretsManager({
    endpoint: server.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
});
afterEach(async () => {
  client.destroy();
  await server.close();
});

const put = (SecretString: string, ClientRequestToken?: string) =>
  client.putSecretValue({ SecretId, SecretString, ...(ClientRequestToken && { ClientRequestToken }) });
const stages = async () => (await client.describeSecret({ SecretId })).VersionIdsToStages;

describe('the stand-in Secrets Manager', () => {
  it('moves the labels when another value is put', async () => {
    const { VersionId: first = '' } = await client.getSecretValue({ SecretId });
    expect(await stages()).toEqual({ [first]: ['AWSCURRENT'] });
    const { VersionId: second = '', VersionStages } = await put('second');
    expect(VersionStages).toEqual(['AWSCURRENT']);
    expect(await stages()).toEqual({ [second]: ['AWSCURRENT'], [first]: ['AWSPREVIOUS'] });
    const { VersionId: third = '' } = await put('third');
    expect(await stages()).toEqual({ [third]: ['AWSCURRENT'], [second]: ['AWSPREVIOUS'] });
    expect(secrets.get(SecretId)).toBe('third');
  });

  it('gives the current value, or the version that is asked for', async () => {
    const { VersionId = '' } = await put('second');
    const read = async (wanted: { VersionStage?: string; VersionId?: string }) =>
      (await client.getSecretValue({ SecretId, ...wanted })).SecretString;
    expect(await read({})).toBe('second');
    expect(await read({ VersionStage: 'AWSCURRENT' })).toBe('second');
    expect(await read({ VersionStage: 'AWSPREVIOUS' })).toBe('first');
    expect(await read({ VersionId })).toBe('second');
    const none = { name: 'ResourceNotFoundException' };
    await expect(read({ VersionStage: 'AWSPENDING' })).rejects.toMatchObject(none);
    await expect(read({ VersionStage: 'AWSPREVIOUS', VersionId })).rejects.toMatchObject(none);
  });

  it('takes a request that is repeated once, and its token for no other value', async () => {
    const token = '11111111-1111-4111-8111-111111111111';
    for (let i = 0; i < 2; i++) expect((await put('second', token)).VersionId).toBe(token);
    expect(Object.values((await stages()) ?? {})).toEqual([['AWSCURRENT'], ['AWSPREVIOUS']]);
    await expect(put('third', token)).rejects.toMatchObject({ name: 'ResourceExistsException' });
    expect(secrets.get(SecretId)).toBe('second');
  });

  it('describes and lists without a value', async () => {
    await put('second');
    const { $metadata: _, ...described } = await client.describeSecret({ SecretId });
    expect(described).toMatchObject({ ARN, Name: SecretId, LastChangedDate: expect.any(Date) });
    const { Versions } = await client.listSecretVersionIds({ SecretId });
    expect(Versions?.map(({ VersionStages }) => VersionStages)).toEqual([['AWSCURRENT'], ['AWSPREVIOUS']]);
    expect(JSON.stringify([described, Versions])).not.toMatch(/first|second/);
  });

  it('finds a secret by its ARN, and none that is not there', async () => {
    expect((await client.getSecretValue({ SecretId: ARN })).SecretString).toBe('first');
    const none = { name: 'ResourceNotFoundException' };
    await expect(client.describeSecret({ SecretId: 'none' })).rejects.toMatchObject(none);
    await expect(client.listSecretVersionIds({ SecretId: 'none' })).rejects.toMatchObject(none);
    await expect(client.getSecretValue({ SecretId: 'none' })).rejects.toMatchObject(none);
  });

  it('takes no labels but its own', async () => {
    const labelled = client.putSecretValue({ SecretId, SecretString: 'x', VersionStages: ['AWSPENDING'] });
    await expect(labelled).rejects.toMatchObject({ name: 'InvalidParameterException' });
    expect(secrets.get(SecretId)).toBe('first');
  });
});
