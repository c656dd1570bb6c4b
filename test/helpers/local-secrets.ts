import { type Secrets, SecretsManager } from '../../sandbox/aws/secrets-manager.ts';
import { startAws } from '../../sandbox/aws/server.ts';
import type { LocalServer } from '../../sandbox/http/server.ts';

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
