/** Prometheus' text format, as far as a server of ours writes it. */
export interface Sample {
  labels: Record<string, string>;
  value: number;
}
export type Metrics = Map<string, Sample[]>;

export function parseMetrics(text: string): Metrics {
  const found: Metrics = new Map();
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!match) continue;
    const labels = Object.fromEntries([...(match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name!, value!]));
    const value = match[3] === "+Inf" ? Infinity : Number(match[3]);
    const samples = found.get(match[1]!);
    if (samples) samples.push({ labels, value });
    else found.set(match[1]!, [{ labels, value }]);
  }
  return found;
}

/** The sum over all samples whose labels are those; undefined when there is no such metric. */
export function total(metrics: Metrics, name: string, labels: Record<string, string> = {}): number | undefined {
  return metrics
    .get(name)
    ?.filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

/** The smallest bound of a histogram below which that share of its observations lies. */
export function quantileBound(metrics: Metrics, name: string, share: number): number | undefined {
  const byBound = new Map<number, number>();
  for (const { labels, value } of metrics.get(`${name}_bucket`) ?? []) {
    const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
    byBound.set(bound, (byBound.get(bound) ?? 0) + value);
  }
  const bounds = [...byBound].sort(([a], [b]) => a - b);
  const all = bounds.at(-1)?.[1] ?? 0;
  if (all === 0) return undefined;
  return bounds.find(([, below]) => below >= share * all)?.[0];
}
