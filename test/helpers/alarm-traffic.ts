import type { Data, DataPoint } from './alarm-evaluator.ts';
import type { Recording } from './recorded-faults.ts';

/** How long after its moment a data point is there, in seconds. */
export interface Lateness {
  ours: number;
  aws: number;
}

const FUNCTION = { http: 'HttpLambdaFunction', invoke: 'InvokeLambdaFunction', queue: 'QueueLambdaFunction' };

/** Data points as they come in, by the names that the evaluator gives metrics. */
export class Traffic {
  readonly data = new Map<string, DataPoint[]>();
  private readonly lateness: Lateness;

  constructor(lateness: Lateness) {
    this.lateness = lateness;
  }

  /** What a door makes of metrics, a number of times at one moment (seconds), and what AWS adds to it. */
  request(
    at: number,
    { door, points, status }: Recording,
    times = 1,
    ages: Readonly<Record<string, number>> = {},
  ): void {
    for (const [name, value] of points) this.add(name, at, ages[name] ?? value, times, this.lateness.ours);
    this.invocation(at, door, door === 'invoke' && status >= 500, times);
    if (door === 'http') this.gateway(at, status >= 500, times);
  }

  /**
   * Lambda's numbers for an invocation: Errors is 1 or 0.
   * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
   */
  invocation(at: number, door: Recording['door'], failed: boolean, times = 1): void {
    this.aws(`Invocations ${FUNCTION[door]}`, at, 1, times);
    this.aws(`Errors ${FUNCTION[door]}`, at, failed ? 1 : 0, times);
    this.aws(`Duration ${FUNCTION[door]}`, at, 100, times);
  }

  /** API Gateway's numbers for a request. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html */
  gateway(at: number, failed: boolean, times = 1): void {
    this.aws('Count HttpApi', at, 1, times);
    this.aws('5xx HttpApi', at, failed ? 1 : 0, times);
  }

  aws(name: string, at: number, value: number, times = 1): void {
    this.add(name, at, value, times, this.lateness.aws);
  }

  private add(name: string, at: number, value: number, times: number, late: number): void {
    const point = { at, visibleAt: at + late, value, times };
    const held = this.data.get(name);
    if (held) held.push(point);
    else this.data.set(name, [point]);
  }
}

/** What makes a traffic's data points: requests or deliveries from one moment on, in seconds. */
export type Pattern = (traffic: Traffic, from: number, seconds: number) => void;

/** One request in 2 minutes, the first `delay` seconds after the beginning. */
export function sparse(one: (traffic: Traffic, at: number) => void, delay: number): Pattern {
  return (traffic, from, seconds) => {
    for (let at = from + delay; at < from + seconds; at += 120) one(traffic, at);
  };
}

/** The same thing each second. */
export function everySecond(one: (traffic: Traffic, at: number) => void): Pattern {
  return (traffic, from, seconds) => {
    for (let at = from; at < from + seconds; at += 1) one(traffic, at);
  };
}

/** After the fifth delivery a message comes back once in 361 seconds, before that as soon as the function says. */
const SOON_DELIVERIES = 5;
export const VISIBILITY_SECONDS = 361;

/**
 * One message that stays on the queue, and nothing else. `gap` is what the function says, 10 to 60 seconds; without one
 * it says nothing, because it fails as a whole. SQS tells a message's age until it was received three times.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
 */
export function redelivered(
  one: (traffic: Traffic, at: number, age: number) => void,
  gap: number | undefined,
): Pattern {
  return (traffic, from, seconds) => {
    let deliveries = 0;
    for (let at = from + 1; at < from + seconds; ) {
      deliveries += 1;
      one(traffic, at, at - from);
      traffic.aws('NumberOfMessagesReceived JoinQueue', at, 1);
      if (deliveries < 3) traffic.aws('ApproximateAgeOfOldestMessage JoinQueue', at, at - from);
      at += gap !== undefined && deliveries <= SOON_DELIVERIES ? gap : VISIBILITY_SECONDS;
    }
    for (let at = from; at < from + seconds; at += 60)
      traffic.aws('ApproximateNumberOfMessagesVisible JoinQueue', at, 0);
  };
}

/**
 * One message that was delivered often before the failure, and nothing else. It is hidden for `hidden` more seconds, and
 * is then tried every `againAfter` seconds. SQS no longer tells its age.
 */
export function deliveredOften(
  one: (traffic: Traffic, at: number, age: number) => void,
  hidden: number,
  againAfter: number,
): Pattern {
  const youngest = SOON_DELIVERIES * 10;
  return (traffic, from, seconds) => {
    for (let at = from + hidden; at < from + seconds; at += againAfter) {
      one(traffic, at, youngest + VISIBILITY_SECONDS + (at - from - hidden));
      traffic.aws('NumberOfMessagesReceived JoinQueue', at, 1);
    }
    for (let at = from; at < from + seconds; at += 60)
      traffic.aws('ApproximateNumberOfMessagesVisible JoinQueue', at, 0);
  };
}

export function dataOf(pattern: Pattern, lateness: Lateness, from: number, seconds: number): Data {
  const traffic = new Traffic(lateness);
  pattern(traffic, from, seconds);
  return traffic.data;
}
