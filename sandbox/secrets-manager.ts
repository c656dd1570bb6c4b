import type { AwsOperation } from './aws.ts';

/** Secrets by name, each the text of its current version. */
export type Secrets = Map<string, string>;

/** Stands in for Secrets Manager's GetSecretValue. */
export function getSecretValue(secrets: Secrets): AwsOperation {
  return (input) => {
    const id = typeof input.SecretId === 'string' ? input.SecretId : '';
    const text = secrets.get(id);
    if (text === undefined) {
      return { error: 'ResourceNotFoundException', message: "Secrets Manager can't find the specified secret." };
    }
    return {
      output: {
        ARN: `arn:aws:secretsmanager:us-east-1:000000000000:secret:${id}-AbCdEf`,
        Name: id,
        SecretString: text,
        VersionId: '00000000-0000-4000-8000-000000000000',
        VersionStages: ['AWSCURRENT'],
        CreatedDate: 1_700_000_000,
      },
    };
  };
}
