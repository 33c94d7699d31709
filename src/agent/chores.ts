import { join } from 'node:path'
import { explain } from '../base/errors.ts'
import { wholeName } from '../runtime/image-reference.ts'
import type { ImageInfo } from '../runtime/runtime.ts'
import type { AgentOptions } from './options.ts'
import { newest } from './pod/records.ts'
import type { PodWorker } from './pod/worker.ts'
import type { RuntimeView } from './runtime-view.ts'
import { volumeImages } from './volume/image-volumes.ts'
import { sweepLocalVolumes } from './volume/local-volumes.ts'
import type { Volumes } from './volume/volumes.ts'

export interface ChoresOptions extends AgentOptions {
  volumes: Volumes
  view: RuntimeView
  workers: ReadonlyMap<string, PodWorker>
  /** Takes out what is left of a pod. */
  tearDown(uid: string): Promise<void>
}

/** What may go without ending a pod. */
export interface Reclaimable {
  /** Those that ended before the newest of their name, and all of pods that are over, with what they wrote. */
  containers: boolean
  /** That nobody uses. */
  images: boolean
}

const mebibyte = 1 << 20
/** An image is not collected until it was unused for so long, unless said otherwise. */
export const usualMinAgeMs = 120_000
const full = 'image removed, the disk is full'
const tooOld = 'image removed, it was unused for too long'

/** Keeps the disk from filling: logs, images, and what pods left behind. */
export class Chores {
  readonly #options: ChoresOptions
  /** When an image was first seen unused, by reference, in monotonic milliseconds. */
  readonly #unused = new Map<string, number>()

  constructor(options: ChoresOptions) {
    this.#options = options
  }

  async rotateLogs(): Promise<void> {
    const { view, runtime, log, logs } = this.#options
    const maxBytes = logs?.maxBytes ?? 10 * mebibyte
    const maxFiles = logs?.maxFiles ?? 5
    for (const pod of view.all())
      for (const container of pod.containers) {
        if (container.state !== 'running') continue
        await runtime
          .rotateLog(container.id, maxBytes, maxFiles)
          .catch(error => log.debug({ container: container.id, error: explain(error) }, 'log not rotated'))
      }
  }

  /** Frees what no pod needs: containers that have ended, then images that nobody uses. */
  async reclaimDisk({ containers, images }: Reclaimable): Promise<void> {
    if (containers) await this.#removeEnded()
    if (images) await this.#removeImages(await this.#idleImages(), Number.POSITIVE_INFINITY, full)
    const { runtime, log } = this.#options
    await runtime
      .freeRemoved?.()
      .catch(error => log.warn({ error: explain(error) }, 'what was removed may still be on the disk'))
  }

  async #removeEnded(): Promise<void> {
    const { view, runtime, log, workers } = this.#options
    for (const pod of view.all()) {
      // What it was like is in its status; else what an evicted pod wrote would have the next one evicted.
      const isOver = workers.get(pod.uid)?.active === false
      for (const container of pod.containers)
        if (container.state === 'exited' && (isOver || newest(pod, container.name) !== container))
          await runtime
            .removeContainer(container.id)
            .catch(error => log.debug({ container: container.id, error: explain(error) }, 'container not removed'))
    }
    await view.refresh()
  }

  /**
   * Images that were unused for too long go. When the disk of the images is fuller than the high mark the other unused ones do,
   * the longest unused first, down to the low mark.
   */
  async collectImages(): Promise<void> {
    const { runtime, disk, log, imageCollection } = this.#options
    const all = await this.#idleImages()
    const old = all.filter(image => this.#isOld(image))
    await this.#removeImages(old, Number.POSITIVE_INFINITY, tooOld)
    const idle = all.filter(image => !old.includes(image))
    const { path } = await runtime.imageFilesystem().catch(() => ({ path: '' }))
    const space = path ? await disk.space(path).catch(() => undefined) : undefined
    if (!space) return
    const used1 = 1 - space.freeBytes / space.totalBytes
    if (used1 * 100 <= (imageCollection?.high ?? 85)) return
    const toFree = (used1 - (imageCollection?.low ?? 80) / 100) * space.totalBytes
    const left = await this.#removeImages(idle, toFree, full)
    if (left > 0) log.warn({ bytes: Math.round(left) }, 'the disk is full and no more images can go')
  }

  /** Images that no container uses. */
  async #idleImages(): Promise<ImageInfo[]> {
    const { runtime, view, clock, workers } = this.#options
    const images = await runtime.images().catch(() => [])
    const used = new Set(view.all().flatMap(pod => pod.containers.flatMap(c => [c.imageRef, c.image])))
    for (const { pod } of workers.values()) for (const image of volumeImages(pod)) used.add(wholeName(image))
    const now = clock.monotonicMs()
    const idle = images.filter(image => !image.pinned && !used.has(image.ref) && !image.names.some(n => used.has(n)))
    for (const ref of this.#unused.keys()) if (!idle.some(image => image.ref === ref)) this.#unused.delete(ref)
    for (const { ref } of idle) if (!this.#unused.has(ref)) this.#unused.set(ref, now)
    return idle
  }

  #isOld({ ref }: ImageInfo): boolean {
    const { clock, imageCollection: { maxAgeMs = 0 } = {} } = this.#options
    return maxAgeMs > 0 && clock.monotonicMs() - this.#unused.get(ref)! > maxAgeMs
  }

  /** The longest unused first, none that is young. @param why for the log. @returns bytes that are still to be freed */
  async #removeImages(idle: readonly ImageInfo[], bytes: number, why: typeof full | typeof tooOld): Promise<number> {
    const { runtime, clock, log, metrics, imageCollection: { minAgeMs = usualMinAgeMs } = {} } = this.#options
    const now = clock.monotonicMs()
    let toFree = bytes
    const oldest = idle
      .filter(image => now - this.#unused.get(image.ref)! >= minAgeMs)
      .sort((a, b) => this.#unused.get(a.ref)! - this.#unused.get(b.ref)!)
    for (const image of oldest) {
      if (toFree <= 0) break
      try {
        await runtime.removeImage(image.ref)
        toFree -= image.sizeBytes
        metrics?.imageRemoved(why === tooOld ? 'age' : 'space')
        log.info({ image: image.names[0] ?? image.ref, bytes: image.sizeBytes }, why)
      } catch (error) {
        log.warn({ image: image.ref, error: explain(error) }, 'image not removed')
      }
    }
    return toFree
  }

  /** Folders and logs of pods that are no more. */
  async sweep(complete: boolean): Promise<void> {
    if (!complete) return
    const { volumes, workers, view, disk, folder, log, tearDown } = this.#options
    await sweepLocalVolumes(disk, folder).catch(error =>
      log.warn({ error: explain(error) }, 'deleted volumes are still on the disk'),
    )
    const alive = (uid: string) => workers.has(uid) || view.get(uid) !== undefined
    for (const uid of await volumes.left().catch(() => []))
      if (!alive(uid)) await tearDown(uid).catch(error => log.warn({ pod: uid, error: explain(error) }, 'folder left'))
    const logFolder = this.#options.logFolder ?? join(folder, 'logs')
    for (const { name } of await disk.list(logFolder).catch(() => [])) {
      const uid = name.slice(name.lastIndexOf('_') + 1)
      if (uid && !alive(uid)) await disk.remove(join(logFolder, name)).catch(() => {})
    }
  }
}
