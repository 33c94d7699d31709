import { join } from 'node:path'
import type { Disk } from '../base/disk.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Pod } from '../models/kinds/core/pod.ts'

/**
 * The pods of this node as last known, kept beside their secrets, so that an agent which starts while the server is away
 * can look after what runs. A volume's name has no dot, so the file is in nobody's way; it goes with the pod's folder.
 */
export class PodMemory {
  readonly #disk: Disk
  readonly #folder: string
  readonly #log: Logger
  readonly #written = new Map<string, string>()
  #work: Promise<void> = Promise.resolve()

  constructor(disk: Disk, folder: string, log: Logger) {
    this.#disk = disk
    this.#folder = folder
    this.#log = log
  }

  /** Writes in the background, and only when what is to run changed. */
  keep(pod: Pod): void {
    const { uid, labels, annotations, deletionTimestamp } = pod.metadata
    const phase = pod.status?.phase
    const essence = JSON.stringify([pod.spec, labels, annotations])
    if (deletionTimestamp || phase === 'Failed' || phase === 'Succeeded') {
      this.#written.delete(uid!)
      return
    }
    if (this.#written.get(uid!) === essence) return
    this.#written.set(uid!, essence)
    const text = JSON.stringify(pod)
    this.#work = this.#work
      .then(() => this.#disk.write(join(this.#folder, uid!, 'pod.json'), text, { mode: 0o600 }))
      .catch(error => this.#log.warn({ pod: uid, error: explain(error) }, 'pod not remembered'))
  }

  /** What an agent before us knew. */
  async pods(): Promise<Pod[]> {
    const folders = await this.#disk.list(this.#folder).catch(() => [])
    const found = await Promise.all(
      folders.map(async ({ name }) => {
        try {
          return JSON.parse(await this.#disk.readText(join(this.#folder, name, 'pod.json'))) as Pod
        } catch {
          return undefined
        }
      }),
    )
    return found.filter(pod => pod !== undefined)
  }
}
