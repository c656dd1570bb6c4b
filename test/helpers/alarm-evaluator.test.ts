import { describe, expect, it } from 'vitest';
import { type AlarmProperties, breaches, type DataPoint, firstAlarm } from './alarm-evaluator.ts';
import { calculate, type Series } from './alarm-expression.ts';

const MINUTE = 60;
const OVER = { ComparisonOperator: 'GreaterThanThreshold', Threshold: 0 };

describe('missing data points', () => {
  // The tables of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
  it.each([
    [3, '0 - X - X', false, false],
    [3, '0 - - - -', false, false],
    [3, '- - - - -', true, false],
    [3, '0 X X - X', true, true],
    [3, '- - - - X', true, false],
    [3, 'X - - - -', true, false],
    [2, '0 - X - X', true, true],
    [2, '0 0 X 0 X', true, true],
    [2, '0 - X - -', true, false],
    [2, '- - - - 0', true, false],
    [2, '- - - - X', true, false],
  ])('%i of 3 with %s are an alarm if they are breaching: %s, and if they are not: %s', (m, text, bad, good) => {
    const retrieved = text.split(' ').map((sign) => (sign === '-' ? undefined : sign === 'X' ? 1 : 0));
    const alarm = { ...OVER, DatapointsToAlarm: m, EvaluationPeriods: 3 };
    expect(breaches({ ...alarm, TreatMissingData: 'breaching' }, retrieved)).toBe(bad);
    expect(breaches({ ...alarm, TreatMissingData: 'notBreaching' }, retrieved)).toBe(good);
  });
});

describe('metric math', () => {
  const minutes = [1, 2, 3, 4];
  const m0: Series = new Map([
    [1, 6],
    [2, 4],
    [3, 0],
  ]);
  const m1: Series = new Map([
    [1, 2],
    [3, 0],
    [4, 5],
  ]);
  const series = new Map([
    ['m0', m0],
    ['m1', m1],
  ]);
  const values = (expression: string) => [...calculate(expression, series, minutes)].sort(([a], [b]) => a - b);

  it('takes what is missing for 0 where the other has a value, and drops what divides by zero', () => {
    expect(values('m0 + m1')).toEqual([
      [1, 8],
      [2, 4],
      [3, 0],
      [4, 5],
    ]);
    expect(values('100 * m0 / m1')).toEqual([
      [1, 300],
      [4, 0],
    ]);
    expect(values('m0 / (m0 - m1 - m1)')).toEqual([
      [1, 3],
      [2, 1],
      [4, -0],
    ]);
  });

  it('compares to 1 or 0, after sums', () => {
    expect(values('(m0 + m1 > 4) * m1')).toEqual([
      [1, 2],
      [2, 0],
      [3, 0],
      [4, 5],
    ]);
  });

  it('gives the difference to the value before, and fills what is missing', () => {
    expect(values('DIFF(m1)')).toEqual([
      [3, -2],
      [4, 5],
    ]);
    expect(values('FILL(m1, 7)')).toEqual([
      [1, 2],
      [2, 7],
      [3, 0],
      [4, 5],
    ]);
  });

  it('refuses what it does not know', () => {
    expect(() => values('m2')).toThrow('what is m2?');
    expect(() => values('(m0')).toThrow('a bracket is missing');
    expect(() => values('m0 m1')).toThrow('m1 is left over');
  });
});

describe('a metric whose data points are 70 seconds late', () => {
  const points: DataPoint[] = Array.from({ length: 20 }, (_, i) => {
    return { at: 6000 + i * MINUTE, visibleAt: 6000 + i * MINUTE + 70, value: 1, times: 1 };
  });
  const alarm = (expression: string, m: number, n: number): AlarmProperties => ({
    ...OVER,
    AlarmDescription: '',
    Metrics: [
      {
        Id: 'm0',
        ReturnData: false,
        MetricStat: { Metric: { Namespace: 'n', MetricName: 'Late', Dimensions: [] }, Period: MINUTE, Stat: 'Sum' },
      },
      { Id: 'result', ReturnData: true, Expression: expression },
    ],
    DatapointsToAlarm: m,
    EvaluationPeriods: n,
    TreatMissingData: 'notBreaching',
  });
  const fires = (one: AlarmProperties) =>
    firstAlarm(one, new Map([['Late', points]]), [6000, 6000 + 20 * MINUTE], { second: 0, extraPeriods: 2 });

  it('never raises an alarm that fills what is missing and looks at the newest minute alone', () => {
    expect(fires(alarm('FILL(m0, 0)', 1, 1))).toBeUndefined();
  });

  it('raises one that looks for a breach in 5 minutes, filled or not, as soon as the first point is there', () => {
    expect(fires(alarm('m0 + m0', 1, 5))).toBe(6000 + 2 * MINUTE);
    expect(fires(alarm('FILL(m0, 0)', 1, 5))).toBe(6000 + 2 * MINUTE);
  });
});
