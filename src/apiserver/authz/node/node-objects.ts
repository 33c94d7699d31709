import type { Kind } from '../../../models/kind.ts'
import { PersistentVolume, ResourceSlice, VolumeAttachment } from '../../../models/kinds/index.ts'
import type { AnyObject } from '../../../models/object.ts'
import type { Core } from '../../core.ts'

/** What cluster-wide objects have to do with a node, beyond its pods. */
export class NodeObjects {
  readonly #core: Core

  constructor(core: Core) {
    this.#core = core
  }

  /** The claim that a volume is bound to. */
  claimOf(volume: string): { namespace: string; name: string } | undefined {
    const { namespace, name } = this.#read(PersistentVolume, volume)?.['spec']?.claimRef ?? {}
    return namespace && name ? { namespace, name } : undefined
  }

  attachmentIsOf(node: string, attachment: string): boolean {
    return this.#read(VolumeAttachment, attachment)?.['spec']?.nodeName === node
  }

  sliceIsOf(node: string, slice: string): boolean {
    return this.#read(ResourceSlice, slice)?.['spec']?.nodeName === node
  }

  #read(kind: Kind<any>, name: string): AnyObject | undefined {
    const kept = this.#core.cache.get(this.#core.resources.of(kind), undefined, name)
    return kept && this.#core.shared(kept)
  }
}
