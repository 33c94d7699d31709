import type { Disk } from '../../base/disk.ts'
import type { DeviceGrant } from '../../plugins/index.ts'
import { KeptJson } from '../kept-json.ts'

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
  /** Devices that plugins have told of, by resource: which resources are theirs until they come again. */
  known: Record<string, string[]>
}

/** Who has which devices, on the disk: an agent that starts anew must not give a device away twice. */
export class DeviceRecords {
  readonly #kept: KeptJson<Kept>

  constructor(disk: Disk, path: string) {
    this.#kept = new KeptJson<Kept>(disk, path, { records: [], known: {} })
  }

  read(): Promise<void> {
    return this.#kept.read()
  }

  get all(): readonly DeviceRecord[] {
    return this.#kept.value.records
  }

  get known(): Readonly<Record<string, readonly string[]>> {
    return this.#kept.value.known
  }

  of(podUid: string, container: string): DeviceRecord[] {
    return this.all.filter(r => r.podUid === podUid && r.container === container)
  }

  /** Resolves when it is on the disk. */
  add(record: DeviceRecord): Promise<void> {
    return this.#change({ records: [...this.all, record] })
  }

  /** Forgets pods that are no more; their devices are free then. */
  async keepOnly(podUids: ReadonlySet<string>): Promise<void> {
    const left = this.all.filter(r => podUids.has(r.podUid))
    if (left.length !== this.all.length) await this.#change({ records: left })
  }

  async setKnown(resource: string, ids: readonly string[] | undefined): Promise<void> {
    const { [resource]: before, ...others } = this.#kept.value.known
    if (before?.join() === ids?.join()) return
    await this.#change({ known: ids ? { ...others, [resource]: [...ids] } : others })
  }

  /** Resolves when nothing is being written. */
  settled(): Promise<void> {
    return this.#kept.settled()
  }

  #change(change: Partial<Kept>): Promise<void> {
    return this.#kept.set({ ...this.#kept.value, ...change })
  }
}
