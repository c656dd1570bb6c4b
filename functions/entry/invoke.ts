import { readJoinConfig } from '../../lib/config.ts';
import { createJoinUsers } from '../../lib/join/join-users.ts';
import { DoorTelemetry } from '../../lib/telemetry/telemetry.ts';
import { createHandler } from '../invoke.ts';
import { clock, sleep, startClient } from './client.ts';

/** Starts the Invoke door: gives its handler once what the first request needs has been fetched. */
export async function start() {
  const config = readJoinConfig(process.env);
  const telemetry = new DoorTelemetry('invoke');
  const client = await startClient(config, telemetry);
  return createHandler({ joinUsers: createJoinUsers(client, sleep), telemetry, clock });
}
