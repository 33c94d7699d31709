import type { Metric, Registry } from 'prom-client'

// What is counted several times a request or a look. prom-client looks its series up by a text of all labels each time that it
// observes anything; here that is done once by whoever counts often, and what is left is an addition. What /metrics tells is
// the same.

interface TallyOptions {
  name: string
  help: string
  /** None unless given: then there is one series, told from the beginning. */
  labelNames?: readonly string[]
  registers: Registry[]
}

type Labels = Record<string, string>

interface Value {
  labels: Record<string, string | number>
  value: number
  /** Of all values of the series. */
  sharedLabels: Labels
  metricName?: string
}

/** Who reads `texts` lets others be served after so many characters. */
const partChars = 64 * 1024

/** Series by their labels, shown once something was counted in them. */
export abstract class TallyFamily<Series extends { count: number; labels: Labels }> {
  abstract readonly type: 'counter' | 'histogram'
  readonly name: string
  readonly help: string
  readonly #labelNames: readonly string[]
  readonly #series = new Map<string, Series>()
  /** Their labels as they are written. */
  readonly #texts = new WeakMap<Series, string>()

  constructor({ name, help, labelNames = [], registers }: TallyOptions) {
    this.name = name
    this.help = help
    this.#labelNames = labelNames
    // A registry asks its metrics only for their name and `get`.
    for (const registry of registers) registry.registerMetric(this as unknown as Metric)
  }

  protected abstract create(labels: Labels): Series
  protected abstract values(series: Series): Value[]
  /** The lines of a series, each with a break before it. @param labels as they are written, without braces */
  protected abstract lines(series: Series, labels: string): string

  /** The same one for the same labels: to be kept by who counts. */
  of(labels: Labels = {}): Series {
    const key = this.#labelNames.map(name => labels[name] ?? '').join('\0')
    let series = this.#series.get(key)
    if (!series) this.#series.set(key, (series = this.create(labels)))
    return series
  }

  async get() {
    const values = this.#counted().map(({ labels, sharedLabels, ...value }) => ({
      ...value,
      labels: { ...labels, ...sharedLabels },
    }))
    return { name: this.name, help: this.help, type: this.type, values, aggregator: 'sum' }
  }

  /** The same for who writes text: what the values of a series have in common is written once, and kept. */
  async getForPromString() {
    return { name: this.name, help: this.help, type: this.type, values: this.#counted() }
  }

  /** The text that prom-client's registry would make, in parts: thousands of series take long. */
  *texts(): Generator<string, void, undefined> {
    let part = `# HELP ${this.name} ${escaped(this.help)}\n# TYPE ${this.name} ${this.type}`
    for (const series of this.#shown()) {
      let labels = this.#texts.get(series)
      if (labels === undefined) this.#texts.set(series, (labels = labelText(series.labels)))
      part += this.lines(series, labels)
      if (part.length < partChars) continue
      yield part
      part = ''
    }
    if (part) yield part
  }

  #shown(): Series[] {
    if (!this.#labelNames.length) this.of()
    return [...this.#series.values()].filter(series => series.count > 0 || !this.#labelNames.length)
  }

  #counted(): Value[] {
    return this.#shown().flatMap(series => this.values(series))
  }
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

const labelText = (labels: Labels) =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`)
    .join()

/** Counts under one set of labels. */
export class Tally {
  count = 0
  readonly labels: Labels

  constructor(labels: Labels) {
    this.labels = labels
  }

  inc(by = 1): void {
    this.count += by
  }
}

/** A counter, for what is counted often. */
export class TallyCounter extends TallyFamily<Tally> {
  readonly type = 'counter'

  protected create(labels: Labels): Tally {
    return new Tally(labels)
  }

  protected values({ labels, count }: Tally): Value[] {
    return [{ labels: {}, sharedLabels: labels, value: count }]
  }

  protected lines({ count }: Tally, labels: string): string {
    return `\n${this.name}${labels && `{${labels}}`} ${count}`
  }
}

/** Observations under one set of labels. */
export class HistogramTally {
  count = 0
  sum = 0
  readonly labels: Labels
  readonly #bounds: readonly number[]
  /** How many lie at or below each bound and above the one before; the last is of those above all. */
  readonly perBucket: number[]

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels
    this.#bounds = bounds
    this.perBucket = new Array<number>(bounds.length + 1).fill(0)
  }

  /** @param times how often; of what lasts, how many units of time */
  observe(value: number, times = 1): void {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    this.perBucket[bucket]! += times
    this.sum += value * times
    this.count += times
  }
}

/** A histogram, for what is observed often. Its buckets are in ascending order. */
export class TallyHistogram extends TallyFamily<HistogramTally> {
  readonly type = 'histogram'
  readonly #bounds: readonly number[]

  constructor({ buckets, ...options }: TallyOptions & { buckets: readonly number[] }) {
    super(options)
    this.#bounds = buckets
  }

  protected create(labels: Labels): HistogramTally {
    return new HistogramTally(labels, this.#bounds)
  }

  protected values({ labels, count, sum, perBucket }: HistogramTally): Value[] {
    let below = 0
    const metricName = `${this.name}_bucket`
    const upTo = (le: number | string, value: number) => ({ labels: { le }, sharedLabels: labels, value, metricName })
    return [
      ...this.#bounds.map((bound, i) => upTo(bound, (below += perBucket[i]!))),
      upTo('+Inf', count),
      { labels: {}, sharedLabels: labels, value: sum, metricName: `${this.name}_sum` },
      { labels: {}, sharedLabels: labels, value: count, metricName: `${this.name}_count` },
    ]
  }

  protected lines({ count, sum, perBucket }: HistogramTally, labels: string): string {
    const { name } = this
    const more = labels && `,${labels}`
    let [text, below] = ['', 0]
    for (const [i, bound] of this.#bounds.entries())
      text += `\n${name}_bucket{le="${bound}"${more}} ${(below += perBucket[i]!)}`
    const own = labels && `{${labels}}`
    return `${text}\n${name}_bucket{le="+Inf"${more}} ${count}\n${name}_sum${own} ${sum}\n${name}_count${own} ${count}`
  }
}
