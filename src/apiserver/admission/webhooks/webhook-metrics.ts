import { Counter, Histogram, type Registry } from 'prom-client'

/** One question to a webhook and what came of it. */
export interface Asked {
  name: string
  type: 'admit' | 'validating'
  operation: string
  seconds: number
  /** HTTP status of its answer, or of its refusal; 0: there was none. */
  code: number
  /** The request ends here. */
  rejected: boolean
  /** It could not be asked. */
  failed: boolean
}

const about = ['name', 'type', 'operation', 'rejected'] as const

/** What `kube-apiserver` counts of webhooks, under its names and labels. */
export class WebhookMetrics {
  readonly #duration: Histogram
  readonly #requests: Counter
  readonly #rejections: Counter
  readonly #failedOpen: Counter

  constructor(registry: Registry) {
    const registers = [registry]
    this.#duration = new Histogram({
      name: 'apiserver_admission_webhook_admission_duration_seconds',
      help: 'Time that a webhook took.',
      labelNames: about,
      buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25],
      registers,
    })
    this.#requests = new Counter({
      name: 'apiserver_admission_webhook_request_total',
      help: 'Questions to webhooks by the HTTP status of their answer.',
      labelNames: [...about, 'code'],
      registers,
    })
    this.#rejections = new Counter({
      name: 'apiserver_admission_webhook_rejection_count',
      help: 'Requests that ended at a webhook, by whether it refused or could not be asked.',
      labelNames: ['name', 'type', 'operation', 'error_type', 'rejection_code'],
      registers,
    })
    this.#failedOpen = new Counter({
      name: 'apiserver_admission_webhook_fail_open_count',
      help: 'Requests that went on although a webhook could not be asked.',
      labelNames: ['name', 'type'],
      registers,
    })
  }

  observe({ name, type, operation, seconds, code, rejected, failed }: Asked): void {
    const labels = { name, type, operation, rejected: String(rejected) }
    this.#duration.observe(labels, seconds)
    this.#requests.inc({ ...labels, code: String(code) })
    if (failed && !rejected) this.#failedOpen.inc({ name, type })
    if (!rejected) return
    const error_type = failed ? 'calling_webhook_error' : 'no_error'
    this.#rejections.inc({ name, type, operation, error_type, rejection_code: String(failed ? 0 : code) })
  }
}
