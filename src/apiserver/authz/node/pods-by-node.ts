import { Pod } from '../../../models/kinds/index.ts'
import type { AnyObject } from '../../../models/object.ts'
import type { Core } from '../../core.ts'
import type { BucketListener } from '../../watch-cache/bucket.ts'
import type { KeptEvent } from '../../watch-cache/kept-event.ts'
import type { KeptObject } from '../../watch-cache/kept-object.ts'

/** Which pods each node has, kept up with the watch cache. */
export class PodsByNode implements BucketListener {
  readonly #core: Core
  readonly #byNode = new Map<string, Map<string, KeptObject>>()

  constructor(core: Core) {
    this.#core = core
    const bucket = core.cache.bucket(core.resources.of(Pod))
    for (const object of bucket.list()) this.#put(object)
    bucket.listeners.add(this)
  }

  changed({ object, previous }: KeptEvent): void {
    if (previous) this.#byNode.get(nodeOf(previous))?.delete(previous.key)
    if (object) this.#put(object)
  }

  *of(node: string): Generator<AnyObject> {
    for (const kept of this.#byNode.get(node)?.values() ?? []) yield this.#core.shared(kept)
  }

  #put(object: KeptObject): void {
    const node = nodeOf(object)
    if (!node) return
    let pods = this.#byNode.get(node)
    if (!pods) this.#byNode.set(node, (pods = new Map()))
    pods.set(object.key, object)
  }
}

function nodeOf(object: KeptObject): string {
  return object.facts(Pod).fields?.['spec.nodeName'] ?? ''
}
