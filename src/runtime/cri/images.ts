import { type Clock, every } from '../../base/clock.ts'
import type { ImageInfo, ImageRef, PullOptions } from '../runtime.ts'
import { CallFailed, type Connection } from './connection.ts'
import { Content } from './content.ts'
import type { Image } from './messages.ts'
import { explainPull } from './pull-error.ts'
import { PullWatch } from './pull-progress.ts'

const progressMs = 1_000

/** The images that the runtime has. */
export class CriImages {
  readonly #connection: Connection
  readonly #clock: Clock

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
    if (onProgress) {
      const watch = new PullWatch(new Content(this.#connection), image)
      const look = async () => {
        const progress = await watch.look().catch(() => undefined)
        if (progress && !over.signal.aborted) onProgress(progress)
      }
      every(this.#clock, progressMs, look, over.signal)
    }
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
      if (error instanceof CallFailed) throw explainPull(image, error.details)
      throw error
    } finally {
      over.abort()
    }
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
    const { image_filesystems, container_filesystems } = await this.#connection.image<{
      image_filesystems: FilesystemUsage[]
      container_filesystems?: FilesystemUsage[]
    }>('ImageFsInfo', {})
    const images = useOf(image_filesystems[0])
    const layers = container_filesystems?.[0]
    // Older runtimes tell of images only: both are in one place there.
    return { ...images, layers: layers?.fs_id?.mountpoint ? useOf(layers) : images }
  }
}

interface FilesystemUsage {
  fs_id: { mountpoint: string } | null
  used_bytes: { value: number } | null
  inodes_used: { value: number } | null
}

const useOf = (told: FilesystemUsage | undefined) => ({
  path: told?.fs_id?.mountpoint ?? '',
  usedBytes: told?.used_bytes?.value ?? 0,
  usedInodes: told?.inodes_used?.value ?? 0,
})
