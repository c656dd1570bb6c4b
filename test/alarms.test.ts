import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { awsCases, type Case, recordedCases } from './helpers/alarm-cases.ts';
import { type AlarmProperties, firstAlarm, timesRaised } from './helpers/alarm-evaluator.ts';
import { alarmTable } from './helpers/alarm-table.ts';
import { dataOf, type Lateness, type Pattern } from './helpers/alarm-traffic.ts';
import { ALARMS, isPage, ownMetricsOfAlarms } from './helpers/alarms.ts';
import { type FaultName, type Recording, recordFaults } from './helpers/recorded-faults.ts';
import { refusalCases } from './helpers/refusal-cases.ts';

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;
const LATENESS: Lateness[] = [3, 70].flatMap((ours) => [3, 70].map((aws) => ({ ours, aws })));
/** Seconds of a minute: at which faults begin. */
const BEGINS = [0, 8, 59];
const EVALUATORS = [0, 59].flatMap((second) => [0, 2].map((extraPeriods) => ({ second, extraPeriods })));
/** Long enough for what has to be 15 minutes old. */
const WATCHED = 35 * MINUTE;

let recorded: Map<FaultName, Recording[]>;
beforeAll(async () => {
  recorded = await recordFaults();
}, 300_000);

function alarmNamed(name: string): AlarmProperties {
  const alarm = ALARMS.get(name);
  if (!alarm) throw new Error(`no alarm ${name}`);
  return alarm;
}

/** How long after the fault an alarm fires, in seconds, however late data points come and whenever it all begins. */
function slowest(alarms: readonly AlarmProperties[], patterns: readonly Pattern[]): number {
  let worst = 0;
  for (const pattern of patterns) {
    for (const begin of BEGINS) {
      for (const lateness of LATENESS) {
        const from = DAY + begin;
        const data = dataOf(pattern, lateness, from, WATCHED);
        for (const options of EVALUATORS) {
          const times = alarms.map((alarm) => {
            return (firstAlarm(alarm, data, [from, from + WATCHED], options) ?? Infinity) - from;
          });
          worst = Math.max(worst, Math.min(...times));
        }
      }
    }
  }
  return worst;
}

const inMinutes = (seconds: number): number => Math.ceil(seconds / MINUTE);

