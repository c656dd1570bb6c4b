import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EventBus } from '../../../sandbox/aws/event-bus.ts';
import { getSecretValue } from '../../../sandbox/aws/secrets-manager.ts';
import { startAws } from '../../../sandbox/aws/server.ts';
import { sqsOperations } from '../../../sandbox/aws/sqs/operations.ts';
import { SqsQueue } from '../../../sandbox/aws/sqs/queue.ts';
import type { LocalServer } from '../../../sandbox/http/server.ts';
import { ImApp } from '../../../sandbox/rongcloud/app.ts';
import { type ImService, startImService } from '../../../sandbox/rongcloud/service.ts';
import { type BuiltDoor, startBuiltDoor } from '../../helpers/built-door.ts';

const SECRET = { appKey: 'app-key', appSecret: 'app-secret' };
const dead = new SqsQueue({ name: 'dead', visibilityTimeoutMs: 1000 });
const bus = new EventBus('results');
let im: ImService;
let aws: LocalServer;
let door: BuiltDoor | undefined;
beforeAll(async () => {
  const app = new ImApp(SECRET);
  app.unknownUsers.add('planted-ghost');
  im = await startImService(app);
  aws = await startAws(0, {
    'secretsmanager.GetSecretValue': getSecretValue(new Map([['rongcloud/app', JSON.stringify(SECRET)]])),
    'AWSEvents.PutEvents': bus.putEvents,
    ...sqsOperations([dead]),
  });
});
afterEach(async () => {
  await door?.close();
  door = undefined;
  bus.events.length = 0;
});
afterAll(() => Promise.all([im.close(), aws.close()]));

async function start(env: Record<string, string>): Promise<BuiltDoor> {
  door = await startBuiltDoor('queue', {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    AWS_ENDPOINT_URL_SQS: aws.url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url,
    RONGCLOUD_SECRET_ID: 'rongcloud/app',
    RONGCLOUD_API_URLS: im.url,
    JOIN_QUEUE_URL: `${aws.url}/000000000000/joins`,
    JOIN_DLQ_URL: `${aws.url}/000000000000/dead`,
    POWERTOOLS_METRICS_NAMESPACE: 'JoinTest',
    ...env,
  });
  return door;
}

const batch = () => {
  const message = (groupId: string, userIds: string[], requestId: string) => ({ groupId, userIds, requestId });
  const Records = [
    message('g1', ['planted-a', 'planted-ghost'], 'r-1'),
    message('g1', ['planted-b'], 'r-2'),
    message('g2', ['planted-a'], 'r-3'),
  ].map((body, i) => ({
    messageId: `m${i}`,
    body: JSON.stringify(body),
    attributes: { SentTimestamp: String(Date.now()) },
  }));
  return { Records };
};
const done = { batchItemFailures: [] };
const lostLines = (logs: readonly object[]) =>
  logs.filter((line) => 'message' in line && line.message === 'events lost');

describe('the built queue door', () => {
  it('tells the bus that it is given, without naming users', async () => {
    const { invoke } = await start({ RESULT_BUS: 'results', RESULT_SOURCE: 'rongcloud-group-join.test' });
    const { result, logs } = await invoke(batch(), 60_000);
    expect(result).toEqual(done);
    const joined = { joined: 1, refused: 0, undecided: 0 };
    const told = bus.events.map(({ source, detail }) => ({ source, detail }));
    expect(told).toEqual([
      {
        source: 'rongcloud-group-join.test',
        detail: {
          groupId: 'g1',
          results: [
            { requestId: 'r-1', ...joined, refused: 1, code: 'UPSTREAM_REJECTED' },
            { requestId: 'r-2', ...joined },
          ],
        },
      },
      { source: 'rongcloud-group-join.test', detail: { groupId: 'g2', results: [{ requestId: 'r-3', ...joined }] } },
    ]);
    expect(JSON.stringify(told)).not.toContain('planted');
    expect(lostLines(logs)).toEqual([]);
  });

  it('logs and counts events that are lost, and holds nothing back for them', async () => {
    const { invoke } = await start({ RESULT_BUS: 'no-such-bus', RESULT_SOURCE: 'me' });
    const { result, logs, metrics } = await invoke(batch(), 60_000);
    expect(result).toEqual(done);
    expect(bus.events).toEqual([]);
    expect(lostLines(logs)).toMatchObject([
      {
        level: 'ERROR',
        door: 'queue',
        requestId: 'aws-1',
        events: 2,
        lost: 2,
        cause: 'Error: EventBridge refused 2 events: ResourceNotFoundException',
      },
    ]);
    expect(metrics).toContainEqual(expect.objectContaining({ LostEvents: 2, door: 'queue' }));
    expect(logs).toContainEqual(expect.objectContaining({ message: 'batch done' }));
  });

  it('tells nobody without a bus', async () => {
    const { invoke } = await start({ RESULT_BUS: '', RESULT_SOURCE: 'rongcloud-group-join.test' });
    const { result, logs } = await invoke(batch(), 60_000);
    expect(result).toEqual(done);
    expect(bus.events).toEqual([]);
    expect(lostLines(logs)).toEqual([]);
  });
});
