import { createHash } from 'node:crypto'
import { type TarEntry, tar } from './tar.ts'

export interface ImageRecipe {
  architecture: string
  /** Bottom first; each a list of files, in order (folders before what is in them). */
  layers: readonly (readonly TarEntry[])[]
  entrypoint?: string[]
  cmd?: string[]
  env?: Record<string, string>
  /** Name or number, optionally with `:group`. */
  user?: string
  workingDir?: string
  labels?: Record<string, string>
  stopSignal?: string
  /** Such as `8080/tcp`. */
  ports?: string[]
}

export interface Blob {
  mediaType: string
  /** `sha256:…` */
  digest: string
  bytes: Buffer
}

/** An OCI image in memory: a manifest, its configuration and its layers. */
export interface OciImage {
  manifest: Blob
  config: Blob
  layers: Blob[]
}

/** Builds an OCI image out of files in memory: the same bytes, and so the same digest, for the same recipe. */
export function buildImage(recipe: ImageRecipe): OciImage {
  const layers = recipe.layers.map(files => blob('application/vnd.oci.image.layer.v1.tar', tar(files)))
  const config = json('application/vnd.oci.image.config.v1+json', {
    created: '1970-01-01T00:00:00Z',
    architecture: recipe.architecture,
    os: 'linux',
    config: {
      ...(recipe.user ? { User: recipe.user } : {}),
      Env: Object.entries({
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        ...recipe.env,
      }).map(([name, value]) => `${name}=${value}`),
      ...(recipe.entrypoint ? { Entrypoint: recipe.entrypoint } : {}),
      ...(recipe.cmd ? { Cmd: recipe.cmd } : {}),
      ...(recipe.workingDir ? { WorkingDir: recipe.workingDir } : {}),
      ...(recipe.labels ? { Labels: recipe.labels } : {}),
      ...(recipe.stopSignal ? { StopSignal: recipe.stopSignal } : {}),
      ...(recipe.ports ? { ExposedPorts: Object.fromEntries(recipe.ports.map(port => [port, {}])) } : {}),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.digest) },
    history: layers.map(() => ({ created: '1970-01-01T00:00:00Z', created_by: 'optiflow' })),
  })
  const manifest = json('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor(config),
    layers: layers.map(descriptor),
  })
  return { manifest, config, layers }
}

/** One name for the images of several processors; each node pulls its own. */
export function imageIndex(images: readonly { architecture: string; image: OciImage }[]): OciImage {
  const manifest = json('application/vnd.oci.image.index.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: images.map(({ architecture, image }) => ({
      ...descriptor(image.manifest),
      platform: { architecture, os: 'linux' },
    })),
  })
  const blobs = images.flatMap(({ image }) => [image.manifest, image.config, ...image.layers])
  return { manifest, config: images[0]!.image.config, layers: blobs }
}

/** The image as an OCI layout in one tar file, as `ctr images import` and `skopeo copy oci-archive:` read it. */
export function ociArchive(image: OciImage, name: string): Buffer {
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        ...descriptor(image.manifest),
        annotations: {
          'io.containerd.image.name': name,
          'org.opencontainers.image.ref.name': name.replace(/^.*:/, ''),
        },
      },
    ],
  }
  return tar([
    { path: 'oci-layout', data: JSON.stringify({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', data: JSON.stringify(index) },
    { path: 'blobs', folder: true },
    { path: 'blobs/sha256', folder: true },
    ...[image.manifest, image.config, ...image.layers].map(b => ({
      path: `blobs/sha256/${b.digest.slice(7)}`,
      data: b.bytes,
    })),
  ])
}

export function descriptor({ mediaType, digest, bytes }: Blob): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest, size: bytes.length }
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function blob(mediaType: string, bytes: Buffer): Blob {
  return { mediaType, digest: digestOf(bytes), bytes }
}

function json(mediaType: string, value: object): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)))
}
