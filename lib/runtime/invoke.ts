import { readJoinConfig } from '../config.ts';
import { createJoinGroup } from '../join-group.ts';
import type { ServeDeps } from '../served-join.ts';
import { createTelemetry } from '../telemetry.ts';
import { startClient } from './client.ts';

/** Reads the environment and starts the Invoke door. Throws a ConfigError. */
export async function startInvoke(): Promise<ServeDeps> {
  const config = readJoinConfig(process.env);
  const telemetry = createTelemetry('invoke');
  const client = await startClient(config, telemetry);
  return { joinGroup: createJoinGroup(client), telemetry, now: Date.now };
}
