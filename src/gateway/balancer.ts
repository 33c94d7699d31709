import type { Clock } from '../base/clock.ts'
import type { Backend, Endpoint } from './routing-table.ts'

/** How long an endpoint that could not be reached is left out while others can. */
const restMs = 2_000
/** Heavier than any number of requests. */
const resting = 1e9

interface Load {
  underWay: number
  restUntilMonoMs: number
}

/** Chooses among the endpoints of a backend: the one with the fewest requests under way, in turn among equals. */
export class Balancer {
  readonly #clock: Clock
  readonly #loads = new Map<string, Load>()
  #turn = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param tried those that have just failed for the same request; undefined when no other is left */
  choose({ endpoints }: Backend, tried: ReadonlySet<Endpoint>): Endpoint | undefined {
    const now = this.#clock.monotonicMs()
    const first = this.#turn++
    let best: Endpoint | undefined
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[(first + i) % endpoints.length]!
      if (tried.has(endpoint)) continue
      const load = this.#loads.get(keyOf(endpoint))
      const weight = !load ? 0 : load.underWay + (load.restUntilMonoMs > now ? resting : 0)
      if (weight >= least) continue
      best = endpoint
      least = weight
    }
    return best
  }

  /** A request goes there. @returns to be called when it has ended */
  begin(endpoint: Endpoint): () => void {
    const key = keyOf(endpoint)
    const load = this.#loads.get(key) ?? { underWay: 0, restUntilMonoMs: 0 }
    this.#loads.set(key, load)
    load.underWay++
    let ended = false
    return () => {
      if (ended) return
      ended = true
      load.underWay--
      if (load.underWay === 0 && load.restUntilMonoMs <= this.#clock.monotonicMs()) this.#loads.delete(key)
    }
  }

  /** It could not be reached. */
  failed(endpoint: Endpoint): void {
    const key = keyOf(endpoint)
    const load = this.#loads.get(key) ?? { underWay: 0, restUntilMonoMs: 0 }
    load.restUntilMonoMs = this.#clock.monotonicMs() + restMs
    this.#loads.set(key, load)
  }
}

const keyOf = ({ ip, port }: Endpoint) => `${ip} ${port}`
