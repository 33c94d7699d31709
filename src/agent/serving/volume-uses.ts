import type { VolumeUse } from '../volume/volume-use.ts'
import type { ServedNode } from './served-node.ts'

/** Drivers are asked at most so often, whoever asks us. As often as kubelet asks. */
const freshMs = 60_000

/** How full the claimed volumes of a node are, asked once for all who want to know. */
export class VolumeUses {
  readonly #node: ServedNode
  readonly #known = new Map<string, { atMs: number; uses: Promise<VolumeUse[]> }>()

  constructor(node: ServedNode) {
    this.#node = node
  }

  /** By pod uid. */
  async take(): Promise<ReadonlyMap<string, VolumeUse[]>> {
    const { clock } = this.#node
    const found = new Map<string, VolumeUse[]>()
    const pods = this.#node.pods()
    await Promise.all(
      pods.map(async pod => {
        const uid = pod.metadata.uid!
        let known = this.#known.get(uid)
        if (!known || clock.monotonicMs() - known.atMs >= freshMs) {
          known = { atMs: clock.monotonicMs(), uses: this.#node.volumeUses(pod) }
          this.#known.set(uid, known)
        }
        found.set(uid, await known.uses.catch(() => []))
      }),
    )
    for (const uid of this.#known.keys()) if (!found.has(uid)) this.#known.delete(uid)
    return found
  }
}

/** `volume` of a pod in /stats/summary. @param time of the look, RFC 3339 */
export function volumeStats(namespace: string, uses: readonly VolumeUse[], time: string): object[] {
  return uses.map(({ name, claim, ...figures }) => ({ time, ...figures, name, pvcRef: { name: claim, namespace } }))
}
