import { readJoinConfig } from '../../lib/config.ts';
import { createJoinUsers } from '../../lib/join/join-users.ts';
import { createTelemetry } from '../../lib/telemetry/telemetry.ts';
import { createHandler } from '../invoke.ts';
import { startClient } from './client.ts';

const config = readJoinConfig(process.env);
const telemetry = createTelemetry('invoke');
const client = await startClient(config, telemetry);

export const handler = createHandler({ joinUsers: createJoinUsers(client), telemetry, now: Date.now });
