import { calculate, type Series } from './alarm-expression.ts';

/** The same value, some times over, at one moment (seconds). `visibleAt` is when CloudWatch has it. */
export interface DataPoint {
  at: number;
  visibleAt: number;
  value: number;
  times: number;
}

/** Data points by the name that `nameOf` gives a metric. */
export type Data = ReadonlyMap<string, readonly DataPoint[]>;

export interface Metric {
  Namespace: string;
  MetricName: string;
  Dimensions: { Name: string; Value: unknown }[];
}

export interface AlarmProperties {
  AlarmDescription: string;
  Metrics: {
    Id: string;
    ReturnData: boolean;
    Expression?: string;
    MetricStat?: { Metric: Metric; Period: number; Stat: string };
  }[];
  ComparisonOperator: string;
  Threshold: number;
  DatapointsToAlarm: number;
  EvaluationPeriods: number;
  TreatMissingData: string;
}

export interface EvaluatorOptions {
  /** How many data points more than the alarm's periods are looked at: AWS says that there are some, in its example two. */
  extraPeriods: number;
  /** The second of the minute at which it evaluates. */
  second: number;
}

const PERIOD = 60;

/**
 * When an alarm goes to ALARM between two moments, in seconds, as AWS documents it:
 * - An alarm is evaluated once a minute, over a window that slides.
 *   https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
 *   https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-limits.html
 * - M breaching data points of N, in any order, are an alarm.
 *   https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
 * - More data points than N are looked at. Are N or more of them real, the newest N decide; else all real ones count, and
 *   what is missing is taken for what TreatMissingData says. A late data point counts as soon as it is there.
 *   https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 * The newest data point is that of the last whole minute, or of the last whole minutes that make one.
 */
export function firstAlarm(
  alarm: AlarmProperties,
  data: Data,
  [from, to]: [number, number],
  options: EvaluatorOptions,
): number | undefined {
  for (let now = Math.ceil(from / PERIOD) * PERIOD + options.second; now <= to; now += PERIOD) {
    if (isInAlarm(alarm, data, now, options.extraPeriods)) return now;
  }
  return undefined;
}

/** How often an alarm goes to ALARM between two moments. */
export function timesRaised(
  alarm: AlarmProperties,
  data: Data,
  [from, to]: [number, number],
  options: EvaluatorOptions,
) {
  let raised = 0;
  let before = false;
  for (let now = Math.ceil(from / PERIOD) * PERIOD + options.second; now <= to; now += PERIOD) {
    const after = isInAlarm(alarm, data, now, options.extraPeriods);
    if (after && !before) raised += 1;
    before = after;
  }
  return raised;
}

function isInAlarm(alarm: AlarmProperties, data: Data, now: number, extraPeriods: number): boolean {
  const newest = Math.floor(now / PERIOD) - 1;
  const periods = alarm.EvaluationPeriods + extraPeriods;
  const width = minutesOf(alarm);
  const minutes = Array.from({ length: periods }, (_, i) => newest - (periods - 1 - i) * width);
  const values = resultOf(alarm, data, now, minutes);
  return breaches(
    alarm,
    minutes.map((minute) => values.get(minute)),
  );
}

/** How many minutes make a data point, which goes by the last of them. */
function minutesOf({ Metrics }: AlarmProperties): number {
  const periods = new Set(Metrics.flatMap(({ MetricStat }) => (MetricStat ? [MetricStat.Period] : [])));
  const [period = PERIOD, ...others] = periods;
  if (others.length > 0) throw new Error('the metrics of an alarm have one period');
  return period / PERIOD;
}

/** Whether the data points that were retrieved, the oldest first, are an alarm. */
export function breaches(
  alarm: Pick<AlarmProperties, 'DatapointsToAlarm' | 'EvaluationPeriods' | 'TreatMissingData'> & Threshold,
  retrieved: readonly (number | undefined)[],
): boolean {
  const { DatapointsToAlarm, EvaluationPeriods, TreatMissingData } = alarm;
  if (TreatMissingData !== 'notBreaching' && TreatMissingData !== 'breaching') throw new Error('say what is missing');
  const real = retrieved.filter((value) => value !== undefined);
  const evaluated = real.slice(-EvaluationPeriods);
  const missing = TreatMissingData === 'breaching' ? EvaluationPeriods - evaluated.length : 0;
  return evaluated.filter((value) => passes(alarm, value)).length + missing >= DatapointsToAlarm;
}

type Threshold = Pick<AlarmProperties, 'ComparisonOperator' | 'Threshold'>;

function passes({ ComparisonOperator, Threshold }: Threshold, value: number): boolean {
  switch (ComparisonOperator) {
    case 'GreaterThanThreshold':
      return value > Threshold;
    case 'LessThanOrEqualToThreshold':
      return value <= Threshold;
    default:
      throw new Error(`unknown operator ${ComparisonOperator}`);
  }
}

function resultOf({ Metrics }: AlarmProperties, data: Data, now: number, minutes: readonly number[]): Series {
  const series = new Map<string, Series>();
  let result: Series = new Map();
  for (const { Id, ReturnData, Expression, MetricStat } of Metrics) {
    const values = MetricStat
      ? statistics(MetricStat, data.get(nameOf(MetricStat.Metric)) ?? [], now, minutes)
      : calculate(Expression ?? '', series, minutes);
    series.set(Id, values);
    if (ReturnData) result = values;
  }
  return result;
}

function statistics(
  { Stat, Period }: { Stat: string; Period: number },
  points: readonly DataPoint[],
  now: number,
  minutes: readonly number[],
): Series {
  const byMinute = index(points);
  const width = Period / PERIOD;
  return new Map(
    minutes.flatMap((minute) => {
      const all = Array.from({ length: width }, (_, i) => byMinute.get(minute - i) ?? []).flat();
      const some = all.filter(({ visibleAt }) => visibleAt <= now);
      return some.length > 0 ? [[minute, statistic(Stat, some)]] : [];
    }),
  );
}

const indexes = new WeakMap<readonly DataPoint[], Map<number, DataPoint[]>>();

function index(points: readonly DataPoint[]): ReadonlyMap<number, readonly DataPoint[]> {
  const held = indexes.get(points);
  if (held) return held;
  const byMinute = Map.groupBy(points, ({ at }) => Math.floor(at / PERIOD));
  indexes.set(points, byMinute);
  return byMinute;
}

function statistic(name: string, points: readonly DataPoint[]): number {
  const sum = points.reduce((total, { value, times }) => total + value * times, 0);
  const count = points.reduce((total, { times }) => total + times, 0);
  switch (name) {
    case 'Sum':
      return sum;
    case 'SampleCount':
      return count;
    case 'Average':
      return sum / count;
    case 'Maximum':
      return Math.max(...points.map(({ value }) => value));
    case 'p99': {
      const sorted = [...points].sort((a, b) => b.value - a.value);
      let above = 0;
      const found = sorted.find(({ times }) => {
        above += times;
        return above > count / 100;
      });
      return found?.value ?? 0;
    }
    default:
      throw new Error(`unknown statistic ${name}`);
  }
}

/** A metric's name and what tells it from others: a door, a code, or the logical id of a function, queue or API. */
export function nameOf({ MetricName, Dimensions }: Metric): string {
  const values = Dimensions.filter(({ Name }) => Name !== 'service').map(({ Value }) => logicalId(Value));
  return [MetricName, ...values].join(' ');
}

function logicalId(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const [target] = Object.values(value).flat();
  return String(target);
}
