import { sameMeaning } from '../base/equality.ts'
import type { Source } from '../client/reconciler.ts'

/**
 * Ports that objects ask for and that the gateway's machine does not give it, with whose they are. The gateway writes it; who tells
 * of Ingresses and Gateways reads it.
 */
export class MissingPorts {
  #known: ReadonlyMap<number, string> = new Map()
  readonly #followers = new Set<() => void>()

  /** Whose a port is, for people; undefined: the gateway has it, or nobody asked for it. */
  holder(port: number): string | undefined {
    return this.#known.get(port)
  }

  /** All that is missing now. */
  tell(ports: ReadonlyMap<number, string>): void {
    if (sameMeaning([...ports], [...this.#known])) return
    this.#known = ports
    for (const follower of this.#followers) follower()
  }

  readonly subscribe: Source['subscribe'] = changed => {
    this.#followers.add(changed)
    return () => void this.#followers.delete(changed)
  }
}
