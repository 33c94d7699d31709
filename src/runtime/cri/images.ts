import { type Clock, every } from '../../base/clock.ts'
import type { ImageInfo, ImageRef, PullOptions } from '../runtime.ts'
import { CallFailed, type Connection } from './connection.ts'
import type { Image } from './messages.ts'
import { explainPull } from './pull-error.ts'

/** The images that the runtime has. */
export class CriImages {
  readonly #connection: Connection

  readonly #clock: Clock
  #pulling = 0

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
  }

  async present(image: string) {
    const { image: found } = await this.#connection.image<{ image: Image | null }>('ImageStatus', { image: { image } })
    return found?.id
  }

  async pull(image: string, options: PullOptions, signal: AbortSignal): Promise<ImageRef> {
    const auth = options.credentials
    const over = new AbortController()
    const { onProgress } = options
    if (onProgress) every(this.#clock, 1_000, () => this.#report(image, onProgress), over.signal)
    this.#pulling++
    try {
      const { image_ref } = await this.#connection.image<{ image_ref: string }>(
        'PullImage',
        {
          image: { image, annotations: options.annotations ?? {}, runtime_handler: options.runtimeHandler ?? '' },
          ...(auth ? { auth: 'registryToken' in auth ? { registry_token: auth.registryToken } : auth } : {}),
        },
        // Images can be large and lines slow; who asks decides how long to wait, by the signal.
        { signal, timeoutMs: 24 * 3_600_000 },
      )
      return image_ref
    } catch (error) {
      if (error instanceof CallFailed) throw explainPull(image, error.details, error)
      throw error
    } finally {
      this.#pulling--
      over.abort()
    }
  }

  /** CRI tells no progress; containerd's content store knows how much of each layer has come, though not for which image. */
  async #report(image: string, onProgress: (text: string) => void): Promise<void> {
    if (this.#pulling > 1) return
    const reply = await this.#connection
      .containerd<{ statuses: { offset: number; total: number }[] }>('content.v1.Content', 'ListStatuses', {})
      .catch(() => undefined)
    const layers = reply?.statuses.filter(status => status.total > 0) ?? []
    if (!layers.length) return
    const sum = (of: (layer: { offset: number; total: number }) => number) =>
      (layers.reduce((bytes, layer) => bytes + of(layer), 0) / 1e6).toFixed(1)
    onProgress(
      `pulling ${image}: ${sum(l => l.offset)} of ${sum(l => l.total)} MB of ${layers.length} layers in flight`,
    )
  }

  async list(): Promise<ImageInfo[]> {
    const { images } = await this.#connection.image<{ images: Image[] }>('ListImages', {})
    return images.map(image => ({
      ref: image.id,
      names: [...image.repo_tags, ...image.repo_digests],
      sizeBytes: image.size,
      pinned: image.pinned,
      ...(image.uid ? { user: String(image.uid.value) } : image.username ? { user: image.username } : {}),
    }))
  }

  async remove(image: ImageRef) {
    await this.#connection.image('RemoveImage', { image: { image } })
  }

  async usage() {
    const { image_filesystems } = await this.#connection.image<{
      image_filesystems: {
        fs_id: { mountpoint: string } | null
        used_bytes: { value: number } | null
        inodes_used: { value: number } | null
      }[]
    }>('ImageFsInfo', {})
    const first = image_filesystems[0]
    return {
      path: first?.fs_id?.mountpoint ?? '',
      usedBytes: first?.used_bytes?.value ?? 0,
      usedInodes: first?.inodes_used?.value ?? 0,
    }
  }
}
