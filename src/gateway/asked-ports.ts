import { sameMeaning } from '../base/equality.ts'
import type { Source } from '../client/reconciler.ts'
import { placeOfPort } from './port-space.ts'

/**
 * Ports (by their place, see port-space.ts) that objects ask for, and whose they are where the gateway's machine does not give them. The gateway writes it; who tells of
 * Ingresses and Gateways reads it, and who gives ports of the nodes away.
 */
export class AskedPorts {
  #asked: ReadonlySet<number> = new Set()
  #missing: ReadonlyMap<number, string> = new Map()
  readonly #followers = new Set<() => void>()

  /** Something is to be served there, whether or not the gateway has it. */
  isAsked(port: number, protocol: 'TCP' | 'UDP' = 'TCP'): boolean {
    return this.#asked.has(placeOfPort(port, protocol))
  }

  /** Whose the port at a place is, for people; undefined: the gateway has it, or nobody asked for it. */
  holder(place: number): string | undefined {
    return this.#missing.get(place)
  }

  /** All that is asked for now, and what of it is missing. */
  tell(asked: Iterable<number>, missing: ReadonlyMap<number, string>): void {
    const now = [...asked].sort((a, b) => a - b)
    if (sameMeaning([now, [...missing]], [[...this.#asked], [...this.#missing]])) return
    this.#asked = new Set(now)
    this.#missing = missing
    for (const follower of this.#followers) follower()
  }

  readonly subscribe: Source['subscribe'] = changed => {
    this.#followers.add(changed)
    return () => void this.#followers.delete(changed)
  }
}
