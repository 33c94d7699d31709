import type { Registry } from 'prom-client'
import type { Clock } from '../../base/clock.ts'
import { type HistogramTally, TallyHistogram } from '../../base/tallies.ts'

export type AdmissionStep = 'admit' | 'validate'

/** Where it is counted how long something took, by how it ended. Looked up once by who is timed often. */
export interface Outcomes {
  passed: HistogramTally
  refused: HistogramTally
}

const labels = ['type', 'operation', 'rejected'] as const
const buckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5]

/** How long admission takes: `apiserver_admission_step_*` and `_controller_*`, under kube-apiserver's names and labels. */
export class AdmissionMetrics {
  readonly #clock: Clock
  readonly #step: TallyHistogram
  readonly #controller: TallyHistogram

  constructor(registers: Registry[], clock: Clock) {
    this.#clock = clock
    this.#step = new TallyHistogram({
      name: 'apiserver_admission_step_admission_duration_seconds',
      help: 'Time that all plugins took, by what they were asked for.',
      ...{ labelNames: labels, buckets, registers },
    })
    this.#controller = new TallyHistogram({
      name: 'apiserver_admission_controller_admission_duration_seconds',
      help: 'Time that a plugin took, by what it was asked for.',
      ...{ labelNames: ['name', ...labels], buckets, registers },
    })
  }

  /** Seconds by a clock that only goes forward. */
  now(): number {
    return this.#clock.monotonicMs() / 1000
  }

  step(type: AdmissionStep, operation: string): Outcomes {
    return outcomes(this.#step, { type, operation })
  }

  plugin(name: string, type: AdmissionStep, operation: string): Outcomes {
    return outcomes(this.#controller, { name, type, operation })
  }
}

const outcomes = (histogram: TallyHistogram, about: Record<string, string>): Outcomes => ({
  passed: histogram.of({ ...about, rejected: 'false' }),
  refused: histogram.of({ ...about, rejected: 'true' }),
})
