import { PassThrough } from 'node:stream'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { sink } from './answers.ts'
import type { BackendClient, BackendQuestion } from './backend-client.ts'
import type { Balancer } from './balancer.ts'
import type { Endpoint, Mirror } from './routing-table.ts'

/** A copy that lags so far behind the original, in bytes, is given up. */
const mostBehind = 4 * 2 ** 20
const none: ReadonlySet<Endpoint> = new Set()

/** Sends copies of requests to backends whose answers nobody sees. They hold up nothing. */
export class Mirroring {
  readonly #client: BackendClient
  readonly #balancer: Balancer
  readonly #log: Logger
  /** How far each mirror is behind its part of the requests. */
  readonly #due = new WeakMap<Mirror, number>()

  constructor(client: BackendClient, balancer: Balancer, log: Logger) {
    this.#client = client
    this.#balancer = balancer
    this.#log = log
  }

  /** @returns the question, whose body is copied as it is read */
  copied(question: BackendQuestion, mirrors: readonly Mirror[]): BackendQuestion {
    const copies = mirrors.filter(mirror => this.#isDue(mirror)).map(mirror => this.#send(question, mirror))
    const { body } = question
    if (!body || !copies.length) return question
    return { ...question, body: () => teed(body(), copies) }
  }

  #isDue(mirror: Mirror): boolean {
    const due = (this.#due.get(mirror) ?? 0) + mirror.fraction
    this.#due.set(mirror, due >= 1 ? due - 1 : due)
    return due >= 1
  }

  #send(question: BackendQuestion, { backend }: Mirror): PassThrough {
    const copy = new PassThrough({ highWaterMark: mostBehind })
    copy.on('error', () => {})
    const endpoint = this.#balancer.choose(backend, none)
    if (!endpoint) return copy.destroy()
    const done = this.#balancer.begin(endpoint)
    const sent = { ...question, ...(question.body ? { body: () => copy } : {}) }
    this.#client
      .ask(endpoint, backend, sent, sink)
      .catch(error =>
        this.#log.debug({ backend: backend.name, error: explain(error) }, 'a copy of a request got no answer'),
      )
      .finally(done)
    return copy
  }
}

async function* teed(body: AsyncIterable<Buffer>, copies: readonly PassThrough[]): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body) {
      for (const copy of copies) if (!copy.destroyed && !copy.write(chunk)) copy.destroy()
      yield chunk
    }
    for (const copy of copies) if (!copy.destroyed) copy.end()
  } finally {
    for (const copy of copies) if (!copy.writableEnded) copy.destroy()
  }
}
