import { createRequire } from 'node:module';
import { type AlarmProperties, nameOf } from './alarm-evaluator.ts';

interface Stage {
  alarmTopicArn: string;
  ticketTopicArn: string;
  resultBus: string;
  region: string;
}
const { alarmsOf }: { alarmsOf: (stage: Stage) => Record<string, { Type: string; Properties: AlarmProperties }> } =
  createRequire(import.meta.url)('../../resources/alarms.cjs');

/** The alarms of a stage by their names. */
export function alarmsOfStage(changes: Partial<Stage> = {}): Map<string, AlarmProperties> {
  const stage = { alarmTopicArn: '', ticketTopicArn: '', resultBus: 'results', region: 'us-east-1', ...changes };
  return new Map(
    Object.entries(alarmsOf(stage)).flatMap(([id, { Type, Properties }]) =>
      Type === 'AWS::CloudWatch::Alarm' ? [[id.replace(/Alarm$/, ''), Properties] as const] : [],
    ),
  );
}

/** Every alarm that there is. */
export const ALARMS: ReadonlyMap<string, AlarmProperties> = alarmsOfStage();

export function isPage({ AlarmDescription }: AlarmProperties): boolean {
  return AlarmDescription.startsWith('PAGE.');
}

/** For each alarm that watches what the doors count: the metrics, each with its code or its door. */
export function ownMetricsOfAlarms(): string[][] {
  return [...ALARMS.values()]
    .map(({ Metrics }) =>
      Metrics.flatMap(({ MetricStat }) =>
        MetricStat?.Metric.Dimensions.some(({ Name }) => Name === 'service') ? [nameOf(MetricStat.Metric)] : [],
      ),
    )
    .filter((metrics) => metrics.length > 0);
}
