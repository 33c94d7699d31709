/** One line of the table. */
export interface Row {
  what: string
  /** For people, with units: `4,210/s (p50 14 ms, p99 31 ms)`. */
  value: string
  /** What we want: `≤ 0.5 s`. */
  goal?: string
  reached?: boolean
  /** What the machine or the profile says about it. */
  note?: string
}

/** A file of bench/measurements: something measured from outside, on the built program. */
export interface Measurement {
  name: string
  /** One sentence for the report: what is done, under which conditions. */
  about: string
  run(): AsyncIterable<Row>
}

export const rounded = (n: number, digits = 0): string => Number(n.toFixed(digits)).toLocaleString('en')
