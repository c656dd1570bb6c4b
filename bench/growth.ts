import { buildContenders, httpEvent, startStandIns } from './contenders.ts';
import { type Environment, startEnvironment } from './runtime-api.ts';
import { median } from './statistics.ts';

// How time and memory grow: users in a request to the HTTP door, messages in a batch of the queue door, and a batch's
// size up to what Lambda hands over (6 MB), through the built bundles. Linear means that the last column of each table
// stays flat or falls.

const USERS = [1, 10, 100, 1000, 3000];
const MESSAGES = [1, 10, 100, 1000, 10_000];
/** 208 kB each: 27 of them are a batch of 5.6 MB. */
const LARGEST_MESSAGES = [1, 7, 14, 27];
const ROUNDS = 7;

const distinct = (i: number, user: number) => `u${i}-${user}`;

const [ours] = await buildContenders();
if (!ours) throw new Error('nothing was built');
const queueFile = ours.file.replace('http.mjs', 'queue.mjs');
const standIns = await startStandIns();
/** Batches for a single group, as large as Lambda hands them over. */
const CROWDS = [
  { name: '450 000 users, full at 3000', messages: 150, users: 3000, userId: distinct, env: standIns.strictEnv },
  { name: '450 000 users who join', messages: 150, users: 3000, userId: distinct, env: standIns.env },
  {
    ...{ name: '1000 messages of the same 1100 refused users', messages: 1000, users: 1100 },
    userId: (_: number, user: number) => `ghost-${user}`,
    env: standIns.strictEnv,
  },
  {
    name: '650 messages of 1000 users each, who join',
    messages: 650,
    users: 1000,
    userId: distinct,
    env: standIns.env,
  },
];

interface Measured {
  calls: number;
  /** Users or messages of one call. */
  per: number;
  env?: Record<string, string>;
  rounds?: number;
}

async function measure(file: string, event: object, { calls, per, env, rounds = ROUNDS }: Measured): Promise<string[]> {
  const times: number[] = [];
  const cpu: number[] = [];
  let peakMegabytes = 0;
  for (let round = 0; round < rounds; round++) {
    const environment: Environment = await startEnvironment(file, env ?? standIns.env);
    const { answer } = await environment.invoke(event);
    const { statusCode, batchItemFailures } = Object(answer);
    // A batch may leave messages that its time was too short for, but not all.
    const isServed = statusCode === 200 || batchItemFailures?.length < Object(event).Records?.length;
    if (!isServed) throw new Error(JSON.stringify(answer).slice(0, 500));
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

/** A batch of the queue door, of so many messages. */
function batch(messages: number, join: (i: number) => object): object {
  return {
    Records: Array.from({ length: messages }, (_, i) => ({
      messageId: `m${i}`,
      receiptHandle: `r${i}`,
      body: JSON.stringify(join(i)),
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

/** One user for a group that they all share. */
const oneUser = (i: number) => ({ groupId: 'team-1', userIds: [`user-${i}`] });

/** All that one request may hold, for a group of its own: 3000 ids of 64 characters, three calls. */
const fullGroup = (i: number) => ({
  groupId: `team-${i}`,
  userIds: Array.from({ length: 3000 }, (_, user) => `user-${user}`.padEnd(64, '.')),
});

console.log('| users a request | ms | CPU ms | peak MB | CPU µs a user |\n|--:|--:|--:|--:|--:|');
for (const users of USERS) {
  const body = JSON.stringify({ userIds: Array.from({ length: users }, (_, i) => `user-${i}`) });
  const row = await measure(ours.file, httpEvent(standIns.service, body), { calls: 20, per: users });
  console.log(`| ${users} | ${row.join(' | ')} |`);
}
console.log('\n| messages a batch | ms | CPU ms | peak MB | CPU µs a message |\n|--:|--:|--:|--:|--:|');
for (const messages of MESSAGES) {
  const row = await measure(queueFile, batch(messages, oneUser), { calls: 5, per: messages });
  console.log(`| ${messages} | ${row.join(' | ')} |`);
}
console.log('\n| MB a batch | ms | CPU ms | peak MB | CPU µs a user |\n|--:|--:|--:|--:|--:|');
for (const messages of LARGEST_MESSAGES) {
  const event = batch(messages, fullGroup);
  const row = await measure(queueFile, event, { calls: 3, per: messages * 3000 });
  console.log(`| ${(JSON.stringify(event).length / 1e6).toFixed(1)} | ${row.join(' | ')} |`);
}
console.log('\n| one group | ms | CPU ms | peak MB | CPU µs a user |\n|---|--:|--:|--:|--:|');
for (const { name, messages, users, userId, env } of CROWDS) {
  const join = (i: number) => ({ groupId: 'team-1', userIds: Array.from({ length: users }, (_, u) => userId(i, u)) });
  const event = batch(messages, join);
  const row = await measure(queueFile, event, { calls: 1, per: messages * users, env, rounds: 3 });
  console.log(`| ${name} | ${row.join(' | ')} |`);
}
standIns.close();
