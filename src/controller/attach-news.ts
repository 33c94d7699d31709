import type { World } from '../client/reconciler.ts'
import type { PersistentVolume } from '../models/types/core-v1.ts'
import type { VolumeAttachment } from '../models/types/storage-v1.ts'
import type { VolumeUse } from './attach-plan.ts'

/** What there is to tell of one volume. */
export interface AttachState {
  volume: PersistentVolume | undefined
  uses: readonly VolumeUse[]
  attachments: readonly VolumeAttachment[]
  /** Pods that must wait for another node to let go of the volume. */
  refused: readonly VolumeUse[]
}

/** Tells pods what becomes of their volumes, each thing once. */
export class AttachNews {
  readonly #told = new Map<string, Set<string>>()

  tell({ events }: Pick<World, 'events'>, name: string, state: AttachState): void {
    const before = this.#told.get(name)
    const now = new Set<string>()
    const isNews = (what: string) => !!now.add(what) && !before?.has(what)
    for (const { pod, node } of state.refused)
      if (isNews(`refused ${node} ${pod.metadata.uid}`))
        events.warning(pod, 'FailedAttachVolume', `Multi-Attach error for volume "${name}" ${whoHasIt(state, node)}`)
    for (const { metadata, spec, status } of state.attachments) {
      const here = state.uses.filter(u => u.node === spec.nodeName)
      if (status?.attached) {
        if (isNews(`attached ${metadata.uid}`))
          for (const { pod } of here)
            events.normal(pod, 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for volume "${name}" `)
      } else if (status?.attachError) {
        const { time, message = '' } = status.attachError
        if (isNews(`failed ${metadata.uid} ${time} ${message}`))
          for (const { pod } of here)
            events.warning(pod, 'FailedAttachVolume', `AttachVolume.Attach failed for volume "${name}" : ${message}`)
      }
    }
    if (now.size) this.#told.set(name, now)
    else this.#told.delete(name)
  }
}

function whoHasIt({ uses, attachments }: AttachState, node: string): string {
  const holders = new Set(attachments.map(a => a.spec.nodeName))
  const pods = uses.filter(u => u.node !== node && holders.has(u.node)).map(u => u.pod.metadata.name)
  return pods.length
    ? `Volume is already used by pod(s) ${pods.join(', ')}`
    : "Volume is already exclusively attached to one node and can't be attached to another"
}
