import type { Disk } from '../../base/disk.ts'
import { codeOf } from '../../base/errors.ts'
import type { DeviceGrant } from '../../plugins/index.ts'

/** Devices that one container has. */
export interface DeviceRecord {
  podUid: string
  container: string
  resource: string
  ids: string[]
  /** Thousandths of each that the container takes; 1000: it has them for itself. */
  milliEach: number
  grant: DeviceGrant
}

interface Kept {
  records: DeviceRecord[]
  /** Devices that plugins have told of, by resource: what the node offers until they come again. */
  known: Record<string, string[]>
}

/** Who has which devices, on the disk: an agent that starts anew must not give a device away twice. */
export class DeviceRecords {
  readonly #disk: Disk
  readonly #path: string
  #kept: Kept = { records: [], known: {} }
  #writing: Promise<void> = Promise.resolve()

  constructor(disk: Disk, path: string) {
    this.#disk = disk
    this.#path = path
  }

  async read(): Promise<void> {
    try {
      this.#kept = JSON.parse(await this.#disk.readText(this.#path))
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }

  get all(): readonly DeviceRecord[] {
    return this.#kept.records
  }

  get known(): Readonly<Record<string, readonly string[]>> {
    return this.#kept.known
  }

  of(podUid: string, container: string): DeviceRecord[] {
    return this.#kept.records.filter(r => r.podUid === podUid && r.container === container)
  }

  /** Resolves when it is on the disk. */
  add(record: DeviceRecord): Promise<void> {
    this.#kept.records = [...this.#kept.records, record]
    return this.#write()
  }

  /** Forgets pods that are no more; their devices are free then. */
  async keepOnly(podUids: ReadonlySet<string>): Promise<void> {
    const left = this.#kept.records.filter(r => podUids.has(r.podUid))
    if (left.length === this.#kept.records.length) return
    this.#kept.records = left
    await this.#write()
  }

  async setKnown(resource: string, ids: readonly string[] | undefined): Promise<void> {
    const { [resource]: before, ...others } = this.#kept.known
    if (before?.join() === ids?.join()) return
    this.#kept.known = ids ? { ...others, [resource]: [...ids] } : others
    await this.#write()
  }

  /** Resolves when nothing is being written. */
  settled(): Promise<void> {
    return this.#writing
  }

  #write(): Promise<void> {
    const write = () => this.#disk.write(this.#path, JSON.stringify(this.#kept), { mode: 0o600 })
    const written = this.#writing.then(write, write)
    this.#writing = written.catch(() => {})
    return written
  }
}
