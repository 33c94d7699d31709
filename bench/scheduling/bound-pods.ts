import type { Client } from '../../src/client/index.ts'
import { jsonLines } from '../../src/client/lines.ts'
import { Pod } from '../../src/models/kinds/index.ts'

/** Tells when pods, known by their names, are seen on a node. A watch of its own: what a user would see, and no more work than that. */
export class BoundPods implements Disposable {
  readonly #seen = new Set<string>()
  readonly #waits = new Map<string, (() => void)[]>()
  readonly #end: AbortController
  /** Rejects when the watch is lost. */
  readonly lost: Promise<never>

  private constructor(events: AsyncIterable<unknown>, end: AbortController) {
    this.#end = end
    this.lost = this.#follow(events)
    this.lost.catch(() => {})
  }

  static async watch(client: Client): Promise<BoundPods> {
    const { metadata } = await client.list(Pod, { limit: 1 })
    const from = metadata.resourceVersion
    const end = new AbortController()
    const reply = await client.raw('GET', `/api/v1/pods?watch=1&resourceVersion=${from}`, { signal: end.signal })
    if (reply.status !== 200 || reply.body instanceof Uint8Array) throw new Error(`watch of pods: ${reply.status}`)
    return new BoundPods(jsonLines(reply.body), end)
  }

  /** Resolves when all of these pods are bound. */
  all(count: number, nameOf: (i: number) => string): Promise<void> {
    const bound = new Promise<void>(resolve => {
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
    return Promise.race([bound, this.lost])
  }

  [Symbol.dispose](): void {
    this.#end.abort()
  }

  async #follow(events: AsyncIterable<unknown>): Promise<never> {
    for await (const event of events) {
      const { type, object } = event as { type: string; object: Pod }
      if (type === 'ERROR') throw new Error(`watch of pods: ${JSON.stringify(object)}`)
      if (type !== 'DELETED') this.#see(object)
    }
    throw new Error('the watch of pods has ended')
  }

  #see({ metadata: { name }, spec }: Pod): void {
    if (!spec.nodeName || this.#seen.has(name)) return
    this.#seen.add(name)
    for (const told of this.#waits.get(name) ?? []) told()
    this.#waits.delete(name)
  }
}
