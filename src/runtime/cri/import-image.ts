import { type Clock, sleep } from '../../base/clock.ts'
import type { Descriptor, ImageSource } from '../image-contents.ts'
import { descriptor, type OciImage } from '../oci-image.ts'
import { RuntimeFailed } from '../runtime.ts'
import { CallFailed, type Connection } from './connection.ts'
import { Content, collect, type ImageIndex, isIndex, type Manifest, ownManifest } from './content.ts'

export interface ImportOptions {
  /** Never to be collected as garbage. */
  pinned?: boolean
  /** Makes the layers ready for containers at once; else the first container has to wait for it. */
  unpack?: (manifest: Manifest, lease: string) => Promise<void>
  signal?: AbortSignal
}

/** An image that was built in memory. */
export function memorySource({ manifest, config, layers }: OciImage): ImageSource {
  const blobs = new Map([manifest, config, ...layers].map(blob => [blob.digest, blob.bytes]))
  return {
    target: descriptor(manifest),
    async *fetch({ digest }) {
      yield blobs.get(digest)!
    },
  }
}

/**
 * Puts an image into containerd under `name`, as a pull would have, with no registry in between. Resolves when CRI knows it.
 * Blobs that containerd has already are not fetched.
 * @returns the reference of the image: the digest of its configuration
 * @throws RuntimeFailed; whatever the source throws
 */
export async function importImage(
  connection: Connection,
  clock: Clock,
  name: string,
  source: ImageSource,
  options: ImportOptions = {},
): Promise<string> {
  const lease = await openLease(connection, clock, source.target.digest)
  try {
    const manifest = await new Import(connection, lease, source, options.signal ?? never).run()
    await options.unpack?.(manifest, lease)
    await nameImage(connection, name, source.target, options)
    await untilKnown(connection, clock, name)
    return manifest.config.digest
  } finally {
    await connection.containerd('leases.v1.Leases', 'Delete', { id: lease }).catch(() => {})
  }
}

const alreadyExists = 6
const chunkBytes = 1 << 20
const never = new AbortController().signal

/** Keeps what is not named yet from containerd's collector. @returns its id */
async function openLease(connection: Connection, clock: Clock, digest: string): Promise<string> {
  const id = `optiflow-import-${digest}`
  const labels = { 'containerd.io/gc.expire': new Date(clock.now() + 3_600_000).toISOString() }
  await unlessThere(connection.containerd('leases.v1.Leases', 'Create', { id, labels }))
  return id
}

/** The blobs of one image on their way into containerd. */
class Import {
  readonly #connection: Connection
  readonly #content: Content
  readonly #lease: string
  readonly #source: ImageSource
  readonly #signal: AbortSignal

  constructor(connection: Connection, lease: string, source: ImageSource, signal: AbortSignal) {
    this.#connection = connection
    this.#content = new Content(connection)
    this.#lease = lease
    this.#source = source
    this.#signal = signal
  }

  /** @returns the manifest for this machine's processor */
  async run(): Promise<Manifest> {
    const { target } = this.#source
    if (!isIndex(target.mediaType)) return this.#takeManifest(target)
    const bytes = await this.#bytes(target)
    const own = ownManifest(JSON.parse(bytes.toString()) as ImageIndex)
    if (!own) throw new RuntimeFailed(`the image has no variant for this node's processor (${process.arch})`)
    const manifest = await this.#takeManifest(own)
    await this.#write(target, once(bytes), { 'containerd.io/gc.ref.content.m.0': own.digest })
    return manifest
  }

  async #takeManifest(target: Descriptor): Promise<Manifest> {
    const bytes = await this.#bytes(target)
    const manifest = JSON.parse(bytes.toString()) as Manifest
    const { config, layers } = manifest
    await Promise.all([config, ...layers].map(blob => this.#take(blob)))
    // The garbage collector keeps what these labels name.
    await this.#write(target, once(bytes), {
      'containerd.io/gc.ref.content.config': config.digest,
      ...Object.fromEntries(layers.map((layer, i) => [`containerd.io/gc.ref.content.l.${i}`, layer.digest])),
    })
    return manifest
  }

  #bytes(document: Descriptor): Promise<Buffer> {
    return collect(document.digest, this.#source.fetch(document, this.#signal))
  }

  async #take(blob: Descriptor): Promise<void> {
    if (!(await this.#content.info(blob.digest))) return this.#write(blob, this.#source.fetch(blob, this.#signal), {})
    const resource = { id: blob.digest, type: 'content' }
    await this.#connection.containerd('leases.v1.Leases', 'AddResource', { id: this.#lease, resource })
  }

  async #write(blob: Descriptor, bytes: AsyncIterable<Uint8Array>, labels: Record<string, string>): Promise<void> {
    const requests = writeRequests(blob, bytes, labels)
    await unlessThere(this.#connection.containerdUpload('content.v1.Content', 'Write', requests, this.#lease))
  }
}

/** What is there already, as what is fetched comes. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function* writeRequests({ digest, size }: Descriptor, bytes: AsyncIterable<Uint8Array>, labels: object) {
  const common = { ref: `optiflow-import-${digest}`, total: size, expected: digest }
  let offset = 0
  for await (const chunk of bytes)
    for (let at = 0; at < chunk.length; at += chunkBytes) {
      const data = chunk.subarray(at, at + chunkBytes)
      yield { action: 'WRITE', ...common, offset, data }
      offset += data.length
    }
  yield { action: 'COMMIT', ...common, offset, labels }
}

async function nameImage(connection: Connection, name: string, target: Descriptor, { pinned }: ImportOptions) {
  const image = {
    name,
    labels: { 'io.cri-containerd.image': 'managed', ...(pinned ? { 'io.cri-containerd.pinned': 'pinned' } : {}) },
    target: { media_type: target.mediaType, digest: target.digest, size: target.size },
  }
  await connection.containerd('images.v1.Images', 'Create', { image }).catch(async error => {
    if (!(error instanceof CallFailed && error.code === alreadyExists)) throw error
    await connection.containerd('images.v1.Images', 'Update', { image })
  })
}

async function untilKnown(connection: Connection, clock: Clock, name: string): Promise<void> {
  const deadline = clock.monotonicMs() + 10_000
  for (;;) {
    const { image: known } = await connection.image<{ image: object | null }>('ImageStatus', { image: { image: name } })
    if (known) return
    if (clock.monotonicMs() > deadline)
      throw new RuntimeFailed(`image ${name} was imported, but the runtime does not show it`)
    await sleep(clock, 10)
  }
}

async function unlessThere(call: Promise<unknown>): Promise<void> {
  await call.catch(error => {
    if (!(error instanceof CallFailed && error.code === alreadyExists)) throw error
  })
}
