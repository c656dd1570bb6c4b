import { startAws } from '../../sandbox/aws.ts';
import type { LocalServer } from '../../sandbox/http-server.ts';
import { type Secrets, SecretsManager } from '../../sandbox/secrets-manager.ts';

/** A stand-in Secrets Manager that anybody may use. */
export async function startLocalSecrets(secrets: Secrets): Promise<LocalServer> {
  const manager = new SecretsManager(secrets);
  return startAws(0, {
    'secretsmanager.GetSecretValue': manager.getSecretValue,
    'secretsmanager.PutSecretValue': manager.putSecretValue,
    'secretsmanager.DescribeSecret': manager.describeSecret,
    'secretsmanager.ListSecretVersionIds': manager.listSecretVersionIds,
  });
}
