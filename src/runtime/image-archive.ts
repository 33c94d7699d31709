import { createHash } from 'node:crypto'
import { join, normalize } from 'node:path'
import type { Disk } from '../base/disk.ts'
import { OptiFlowError } from '../base/errors.ts'
import { once } from './cri/import-image.ts'
import type { Descriptor, ImageSource } from './image-contents.ts'
import { wholeName } from './image-reference.ts'
import { digestOf } from './oci-image.ts'

/** One image of an archive, and what it is called there. */
export interface ArchivedImage {
  /** Whole: `docker.io/library/app:1`. None where the archive does not say. */
  names: string[]
  source: ImageSource
}

/** It is no archive of images, or one that is not whole. */
export class BadArchive extends OptiFlowError {}

const chunkBytes = 1 << 20
const hint = 'Write it with docker save, podman save, buildah push oci-archive:FILE, or as an OCI image layout.'

/**
 * The images of an unpacked archive: an OCI image layout, or the form that `docker save` had before it.
 * @throws BadArchive
 * @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export async function readImageArchive(disk: Disk, folder: string): Promise<ArchivedImage[]> {
  if (await disk.exists(join(folder, 'index.json'))) return layoutImages(disk, folder)
  if (await disk.exists(join(folder, 'manifest.json'))) return savedImages(disk, folder)
  throw new BadArchive('it has neither index.json nor manifest.json, so it is no archive of images', { hint })
}

interface IndexEntry extends Descriptor {
  annotations?: Record<string, string>
}

async function layoutImages(disk: Disk, folder: string): Promise<ArchivedImage[]> {
  const { manifests } = await json<{ manifests?: IndexEntry[] }>(disk, folder, 'index.json')
  if (!manifests?.length) throw new BadArchive('index.json names no image', { hint })
  return manifests.map(({ annotations = {}, ...target }) => {
    // The name as a whole, where the writer gives it; else perhaps only its tag.
    const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'] ?? ''
    return { names: /[:/]/.test(name) ? [wholeName(name)] : [], source: { target, fetch } }
  })

  function fetch({ digest }: Descriptor): AsyncIterable<Uint8Array> {
    const [algorithm = '', hex = ''] = digest.split(':')
    return bytesOf(disk, folder, join('blobs', algorithm, hex))
  }
}

interface SavedImage {
  Config: string
  RepoTags?: string[] | null
  Layers: string[]
}

/** Its layers are plain tar files, and it has no manifest: we write one. */
async function savedImages(disk: Disk, folder: string): Promise<ArchivedImage[]> {
  const saved = await json<SavedImage[]>(disk, folder, 'manifest.json')
  if (!Array.isArray(saved) || !saved.length) throw new BadArchive('manifest.json names no image', { hint })
  return Promise.all(
    saved.map(async ({ Config, RepoTags, Layers }) => {
      const files = new Map<string, string>()
      const blob = async (mediaType: string, file: string): Promise<Descriptor> => {
        const { digest, size } = await measured(bytesOf(disk, folder, file))
        files.set(digest, file)
        return { mediaType, digest, size }
      }
      const config = await blob('application/vnd.oci.image.config.v1+json', Config)
      const layers: Descriptor[] = []
      for (const file of Layers) layers.push(await blob('application/vnd.oci.image.layer.v1.tar', file))
      const mediaType = 'application/vnd.oci.image.manifest.v1+json'
      const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }))
      const target = { mediaType, digest: digestOf(manifest), size: manifest.length }
      const fetch = ({ digest }: Descriptor) =>
        digest === target.digest ? once(manifest) : bytesOf(disk, folder, files.get(digest) ?? digest)
      return { names: (RepoTags ?? []).map(wholeName), source: { target, fetch } }
    }),
  )
}

async function json<T>(disk: Disk, folder: string, file: string): Promise<T> {
  try {
    return JSON.parse(await disk.readText(join(folder, file)))
  } catch (cause) {
    throw new BadArchive(`${file} of the archive cannot be read: ${(cause as Error).message}`, { cause, hint })
  }
}

/** @param file inside the archive, as the archive names it: it may not lead out of it */
async function* bytesOf(disk: Disk, folder: string, file: string): AsyncGenerator<Uint8Array> {
  const inside = normalize(file)
  if (inside.startsWith('..') || inside.startsWith('/'))
    throw new BadArchive(`the archive names a file outside of itself: ${file}`, { hint })
  const open = await disk.open(join(folder, inside)).catch(cause => {
    throw new BadArchive(`the archive does not have ${file}, which it names`, { cause, hint })
  })
  try {
    for (let at = 0; ; ) {
      const chunk = Buffer.allocUnsafe(chunkBytes)
      const got = await open.read(chunk, at)
      if (!got) return
      at += got
      yield chunk.subarray(0, got)
    }
  } finally {
    await open.close()
  }
}

async function measured(bytes: AsyncIterable<Uint8Array>): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of bytes) {
    hash.update(chunk)
    size += chunk.length
  }
  return { digest: `sha256:${hash.digest('hex')}`, size }
}
