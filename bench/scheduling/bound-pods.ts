import type { InformerSet } from '../../src/client/index.ts'
import { Pod } from '../../src/models/kinds/index.ts'

/** Tells when pods, known by their names, are seen on a node. */
export class BoundPods {
  readonly #seen = new Set<string>()
  readonly #waits = new Map<string, (() => void)[]>()

  constructor(informers: InformerSet) {
    const see = ({ metadata: { name }, spec }: Pod) => {
      if (!spec.nodeName || this.#seen.has(name)) return
      this.#seen.add(name)
      for (const told of this.#waits.get(name) ?? []) told()
      this.#waits.delete(name)
    }
    informers.for(Pod).subscribe({ added: see, updated: see })
  }

  /** Resolves when all of these pods are bound. */
  all(count: number, nameOf: (i: number) => string): Promise<void> {
    return new Promise(resolve => {
      let left = count
      const told = () => {
        if (!--left) resolve()
      }
      for (let i = 0; i < count; i++) {
        const name = nameOf(i)
        if (this.#seen.has(name)) told()
        else this.#waits.set(name, [...(this.#waits.get(name) ?? []), told])
      }
    })
  }
}
