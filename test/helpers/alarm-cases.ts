import {
  deliveredOften,
  everySecond,
  type Pattern,
  redelivered,
  sparse,
  type Traffic,
  VISIBILITY_SECONDS,
} from './alarm-traffic.ts';
import type { Door, FaultName, Recording } from './recorded-faults.ts';

/** A fault, the traffic that meets it, and the alarms that have to tell of it. */
export interface Case {
  fault: string;
  /** What the traffic comes through. */
  traffic: string;
  /** The same traffic, begun a little differently. */
  patterns: readonly Pattern[];
  alarms: readonly string[];
}

const SERVES_NOBODY: Record<Door, string> = {
  http: 'HttpServesNobody',
  invoke: 'InvokeServesNobody',
  queue: 'QueueServesNobody',
};
/** API Gateway tells of the HTTP function. */
const CANNOT_RUN: Record<Door, readonly string[]> = {
  http: ['ApiFailing', 'ApiErrors', 'Errors'],
  invoke: ['InvokeCannotRun'],
  queue: ['QueueCannotRun', 'Errors'],
};
const THROTTLED: Record<Door, readonly string[]> = {
  http: ['ApiFailing', 'ApiErrors'],
  invoke: ['AllThrottled'],
  queue: ['AllThrottled'],
};
const UPSTREAM = ['UpstreamUnavailable'];
/** What Lambda's own numbers of each try are enough for. */
const OF_EACH_TRY = ['QueueCannotRun', 'AllThrottled'];
/**
 * Lambda tries a throttled invocation again and again until its messages' visibility timeout ends, at growing intervals.
 * AWS does not say how long these are; a minute is taken here.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-backoff-strategy
 */
const THROTTLED_AGAIN_SECONDS = 60;

interface Expectation {
  /** Whether every request fails that meets it. */
  stopsAll: boolean;
  alarms: readonly string[];
}

/** What has to tell of the faults that were recorded, besides that a door serves nobody. */
const EXPECTED: Partial<Record<FaultName, Expectation>> = {
  'RongCloud answers 500': { stopsAll: true, alarms: UPSTREAM },
  'RongCloud answers nonsense': { stopsAll: true, alarms: UPSTREAM },
  'RongCloud hangs': { stopsAll: true, alarms: UPSTREAM },
  'RongCloud is out of reach': { stopsAll: true, alarms: UPSTREAM },
  'RongCloud says too many': { stopsAll: true, alarms: ['RateRefusals'] },
  'RongCloud refuses the app': { stopsAll: true, alarms: [] },
  'RongCloud refuses the signature': { stopsAll: true, alarms: [] },
  'the secret is out of reach': { stopsAll: true, alarms: ['CredentialsUnavailable'] },
  'the secret is stale': { stopsAll: false, alarms: ['StaleSecret'] },
  'no keys of the issuer': { stopsAll: true, alarms: ['IdentityUnavailable'] },
  "the issuer's keys are stale": { stopsAll: false, alarms: ['StaleKeys'] },
  'SQS takes nothing': { stopsAll: true, alarms: ['QueueUnavailable'] },
  'SQS takes nothing after a try': { stopsAll: true, alarms: ['QueueUnavailable', ...UPSTREAM] },
  'no time is left': { stopsAll: true, alarms: [] },
  'a bug': { stopsAll: true, alarms: ['Errors'] },
  'the rule fails': { stopsAll: true, alarms: ['PolicyUnavailable'] },
  'the bus takes nothing': { stopsAll: false, alarms: ['LostEvents'] },
};

/** The cases that what the doors printed makes. */
export function recordedCases(recorded: ReadonlyMap<FaultName, readonly Recording[]>): Case[] {
  const cases = [...recorded].flatMap(([fault, recordings]) => {
    const expected = EXPECTED[fault];
    if (!expected) return [];
    return recordings.flatMap((recording) => {
      const { door } = recording;
      const alarms = [...expected.alarms, ...(expected.stopsAll ? [SERVES_NOBODY[door]] : [])];
      if (door === 'http' && expected.stopsAll) alarms.push('ApiFailing', 'ApiErrors');
      return throughDoor(fault, door, alarms, (traffic, at, times, age) => {
        const ages = age === undefined ? {} : { 'MessageAge queue': age * 1000 };
        traffic.request(at, recording, times, ages);
      });
    });
  });
  const rejected = recorded.get('no token')?.[0];
  const stranger = (traffic: Traffic, at: number): void => rejected && traffic.request(at, rejected, 100);
  const old = cases.filter(({ fault, traffic }) => fault === 'RongCloud answers 500' && traffic === 'one message');
  return [
    ...cases,
    ...old.map((one) => ({ ...one, fault: 'the same message again and again', alarms: ['OldestMessage'] })),
    {
      fault: 'strangers',
      traffic: 'HTTP, 100 a second',
      patterns: [everySecond(stranger)],
      alarms: ['UnauthenticatedFlood'],
    },
  ];
}

