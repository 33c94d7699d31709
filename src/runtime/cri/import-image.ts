import { type Clock, sleep } from '../../base/clock.ts'
import { type Blob, descriptor, type OciImage } from '../oci-image.ts'
import { RuntimeFailed } from '../runtime.ts'
import { CallFailed, type Connection } from './connection.ts'

/**
 * Puts an image from memory into containerd under `name`, as a pull would have, with no registry in between.
 * Resolves when CRI knows it.
 * @throws RuntimeFailed
 */
export async function importImage(
  connection: Connection,
  clock: Clock,
  name: string,
  image: OciImage,
  options: { pinned?: boolean } = {},
): Promise<void> {
  const { lease } = await connection
    .containerd<{ lease: { id: string } }>('leases.v1.Leases', 'Create', {
      id: `optiflow-import-${image.manifest.digest}`,
      labels: { 'containerd.io/gc.expire': new Date(clock.now() + 3_600_000).toISOString() },
    })
    .catch(error => {
      if (error instanceof CallFailed && error.code === alreadyExists)
        return { lease: { id: `optiflow-import-${image.manifest.digest}` } }
      throw error
    })
  try {
    for (const layer of image.layers) await writeBlob(connection, layer, lease.id, {})
    await writeBlob(connection, image.config, lease.id, {})
    // The garbage collector keeps what these labels name.
    await writeBlob(connection, image.manifest, lease.id, {
      'containerd.io/gc.ref.content.config': image.config.digest,
      ...Object.fromEntries(image.layers.map((layer, i) => [`containerd.io/gc.ref.content.l.${i}`, layer.digest])),
    })
    const { mediaType, digest, size } = descriptor(image.manifest)
    const record = {
      name,
      labels: {
        'io.cri-containerd.image': 'managed',
        ...(options.pinned ? { 'io.cri-containerd.pinned': 'pinned' } : {}),
      },
      target: { media_type: mediaType, digest, size },
    }
    await connection.containerd('images.v1.Images', 'Create', { image: record }).catch(async error => {
      if (!(error instanceof CallFailed && error.code === alreadyExists)) throw error
      await connection.containerd('images.v1.Images', 'Update', { image: record })
    })
  } finally {
    await connection.containerd('leases.v1.Leases', 'Delete', { id: lease.id }).catch(() => {})
  }
  const deadline = clock.monotonicMs() + 10_000
  for (;;) {
    const { image: known } = await connection.image<{ image: object | null }>('ImageStatus', { image: { image: name } })
    if (known) return
    if (clock.monotonicMs() > deadline)
      throw new RuntimeFailed(`image ${name} was imported, but the runtime does not show it`)
    await sleep(clock, 10)
  }
}

const alreadyExists = 6
const chunkBytes = 1 << 20

async function writeBlob(
  connection: Connection,
  { digest, bytes }: Blob,
  lease: string,
  labels: Record<string, string>,
): Promise<void> {
  const requests = []
  const ref = `optiflow-import-${digest}`
  for (let offset = 0; offset < bytes.length; offset += chunkBytes)
    requests.push({
      action: 'WRITE',
      ref,
      total: bytes.length,
      expected: digest,
      offset,
      data: bytes.subarray(offset, offset + chunkBytes),
    })
  requests.push({ action: 'COMMIT', ref, total: bytes.length, expected: digest, offset: bytes.length, labels })
  try {
    await connection.containerdUpload('content.v1.Content', 'Write', requests, lease)
  } catch (error) {
    if (!(error instanceof CallFailed && error.code === alreadyExists)) throw error
  }
}
