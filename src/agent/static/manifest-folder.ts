import { join } from 'node:path'
import { type Cancel, type Clock, every } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { codeOf, explain, isAbort } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Pod } from '../../models/kinds/core/pod.ts'

export interface ManifestFolderOptions {
  folder: string
  nodeName: string
  disk: Disk
  clock: Clock
  log: Logger
  added(pod: Pod): void
  removed(pod: Pod): void
}

/** How often the folder is read although nobody told of a change. */
const lookMs = 20_000
/** An editor writes a file in several steps. */
const gatherMs = 100

/** Pods that the node's administrator put into a folder: one pod a file, YAML or JSON. Files that begin with a dot are not read. */
export class ManifestFolder {
  readonly #options: ManifestFolderOptions
  readonly #stop = new AbortController()
  /** By path: what the file said and the pod it made; no pod if it could not be read. */
  #files = new Map<string, { text: string; pod: Pod | undefined }>()
  #gathering: Cancel | undefined
  #busy: Promise<void> = Promise.resolve()

  constructor(options: ManifestFolderOptions) {
    this.#options = options
  }

  /** Resolves when the folder was read once. No folder is an empty one. */
  async start(): Promise<void> {
    const { disk, clock, folder, log } = this.#options
    const { signal } = this.#stop
    const changed = () => {
      this.#gathering ??= clock.schedule(gatherMs, () => {
        this.#gathering = undefined
        void this.look()
      })
    }
    void disk.watch(folder, changed, signal).catch(error => {
      if (!isAbort(error) && codeOf(error) !== 'ENOENT')
        log.debug({ folder, error: explain(error) }, 'folder of static pods not watched, it is read every 20 s')
    })
    every(clock, lookMs, () => this.look(), signal)
    await this.look()
  }

  /** Reads the folder and tells what is different from before; what is gone first. */
  look(): Promise<void> {
    this.#busy = this.#busy.then(() => this.#look())
    return this.#busy
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#gathering?.()
    await this.#busy
  }

  async #look(): Promise<void> {
    const { disk, folder, log, added, removed } = this.#options
    if (this.#stop.signal.aborted) return
    const now = new Map<string, { text: string; pod: Pod | undefined }>()
    try {
      const entries = await disk.list(folder).catch(error => {
        if (codeOf(error) === 'ENOENT') return []
        throw error
      })
      for (const { name } of entries.filter(e => !e.name.startsWith('.') && !e.isDirectory()))
        now.set(join(folder, name), await this.#read(join(folder, name)))
    } catch (error) {
      // What cannot be read now is not gone.
      log.warn({ folder, error: explain(error) }, 'folder of static pods not read')
      return
    }
    const before = podsOf(this.#files)
    const after = podsOf(now)
    this.#files = now
    for (const [uid, pod] of before) if (!after.has(uid)) removed(pod)
    for (const [uid, pod] of after) if (!before.has(uid)) added(pod)
  }

  async #read(path: string): Promise<{ text: string; pod: Pod | undefined }> {
    const { disk, clock, nodeName, log } = this.#options
    const text = await disk.readText(path)
    const known = this.#files.get(path)
    if (known?.text === text) return known
    try {
      // With it come the schemas of all kinds, which a node without such pods does not need.
      const { staticPod } = await import('./manifest.ts')
      return { text, pod: staticPod(path, text, nodeName, clock.now()) }
    } catch (error) {
      log.error({ error: explain(error) }, 'static pod not run')
      return { text, pod: undefined }
    }
  }
}

function podsOf(files: ReadonlyMap<string, { pod: Pod | undefined }>): Map<string, Pod> {
  return new Map([...files.values()].flatMap(({ pod }) => (pod ? [[pod.metadata.uid!, pod]] : [])))
}
