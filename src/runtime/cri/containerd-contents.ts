import type { Clock } from '../../base/clock.ts'
import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import type { Random } from '../../base/random.ts'
import type { Descriptor, ImageContents, ImageSource } from '../image-contents.ts'
import { type ImageRef, RuntimeFailed } from '../runtime.ts'
import { CallFailed, type Connection } from './connection.ts'
import { Content } from './content.ts'
import { importImage } from './import-image.ts'
import { goneAsUndefined } from './observer.ts'
import { mountSnapshot, releaseSnapshot } from './snapshots.ts'
import { unpack } from './unpack.ts'

export interface ContentsWorld {
  connection: Connection
  clock: Clock
  random: Random
  disk: Disk
  commands: Commands
  version(): Promise<{ name: string; version: string }>
  /** Folder of the snapshots, as CRI tells it. */
  imageFolder(): Promise<string>
}

/** The first CRI-O that mounts images itself. */
const crioMinor = 31

/** Images of a containerd by its own API, which is there beside CRI's on the same socket. */
export class ContainerdContents implements ImageContents {
  readonly #world: ContentsWorld
  readonly #content: Content
  #snapshotter: string | undefined

  constructor(world: ContentsWorld) {
    this.#world = world
    this.#content = new Content(world.connection)
  }

  async find(name: string): Promise<Descriptor | undefined> {
    const reply = await goneAsUndefined(
      this.#world.connection.containerd<{ image: { target: { media_type: string; digest: string; size: number } } }>(
        'images.v1.Images',
        'Get',
        { name },
      ),
    )
    if (!reply) return undefined
    const { media_type: mediaType, digest, size } = reply.image.target
    return { mediaType, digest, size }
  }

  blob(digest: string) {
    return this.#content.info(digest)
  }

  read(digest: string, signal: AbortSignal) {
    return this.#content.read(digest, signal)
  }

  async take(name: string, source: ImageSource, signal: AbortSignal): Promise<ImageRef> {
    const { connection, clock } = this.#world
    const snapshotter = await this.#snapshots()
    return importImage(connection, clock, name, source, {
      signal,
      unpack: (manifest, lease) => unpack({ ...this.#world, snapshotter, lease }, manifest),
    })
  }

  async mount(image: ImageRef, folder: string): Promise<boolean> {
    try {
      await mountSnapshot(this.#world, await this.#snapshots(), image, folder)
      return true
    } catch (error) {
      if (!(error instanceof CallFailed && error.unimplemented)) throw error
    }
    const { name, version } = await this.#world.version()
    const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
    if (name === 'cri-o' && (major > 1 || minor >= crioMinor)) return false
    throw new RuntimeFailed(`${name} ${version} cannot mount images`, {
      hint: `Use containerd, or CRI-O 1.${crioMinor} and later, on nodes whose pods have volumes of images.`,
    })
  }

  async release(folder: string): Promise<void> {
    await releaseSnapshot(this.#world, await this.#snapshots(), folder)
  }

  /** `overlayfs`: the folder of the snapshots ends with it. */
  async #snapshots(): Promise<string> {
    this.#snapshotter ??= (await this.#world.imageFolder()).split('.').at(-1) || 'overlayfs'
    return this.#snapshotter
  }
}
