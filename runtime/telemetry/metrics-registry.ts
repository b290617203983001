/**
 * Counters, gauges and histograms in Prometheus' text format 0.0.4. Small on purpose (docs/decisions/0007): an update
 * on the path of a call is one look-up in a map. The number of series is bounded, because names come from callers.
 */
export type LabelValues = readonly string[];

interface Metric {
  lines(): Iterable<string>;
}

/** Series of one metric at most; what comes after counts as `other`. */
const MAX_SERIES = 1000;
const SEPARATOR = '\u0000';

function labelText(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

function series(name: string, labels: LabelValues, values: LabelValues, extra = ''): string {
  const pairs = labels.map((label, index) => `${label}="${labelText(values[index] ?? '')}"`);
  if (extra !== '') pairs.push(extra);
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

/** Values by their labels, in order of first use. */
class SeriesMap<T> {
  readonly #labels: LabelValues;
  readonly #make: () => T;
  readonly #map = new Map<string, { values: LabelValues; item: T }>();

  constructor(labels: LabelValues, make: () => T) {
    this.#labels = labels;
    this.#make = make;
  }

  get(values: LabelValues): T {
    const key = values.length === 1 ? (values[0] as string) : values.join(SEPARATOR);
    let entry = this.#map.get(key);
    if (entry === undefined) {
      if (this.#map.size >= MAX_SERIES) return this.#other();
      entry = { values: [...values], item: this.#make() };
      this.#map.set(key, entry);
    }
    return entry.item;
  }

  #other(): T {
    const values = this.#labels.map(() => 'other');
    const key = values.join(SEPARATOR);
    let entry = this.#map.get(key);
    if (entry === undefined) {
      entry = { values, item: this.#make() };
      this.#map.set(key, entry);
    }
    return entry.item;
  }

  entries(): Iterable<{ values: LabelValues; item: T }> {
    return this.#map.values();
  }
}

export class Counter implements Metric {
  readonly #name: string;
  readonly #labels: LabelValues;
  readonly #series: SeriesMap<{ count: number }>;

  constructor(name: string, labels: LabelValues) {
    this.#name = name;
    this.#labels = labels;
    this.#series = new SeriesMap(labels, () => ({ count: 0 }));
    if (labels.length === 0) this.#series.get([]);
  }

  add(values: LabelValues = [], amount = 1): void {
    this.#series.get(values).count += amount;
  }

  *lines(): Iterable<string> {
    for (const { values, item } of this.#series.entries()) {
      yield `${series(this.#name, this.#labels, values)} ${numberText(item.count)}`;
    }
  }
}

export class Histogram implements Metric {
  readonly #name: string;
  readonly #labels: LabelValues;
  readonly #bounds: readonly number[];
  readonly #series: SeriesMap<{ counts: number[]; sum: number }>;

  constructor(name: string, labels: LabelValues, bounds: readonly number[]) {
    this.#name = name;
    this.#labels = labels;
    this.#bounds = bounds;
    this.#series = new SeriesMap(labels, () => ({ counts: new Array(bounds.length + 1).fill(0) as number[], sum: 0 }));
  }

  observe(value: number, values: LabelValues = []): void {
    const item = this.#series.get(values);
    let index = 0;
    while (index < this.#bounds.length && value > (this.#bounds[index] as number)) index++;
    item.counts[index] = (item.counts[index] as number) + 1;
    item.sum += value;
  }

  *lines(): Iterable<string> {
    for (const { values, item } of this.#series.entries()) {
      let total = 0;
      for (const [index, count] of item.counts.entries()) {
        total += count;
        const bound = this.#bounds[index] ?? Number.POSITIVE_INFINITY;
        yield `${series(`${this.#name}_bucket`, this.#labels, values, `le="${numberText(bound)}"`)} ${total}`;
      }
      yield `${series(`${this.#name}_sum`, this.#labels, values)} ${numberText(item.sum)}`;
      yield `${series(`${this.#name}_count`, this.#labels, values)} ${total}`;
    }
  }
}

export interface Sample {
  value: number;
  labels?: LabelValues;
}

/** Read when somebody asks. */
class Reading implements Metric {
  readonly #name: string;
  readonly #labels: LabelValues;
  readonly #read: () => Iterable<Sample>;

  constructor(name: string, labels: LabelValues, read: () => Iterable<Sample>) {
    this.#name = name;
    this.#labels = labels;
    this.#read = read;
  }

  *lines(): Iterable<string> {
    for (const { value, labels = [] } of this.#read()) {
      yield `${series(this.#name, this.#labels, labels)} ${numberText(value)}`;
    }
  }
}

type Kind = 'counter' | 'gauge' | 'histogram';

export class MetricsRegistry {
  readonly #metrics = new Map<string, { kind: Kind; help: string; metric: Metric }>();

  counter(name: string, help: string, labels: LabelValues = []): Counter {
    return this.#add(name, 'counter', help, new Counter(name, labels));
  }

  /** Seconds; the bounds ascend. */
  histogram(name: string, help: string, labels: LabelValues, bounds: readonly number[]): Histogram {
    return this.#add(name, 'histogram', help, new Histogram(name, labels, bounds));
  }

  /** A value, or samples with labels, read at every scrape. Nothing where it is not known. */
  reading(
    kind: 'gauge' | 'counter',
    name: string,
    help: string,
    read: () => number | undefined | Iterable<Sample>,
    labels: LabelValues = [],
  ): void {
    const samples = (): Iterable<Sample> => {
      const value = read();
      if (value === undefined) return [];
      return typeof value === 'number' ? [{ value }] : value;
    };
    this.#add(name, kind, help, new Reading(name, labels, samples));
  }

  text(): string {
    let text = '';
    for (const [name, { kind, help, metric }] of this.#metrics) {
      const lines = [...metric.lines()];
      if (lines.length > 0) text += `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('\n')}\n`;
    }
    return text;
  }

  #add<M extends Metric>(name: string, kind: Kind, help: string, metric: M): M {
    if (this.#metrics.has(name)) throw new Error(`the metric ${name} is there already`);
    this.#metrics.set(name, { kind, help, metric });
    return metric;
  }
}
