import { json } from 'node:stream/consumers'
import type { Descriptor, ImageContents } from '../../runtime/image-contents.ts'
import { Refused } from './pod-access.ts'

/** The pull side of the OCI distribution protocol, for the nodes of the cluster alone. */
export const imagePath = '/v2/'

export interface ImageAnswer {
  headers: Record<string, string>
  body: AsyncIterable<Uint8Array> | undefined
}

const version = { 'docker-distribution-api-version': 'registry/2.0' }
const documentBytes = 8 << 20

/**
 * What a node has of images, by their names in the registry `ns`, as containerd asks its mirrors.
 * @param path below `/v2/`: `library/busybox/manifests/1`, `library/busybox/blobs/sha256:…`
 * @param ns of the image's name; Docker Hub unless said otherwise
 * @throws Refused 404 for what is not here
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull
 */
export async function answerImages(
  contents: ImageContents | undefined,
  { path, ns = 'docker.io', signal }: { path: string; ns?: string | undefined; signal: AbortSignal },
): Promise<ImageAnswer> {
  if (!contents) throw new Refused(404, 'this node does not give its images to others')
  if (path === '') return { headers: { ...version, 'content-length': '0' }, body: undefined }
  const [, repository, kind, reference = ''] = /^(.+)\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? []
  const what = kind === 'manifests' ? 'manifest' : 'blob'
  const found =
    kind === 'manifests'
      ? await manifest(contents, `${ns}/${repository}`, reference)
      : kind && (await blob(contents, reference))
  // A manifest may be known by name and its bytes be gone.
  if (!found || !(await contents.blob(found.digest)))
    throw new Refused(404, `${what} ${reference} of ${ns}/${repository} is not here`)
  return {
    headers: {
      ...version,
      'content-type': found.mediaType,
      'docker-content-digest': found.digest,
      'content-length': String(found.size),
    },
    body: contents.read(found.digest, signal),
  }
}

const isDigest = (reference: string): boolean => /^[a-z0-9]+:[0-9a-f]{32,}$/.test(reference)

async function blob(contents: ImageContents, digest: string): Promise<Descriptor | undefined> {
  const found = isDigest(digest) ? await contents.blob(digest) : undefined
  return found && { mediaType: 'application/octet-stream', digest, size: found.size }
}

/** One of an index has no name of its own; it says itself what it is. */
async function manifest(contents: ImageContents, image: string, reference: string): Promise<Descriptor | undefined> {
  if (!isDigest(reference)) return contents.find(`${image}:${reference}`)
  const named = await contents.find(`${image}@${reference}`)
  const found = named ? undefined : await contents.blob(reference)
  if (!found || found.size > documentBytes) return named
  const document = (await json(contents.read(reference, new AbortController().signal))) as { mediaType?: string }
  const { mediaType = 'application/vnd.oci.image.manifest.v1+json' } = document
  return { mediaType, digest: reference, size: found.size }
}
