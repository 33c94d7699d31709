import type { Clock } from '../base/clock.ts'
import type { Backend, Endpoint } from './routing-table.ts'

/** How long an endpoint that could not be reached is left out while others can. */
const restMs = 2_000
/** Heavier than any number of requests. */
const resting = 1e9

interface Load {
  underWay: number
  restUntilMonoMs: number
  /** The health checks that say it is not well. */
  ill?: Set<string>
}

/** How to choose: by load unless said otherwise. `key`: the same one goes to the same endpoint. */
export type Choice = { type: 'LeastRequests' | 'RoundRobin' } | { type: 'Hash'; key: string }

const byLoad: Choice = { type: 'LeastRequests' }

/**
 * Chooses among the endpoints of a backend: the one with the fewest requests under way (in turn among equals), each in turn, or
 * by a hash. One that cannot be reached or is not well gets something only when no other is there.
 */
export class Balancer {
  readonly #clock: Clock
  readonly #loads = new Map<string, Load>()
  #turn = 0
  /** Of backends that are served in turn, by name. */
  readonly #turns = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param tried those that have just failed for the same request; undefined when no other is left */
  choose(backend: Backend, tried: ReadonlySet<Endpoint>, choice: Choice = byLoad): Endpoint | undefined {
    const { endpoints } = backend
    const now = this.#clock.monotonicMs()
    const first = choice.type === 'RoundRobin' ? this.#nextTurn(backend) : this.#turn++
    let best: Endpoint | undefined
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[(first + i) % endpoints.length]!
      if (tried.has(endpoint)) continue
      const load = this.#loads.get(keyOf(endpoint))
      const weight = weightOf(load, now) + preference(choice, endpoint, load, i)
      if (weight >= least) continue
      best = endpoint
      least = weight
    }
    return best
  }

  /** A request goes there. @returns to be called when it has ended */
  begin(endpoint: Endpoint): () => void {
    const key = keyOf(endpoint)
    const load = this.#loadOf(key)
    load.underWay++
    let ended = false
    return () => {
      if (ended) return
      ended = true
      load.underWay--
      this.#forget(key, load)
    }
  }

  /** It could not be reached. */
  failed(endpoint: Endpoint): void {
    this.#loadOf(keyOf(endpoint)).restUntilMonoMs = this.#clock.monotonicMs() + restMs
  }

  /** A health check says that it is not well. */
  ill(endpoint: Endpoint, check: string): void {
    const load = this.#loadOf(keyOf(endpoint))
    load.ill = (load.ill ?? new Set()).add(check)
  }

  /** A health check has nothing against it any more. */
  well(endpoint: Endpoint, check: string): void {
    const key = keyOf(endpoint)
    const load = this.#loads.get(key)
    if (load?.ill?.delete(check)) this.#forget(key, load)
  }

  #loadOf(key: string): Load {
    const known = this.#loads.get(key)
    if (known) return known
    const load = { underWay: 0, restUntilMonoMs: 0 }
    this.#loads.set(key, load)
    return load
  }

  #forget(key: string, { underWay, ill, restUntilMonoMs }: Load): void {
    if (!underWay && !ill?.size && restUntilMonoMs <= this.#clock.monotonicMs()) this.#loads.delete(key)
  }

  #nextTurn({ name, endpoints }: Backend): number {
    const turn = this.#turns.get(name) ?? 0
    this.#turns.set(name, (turn + 1) % Math.max(endpoints.length, 1))
    return turn
  }
}

const weightOf = (load: Load | undefined, now: number) =>
  load && (load.ill?.size || load.restUntilMonoMs > now) ? resting : 0

/** Less is better; always below `resting`. */
function preference(choice: Choice, endpoint: Endpoint, load: Load | undefined, at: number): number {
  if (choice.type === 'LeastRequests') return load?.underWay ?? 0
  return choice.type === 'Hash' ? rendezvous(choice.key, keyOf(endpoint)) : at
}

/**
 * Of all endpoints the one with the least hash has the key, so that only the keys of an endpoint that goes move.
 * @returns 0 to 1
 * @see https://en.wikipedia.org/wiki/Rendezvous_hashing
 */
function rendezvous(key: string, endpoint: string): number {
  const text = `${key}\0${endpoint}`
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  // FNV alone leaves endpoints that differ in their last letter close together.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

const keyOf = ({ ip, port }: Endpoint) => `${ip} ${port}`
