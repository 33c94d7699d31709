import type { Disk } from '../../base/disk.ts'
import { codeOf } from '../../base/errors.ts'
import type { DraClaim, DraDevice } from '../../plugins/index.ts'

/** A claim that pods of this node use, and what its drivers made ready for them. */
export interface ClaimRecord {
  claim: DraClaim
  podUids: string[]
  /** By driver; null: it was asked, and has not said that it is done. */
  drivers: Record<string, Pick<DraDevice, 'request_names' | 'cdi_device_ids'>[] | null>
}

/** On the disk, written before drivers are asked, so that whoever ends a pod knows whom to tell. */
export class ClaimRecords {
  readonly #disk: Disk
  readonly #path: string
  #records: ClaimRecord[] = []
  #writing: Promise<void> = Promise.resolve()

  constructor(disk: Disk, path: string) {
    this.#disk = disk
    this.#path = path
  }

  async read(): Promise<void> {
    try {
      this.#records = JSON.parse(await this.#disk.readText(this.#path))
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }

  get all(): readonly ClaimRecord[] {
    return this.#records
  }

  of(podUid: string): ClaimRecord[] {
    return this.#records.filter(({ podUids }) => podUids.includes(podUid))
  }

  find(namespace: string, name: string): ClaimRecord | undefined {
    return this.#records.find(({ claim }) => claim.namespace === namespace && claim.name === name)
  }

  /** Takes the place of what was recorded of the claim. Resolves when it is on the disk. */
  put(record: ClaimRecord): Promise<void> {
    this.#records = [...this.#records.filter(({ claim }) => claim.uid !== record.claim.uid), record]
    return this.#write()
  }

  remove(uid: string): Promise<void> {
    this.#records = this.#records.filter(({ claim }) => claim.uid !== uid)
    return this.#write()
  }

  #write(): Promise<void> {
    const write = () => this.#disk.write(this.#path, JSON.stringify(this.#records), { mode: 0o600 })
    const written = this.#writing.then(write, write)
    this.#writing = written.catch(() => {})
    return written
  }
}
