import { randomUUID } from 'node:crypto';
import type { AwsOperation } from './aws.ts';

/** Secrets by name, each the text of its current version. */
export type Secrets = Map<string, string>;

const NOT_FOUND = { error: 'ResourceNotFoundException', message: "Secrets Manager can't find the specified secret." };

/** Stands in for Secrets Manager's GetSecretValue. */
export function getSecretValue(secrets: Secrets): AwsOperation {
  return ({ SecretId: id }) => {
    const text = secrets.get(String(id));
    if (text === undefined) return NOT_FOUND;
    const VersionId = '00000000-0000-4000-8000-000000000000';
    return { output: { ...nameOf(id), SecretString: text, VersionId, VersionStages, CreatedDate: 1_700_000_000 } };
  };
}

/** Stands in for Secrets Manager's PutSecretValue. Only the newest version is kept. */
export function putSecretValue(secrets: Secrets): AwsOperation {
  return ({ SecretId: id, SecretString: text, ClientRequestToken: VersionId = randomUUID() }) => {
    if (!secrets.has(String(id))) return NOT_FOUND;
    if (typeof text !== 'string' || text === '') {
      return { error: 'InvalidParameterException', message: 'SecretString must be a text.' };
    }
    secrets.set(String(id), text);
    return { output: { ...nameOf(id), VersionId, VersionStages } };
  };
}

const VersionStages = ['AWSCURRENT'];

function nameOf(id: unknown) {
  return { ARN: `arn:aws:secretsmanager:us-east-1:000000000000:secret:${id}-AbCdEf`, Name: id };
}