/** The cases that only AWS sees, whose numbers it makes as its documents say. */
export function awsCases(): Case[] {
  const doors: readonly Door[] = ['http', 'invoke', 'queue'];
  const cannotRun = doors.flatMap((door) => {
    const crash = (traffic: Traffic, at: number, times: number): void => {
      traffic.invocation(at, door, true, times);
      if (door === 'http') traffic.gateway(at, true, times);
    };
    return throughDoor('the function can not start', door, CANNOT_RUN[door], crash, {
      told: false,
    });
  });
  const throttled = doors.flatMap((door) => {
    const logicalId = { http: 'Http', invoke: 'Invoke', queue: 'Queue' }[door];
    return throughDoor(
      'Lambda throttles',
      door,
      THROTTLED[door],
      (traffic, at, times) => {
        traffic.aws(`Throttles ${logicalId}LambdaFunction`, at, 1, times);
        if (door === 'http') traffic.gateway(at, true, times);
      },
      { told: false, againAfter: THROTTLED_AGAIN_SECONDS },
    );
  });
  const turnedAway = throughDoor(
    'API Gateway throttles',
    'http',
    ['ApiTurnsAway', 'TooManyRequests'],
    (traffic, at, times) => {
      traffic.aws('TooManyRequests', at, 1, times);
      traffic.aws('Count HttpApi', at, 1, times);
    },
  );
  const slow = throughDoor('answers are slow', 'http', ['SlowAnswers'], (traffic, at, times) => {
    traffic.aws('Duration HttpLambdaFunction', at, 7000, times);
  });
  return [...cannotRun, ...throttled, ...turnedAway, ...slow, ...queueCases()];
}

const eachMinute =
  (values: (minute: number) => Record<string, number>): Pattern =>
  (traffic, from, seconds) => {
    for (let minute = 0; minute < seconds / 60; minute += 1) {
      for (const [name, value] of Object.entries(values(minute))) traffic.aws(name, from + minute * 60, value);
    }
  };

/** What SQS and Lambda tell of queues. */
function queueCases(): Case[] {
  const of = (fault: string, alarms: readonly string[], values: (minute: number) => Record<string, number>): Case => {
    return { fault, traffic: 'any', patterns: [eachMinute(values)], alarms };
  };
  const dead = 'ApproximateNumberOfMessagesVisible JoinDeadLetterQueue';
  return [
    of('the event source is disabled', ['QueueNotRead'], () => ({
      'ApproximateNumberOfMessagesVisible JoinQueue': 1,
      'NumberOfMessagesReceived JoinQueue': 0,
    })),
    of('nobody has ever read the queue', ['QueueNotRead'], () => ({
      'ApproximateNumberOfMessagesVisible JoinQueue': 1,
    })),
    of('a dead letter', ['DeadLetters'], () => ({ [dead]: 1 })),
    of('more and more dead letters', ['DeadLettersGrow'], (minute) => ({ [dead]: 1 + Math.floor(minute / 3) })),
    of('an old dead letter', ['DeadLettersOld'], (minute) => ({
      'ApproximateAgeOfOldestMessage JoinDeadLetterQueue': 3 * 86_400 + 1 + minute * 60,
    })),
    of('a failed invocation', ['FailedInvocations'], () => ({
      'ApproximateNumberOfMessagesVisible FailedInvocationQueue': 1,
    })),
    of('a failed invocation that is lost', ['LostInvocations'], (minute) =>
      minute > 0 ? {} : { 'DestinationDeliveryFailures InvokeLambdaFunction': 1 },
    ),
  ];
}

type Meet = (traffic: Traffic, at: number, times: number, age?: number) => void;

/** A fault at one request in 2 minutes and at 100 a second; at the queue, with one message and with many. */
function throughDoor(
  fault: string,
  door: Door,
  alarms: readonly string[],
  meet: Meet,
  { told = true, againAfter = VISIBILITY_SECONDS } = {},
): Case[] {
  if (door === 'queue') {
    const one = (traffic: Traffic, at: number, age?: number): void => meet(traffic, at, 1, age);
    const gaps = told ? [10, 35, 60] : [undefined];
    const often = alarms.includes(SERVES_NOBODY.queue)
      ? ['QueueStuck']
      : alarms.filter((name) => OF_EACH_TRY.includes(name));
    return [
      {
        fault,
        traffic: 'one old message',
        patterns: [1, 361].map((hidden) => deliveredOften(one, hidden, againAfter)),
        alarms: often,
      },
      { fault, traffic: 'one message', patterns: gaps.map((gap) => redelivered(one, gap)), alarms },
      { fault, traffic: 'messages, 100 a second', patterns: [everySecond((traffic, at) => one(traffic, at))], alarms },
    ];
  }
  const name = door === 'http' ? 'HTTP' : 'Invoke';
  const seldom = [1, 119].map((delay) => sparse((traffic, at) => meet(traffic, at, 1), delay));
  return [
    { fault, traffic: `${name}, one in 2 minutes`, patterns: seldom, alarms },
    {
      fault,
      traffic: `${name}, 100 a second`,
      patterns: [everySecond((traffic, at) => meet(traffic, at, 100))],
      alarms,
    },
  ];
}