describe('the alarms', () => {
  const documented = new Map(alarmTable().map((row) => [row.alarm, row]));

  it('fire within the stated time, with what the doors emit and data points 3 and 70 seconds late', () => {
    const cases = [...recordedCases(recorded), ...awsCases(), ...refusalCases(recorded)];
    const rows = cases.flatMap(({ fault, traffic, patterns, alarms }: Case) =>
      alarms.map((alarm) => {
        const minutes = inMinutes(slowest([alarmNamed(alarm)], patterns));
        return { fault, traffic, alarm, minutes, stated: documented.get(alarm)?.minutes ?? 0 };
      }),
    );
    const width = (text: string, columns: number): string => text.padEnd(columns);
    const lines = rows.map(({ fault, traffic, alarm, minutes, stated }) => {
      const who = isPage(alarmNamed(alarm)) ? 'page' : 'ticket';
      return `${width(fault, 34)}${width(traffic, 26)}${width(alarm, 24)}${width(who, 8)}${minutes} of ${stated} min`;
    });
    process.stdout.write(`${lines.join('\n')}\n`);
    expect(rows.filter(({ minutes, stated }) => minutes > stated)).toEqual([]);
    // A case proves every alarm.
    expect([...ALARMS.keys()].filter((name) => !rows.some(({ alarm }) => alarm === name))).toEqual([]);
  }, 300_000);

  it('page within 10 minutes for each failure that stops all joins of a door', () => {
    const stopping = [...recordedCases(recorded), ...awsCases()].flatMap(({ alarms, ...one }) => {
      const pages = alarms.map(alarmNamed).filter(isPage);
      return pages.length > 0 ? [{ ...one, pages }] : [];
    });
    const slow = stopping
      .map(({ fault, traffic, patterns, pages }) => ({ fault, traffic, minutes: inMinutes(slowest(pages, patterns)) }))
      .filter(({ minutes }) => minutes > 10);
    expect(stopping.length).toBeGreaterThan(50);
    expect(slow).toEqual([]);
  }, 300_000);

  it('page within 15 minutes if everybody is refused, whatever the reason', () => {
    const cases = refusalCases(recorded);
    const slow = cases
      .map(({ fault, traffic, patterns, alarms }) => {
        return { fault, traffic, minutes: inMinutes(slowest(alarms.map(alarmNamed).filter(isPage), patterns)) };
      })
      .filter(({ minutes }) => minutes > 15);
    expect(cases).toHaveLength(3 * (5 + 2 * 3));
    expect(slow).toEqual([]);
  }, 300_000);

  it('stay raised as long as the failure lasts, and do not notify again and again', () => {
    const again = [...recordedCases(recorded), ...awsCases(), ...refusalCases(recorded)].flatMap(
      ({ fault, traffic, patterns, alarms }) =>
        alarms
          .filter((name) =>
            patterns.some((pattern) => {
              const range: [number, number] = [DAY, DAY + 60 * MINUTE];
              const data = dataOf(pattern, { ours: 70, aws: 3 }, DAY, 60 * MINUTE);
              return EVALUATORS.some((options) => timesRaised(alarmNamed(name), data, range, options) !== 1);
            }),
          )
          .map((name) => `${fault}, ${traffic}: ${name}`),
    );
    expect(again).toEqual([]);
  }, 300_000);

  const fired = (pattern: Pattern, from: number, seconds: number): string[] => {
    const names = LATENESS.flatMap((lateness) => {
      const data = dataOf(pattern, lateness, from, seconds);
      return EVALUATORS.flatMap((options) =>
        [...ALARMS].flatMap(([name, alarm]) => {
          const at = firstAlarm(alarm, data, [from, from + seconds + 5 * MINUTE], options);
          return at === undefined ? [] : [name];
        }),
      );
    });
    return [...new Set(names)];
  };
  const recording = (fault: FaultName, door: Recording['door']): Recording => {
    const found = recorded.get(fault)?.find((one) => one.door === door);
    if (!found) throw new Error(`nothing recorded of ${fault} at ${door}`);
    return found;
  };
  /** What SQS tells of queues in a minute in which all that came was read. */
  const quietQueues: Pattern = (traffic, from, seconds) => {
    for (let at = from; at < from + seconds; at += MINUTE) {
      for (const queue of ['JoinQueue', 'JoinDeadLetterQueue', 'FailedInvocationQueue']) {
        traffic.aws(`ApproximateNumberOfMessagesVisible ${queue}`, at, 0);
      }
    }
  };

  it('are silent on a healthy quiet day, with a failure now and then', () => {
    const quietDay: Pattern = (traffic, from, seconds) => {
      quietQueues(traffic, from, seconds);
      for (let at = from + 7; at < from + seconds; at += 2 * MINUTE) {
        traffic.request(at, recording('none', 'http'));
        traffic.request(at + 20, recording('none', 'invoke'));
        traffic.request(at + 40, recording('none', 'queue'));
        traffic.aws('NumberOfMessagesReceived JoinQueue', at + 40, 1);
      }
      for (let at = from + 600; at < from + seconds; at += 3600) {
        traffic.request(at, recording('RongCloud answers 500', 'http'));
        traffic.request(at + 900, recording('the group is full', 'invoke'));
        traffic.request(at + 1800, recording('RongCloud answers 500', 'queue'));
        traffic.request(at + 2700, recording('no token', 'http'));
      }
    };
    expect(fired(quietDay, DAY, DAY)).toEqual([]);
  }, 300_000);

  it('are silent at 100 requests a second, of which a few fail and many are refused for what they ask', () => {
    const busy: Pattern = (traffic, from, seconds) => {
      quietQueues(traffic, from, seconds);
      for (let at = from; at < from + seconds; at += 1) {
        for (const door of ['http', 'invoke', 'queue'] as const) traffic.request(at, recording('none', door), 97);
        traffic.request(at, recording('the group is full', 'invoke'), 50);
        traffic.request(at, recording('the group is full', 'http'), 50);
        if (at % 10 === 0) traffic.request(at, recording('RongCloud answers 500', 'http'), 3);
      }
    };
    expect(fired(busy, DAY, 30 * MINUTE)).toEqual([]);
  }, 300_000);

  it.each<FaultName>(["strangers' tokens", 'tokens that name the issuer', 'no token'])(
    'are silent beside %s, 500 a minute, while one join in 10 minutes succeeds',
    (fault) => {
      const junk = recorded.get(fault) ?? [];
      const besideJoins: Pattern = (traffic, from, seconds) => {
        quietQueues(traffic, from, seconds);
        for (let at = from; at < from + seconds; at += 6) {
          const recording = junk.at((at / 6) % junk.length);
          if (recording) traffic.request(at, recording, 50);
        }
        // One more after the end of the junk, since alarms are looked at for a while longer.
        for (let at = from + 7; at < from + seconds + 600; at += 600) traffic.request(at, recording('none', 'http'));
      };
      expect(junk.length).toBeGreaterThan(0);
      expect(fired(besideJoins, DAY, 3 * 60 * MINUTE)).toEqual([]);
    },
    300_000,
  );

  it('are silent while one user without a grant tries all day, or one full group is asked for', () => {
    const persistent: Pattern = (traffic, from, seconds) => {
      quietQueues(traffic, from, seconds);
      for (let at = from; at < from + seconds; at += 20) {
        traffic.request(at, recording('a rule that refuses all', 'http'));
        for (const door of ['http', 'invoke', 'queue'] as const)
          traffic.request(at, recording('the group is full', door));
      }
    };
    expect(fired(persistent, DAY, DAY)).toEqual([]);
  }, 300_000);

  it.each<FaultName>(['RongCloud rejects one user', 'RongCloud rejects one request'])(
    'are silent while %s again and again, and nobody joins',
    (fault) => {
      // What a door counts has grown by its last request.
      const last = new Map(recorded.get(fault)?.map((one) => [one.door, one]));
      const persistent: Pattern = (traffic, from, seconds) => {
        quietQueues(traffic, from, seconds);
        for (let at = from; at < from + seconds; at += 20) for (const one of last.values()) traffic.request(at, one);
      };
      expect(last.size).toBeGreaterThan(1);
      expect(fired(persistent, DAY, 3 * 60 * MINUTE)).toEqual([]);
    },
    300_000,
  );

  it('are silent in a night without traffic', () => {
    const night: Pattern = (traffic, from, seconds) => quietQueues(traffic, from, seconds);
    expect(fired(night, DAY, 8 * 60 * MINUTE)).toEqual([]);
  }, 300_000);

  it('watch some of the metrics that the doors emit all the time, as many as the costs count', () => {
    const healthy = new Set(recorded.get('none')?.flatMap(({ points }) => points.map(([name]) => name)));
    const costs = readFileSync(new URL('../docs/deployment.md', import.meta.url), 'utf8');
    expect(costs).toContain(`paid for hours with joins: ${healthy.size} if all three doors join`);
  });

  it('watch what the doors emit, by the names and dimensions that it has', () => {
    const emitted = new Set([...recorded.values()].flat().flatMap(({ points }) => points.map(([name]) => name)));
    const watched = ownMetricsOfAlarms();
    expect(watched.length).toBeGreaterThan(15);
    expect(watched.flat().filter((name) => !emitted.has(name))).toEqual([]);
  });

  it('do without FILL, which puts a value in the place of a late one, and say what a missing data point is', () => {
    for (const { Metrics, TreatMissingData } of ALARMS.values()) {
      expect(TreatMissingData).toBe('notBreaching');
      for (const { Expression } of Metrics) expect(Expression ?? '').not.toContain('FILL');
    }
  });
});
