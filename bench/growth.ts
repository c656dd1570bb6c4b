import { buildContenders, httpEvent, startStandIns } from './contenders.ts';
import { type Environment, startEnvironment } from './runtime-api.ts';
import { median } from './statistics.ts';

// How time and memory grow: users in a request to the HTTP door, and messages in a batch of the queue door, through
// the built bundles. Linear means that the last column of each table stays flat or falls.

const USERS = [1, 10, 100, 1000, 3000];
const MESSAGES = [1, 10, 100, 1000, 10_000];
const ROUNDS = 7;

const [ours] = await buildContenders();
if (!ours) throw new Error('nothing was built');
const standIns = await startStandIns();

async function measure(file: string, event: object, calls: number, per: number): Promise<string[]> {
  const times: number[] = [];
  const cpu: number[] = [];
  let peakMegabytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const environment: Environment = await startEnvironment(file, standIns.env);
    await environment.invoke(event);
    const before = await environment.usage();
    for (let i = 0; i < calls; i++) times.push((await environment.invoke(event)).ms);
    const after = await environment.usage();
    cpu.push((after.cpuMicroseconds - before.cpuMicroseconds) / 1000 / calls);
    peakMegabytes = Math.max(peakMegabytes, after.peakKilobytes / 1024);
    await environment.close();
  }
  const cpuMs = median(cpu);
  return [median(times).toFixed(2), cpuMs.toFixed(2), peakMegabytes.toFixed(0), ((cpuMs / per) * 1000).toFixed(1)];
}

function batch(messages: number): object {
  return {
    Records: Array.from({ length: messages }, (_, i) => ({
      messageId: `m${i}`,
      receiptHandle: `r${i}`,
      body: JSON.stringify({ groupId: 'team-1', userIds: [`user-${i}`] }),
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: '0',
        SenderId: 's',
        ApproximateFirstReceiveTimestamp: '0',
      },
      messageAttributes: {},
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn',
      awsRegion: 'us-east-1',
    })),
  };
}

console.log('| users a request | ms | CPU ms | peak MB | CPU µs a user |\n|--:|--:|--:|--:|--:|');
for (const users of USERS) {
  const body = JSON.stringify({ userIds: Array.from({ length: users }, (_, i) => `user-${i}`) });
  const row = await measure(ours.file, httpEvent(standIns.service, body), 20, users);
  console.log(`| ${users} | ${row.join(' | ')} |`);
}
console.log('\n| messages a batch | ms | CPU ms | peak MB | CPU µs a message |\n|--:|--:|--:|--:|--:|');
for (const messages of MESSAGES) {
  const row = await measure(ours.file.replace('http.mjs', 'queue.mjs'), batch(messages), 5, messages);
  console.log(`| ${messages} | ${row.join(' | ')} |`);
}
standIns.close();
