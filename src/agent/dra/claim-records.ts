import type { Disk } from '../../base/disk.ts'
import type { DraClaim, DraDevice } from '../../plugins/index.ts'
import { KeptJson } from '../kept-json.ts'

/** A claim that pods of this node use, and what its drivers made ready for them. */
export interface ClaimRecord {
  claim: DraClaim
  podUids: string[]
  /** By driver; null: it was asked, and has not said that it is done. */
  drivers: Record<string, Pick<DraDevice, 'request_names' | 'cdi_device_ids'>[] | null>
}

/** On the disk, written before drivers are asked, so that whoever ends a pod knows whom to tell. */
export class ClaimRecords {
  readonly #kept: KeptJson<ClaimRecord[]>

  constructor(disk: Disk, path: string) {
    this.#kept = new KeptJson<ClaimRecord[]>(disk, path, [])
  }

  read(): Promise<void> {
    return this.#kept.read()
  }

  get all(): readonly ClaimRecord[] {
    return this.#kept.value
  }

  of(podUid: string): ClaimRecord[] {
    return this.all.filter(({ podUids }) => podUids.includes(podUid))
  }

  find(namespace: string, name: string): ClaimRecord | undefined {
    return this.all.find(({ claim }) => claim.namespace === namespace && claim.name === name)
  }

  /** Takes the place of what was recorded of the claim. Resolves when it is on the disk. */
  put(record: ClaimRecord): Promise<void> {
    return this.#kept.set([...this.all.filter(({ claim }) => claim.uid !== record.claim.uid), record])
  }

  remove(uid: string): Promise<void> {
    return this.#kept.set(this.all.filter(({ claim }) => claim.uid !== uid))
  }
}
