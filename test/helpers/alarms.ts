import { createRequire } from 'node:module';

interface Metric {
  Namespace: string;
  MetricName: string;
  Dimensions: { Name: string; Value: string }[];
}
interface Alarm {
  Properties: { Metrics: { MetricStat?: { Metric: Metric } }[] };
}
const { Resources }: { Resources: Record<string, Alarm> } = createRequire(import.meta.url)(
  '../../resources/alarms.cjs',
);

/** For each alarm that watches what this service counts: the metrics, each with its code or its door. */
export function ownMetricsOfAlarms(): string[][] {
  const watched = Object.values(Resources).map(({ Properties }) =>
    Properties.Metrics.flatMap(({ MetricStat }) =>
      MetricStat?.Metric.Namespace.startsWith('AWS/') === false ? [MetricStat.Metric] : [],
    ),
  );
  return watched
    .filter((metrics) => metrics.length > 0)
    .map((metrics) => metrics.map(({ MetricName, Dimensions }) => `${MetricName} ${Dimensions[1]?.Value}`));
}
