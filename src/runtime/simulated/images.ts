import { type Clock, sleep } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { type ImageInfo, ImagePullFailed, type ImageRef, type PullOptions } from '../runtime.ts'
import { readBehaviour } from './behaviour.ts'

const sizeBytes = 10 << 20
/** Nobody knows what would be in the image; the friendlier guess lets pods that must not be root run. */
const user = '65532:65532'

/** The images of one simulated node: names only. */
export class SimulatedImages {
  readonly #clock: Clock
  readonly #random: Random
  readonly #pullDelayMs: number
  readonly #pullError: (image: string) => string | undefined
  readonly #images = new Map<string, ImageInfo>()

  constructor(clock: Clock, random: Random, pullDelayMs: number, pullError: (image: string) => string | undefined) {
    this.#clock = clock
    this.#random = random
    this.#pullDelayMs = pullDelayMs
    this.#pullError = pullError
  }

  present(image: string): ImageRef | undefined {
    return this.#images.get(image)?.ref
  }

  list(): ImageInfo[] {
    return [...this.#images.values()]
  }

  remove(image: ImageRef): void {
    for (const [name, info] of this.#images) if (info.ref === image || name === image) this.#images.delete(name)
  }

  usage(): { path: string; usedBytes: number; usedInodes: number } {
    return { path: '/simulated', usedBytes: this.#images.size * sizeBytes, usedInodes: this.#images.size * 100 }
  }

  /** @throws ImagePullFailed as the pod or the options say */
  async pull(image: string, options: PullOptions, signal: AbortSignal): Promise<ImageRef> {
    const behaviour = readBehaviour(options.annotations ?? {})
    const present = this.#images.get(image)
    const delayMs = behaviour.pullDelayMs ?? this.#pullDelayMs
    if (!present && delayMs) await sleep(this.#clock, delayMs, signal)
    const error = behaviour.pullError ?? this.#pullError(image)
    if (error) throw new ImagePullFailed(image, error)
    const digest = Buffer.from(this.#random.bytes(32)).toString('hex')
    const ref = present?.ref ?? `${withoutTag(image)}@sha256:${digest}`
    this.#images.set(image, { ref, names: [image], sizeBytes, user })
    options.onProgress?.({ doneBytes: sizeBytes, totalBytes: sizeBytes })
    return ref
  }
}

/** A colon before the last slash belongs to the registry's port. */
function withoutTag(image: string): string {
  return image.replace(/@.*$/, '').replace(/:[^/]*$/, '')
}
