import { createRequire } from 'node:module';
import { type AlarmProperties, nameOf } from './alarm-evaluator.ts';

const { Resources }: { Resources: Record<string, { Properties: AlarmProperties }> } = createRequire(import.meta.url)(
  '../../resources/alarms.cjs',
);

/** Every alarm of the template by its name. */
export const ALARMS: ReadonlyMap<string, AlarmProperties> = new Map(
  Object.entries(Resources).map(([id, { Properties }]) => [id.replace(/Alarm$/, ''), Properties]),
);

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
