import { dirname, join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { codeOf } from '../../base/errors.ts'
import type { CsiPlaces } from './csi-places.ts'

/** What is kept on the disk of each volume in each pod, so that an agent that starts anew can take it down. Keys are kubelet's. */
export interface PublishedRecord {
  driverName: string
  volumeHandle: string
  /** Name of the PersistentVolume, or of the pod's volume. */
  specVolID: string
  podUID: string
  targetPath: string
  /** Undefined: the driver does not stage. */
  stagingPath?: string
  volumeLifecycleMode: 'Persistent' | 'Ephemeral'
  /** It is attached to the node. */
  attached: boolean
}

const fileName = 'vol_data.json'

/** The records of volumes published to pods. */
export class CsiRecords {
  readonly #disk: Disk
  readonly #places: CsiPlaces

  constructor(disk: Disk, places: CsiPlaces) {
    this.#disk = disk
    this.#places = places
  }

  async write(record: PublishedRecord): Promise<void> {
    const folder = this.#places.published(record.podUID, record.specVolID)
    await this.#disk.makeFolder(folder, { mode: 0o750 })
    await this.#disk.write(join(folder, fileName), JSON.stringify(record), { mode: 0o600 })
  }

  /** Only its own file and the folders that are empty then: what a driver left mounted must not be deleted. */
  async remove(record: PublishedRecord): Promise<void> {
    const folder = this.#places.published(record.podUID, record.specVolID)
    await this.#disk.remove(join(folder, fileName))
    await this.#disk.removeEmpty(folder)
    for (let at = dirname(folder); at.startsWith(`${this.#places.pods}/`); at = dirname(at))
      if (!(await this.#disk.removeEmpty(at))) return
  }

  async ofPod(uid: string): Promise<PublishedRecord[]> {
    const folder = this.#places.podFolder(uid)
    const found: PublishedRecord[] = []
    for (const name of await this.#names(folder)) {
      const text = await this.#disk.readText(join(folder, name, fileName)).catch(error => {
        if (codeOf(error) === 'ENOENT') return undefined
        throw error
      })
      if (text) found.push(JSON.parse(text))
    }
    return found
  }

  /** Pods that have volumes of drivers on this node. */
  async pods(): Promise<string[]> {
    const found: string[] = []
    for (const uid of await this.#names(this.#places.pods))
      if ((await this.#names(this.#places.podFolder(uid))).length) found.push(uid)
    return found
  }

  async all(): Promise<PublishedRecord[]> {
    return (await Promise.all((await this.pods()).map(uid => this.ofPod(uid)))).flat()
  }

  async #names(folder: string): Promise<string[]> {
    try {
      return (await this.#disk.list(folder)).map(entry => entry.name)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw error
    }
  }
}
