import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { EventBus } from '../../sandbox/aws/event-bus.ts';
import { startAws } from '../../sandbox/aws/server.ts';
import type { LocalServer } from '../../sandbox/http/server.ts';

/** A stand-in event bus, and a real client for it. */
export interface LocalEventBus {
  bus: EventBus;
  aws: LocalServer;
  client: EventBridgeClient;
  /** How many events each request held. */
  requests: number[];
  close(): Promise<void>;
}

export async function startLocalEventBus(): Promise<LocalEventBus> {
  const bus = new EventBus('results');
  const requests: number[] = [];
  const aws = await startAws(0, {
    'AWSEvents.PutEvents': (input) => {
      requests.push(Array.isArray(input.Entries) ? input.Entries.length : 0);
      return bus.putEvents(input);
    },
  });
  const client = new EventBridgeClient({
    endpoint: aws.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  return {
    ...{ bus, aws, client, requests },
    async close() {
      client.destroy();
      await aws.close();
    },
  };
}
