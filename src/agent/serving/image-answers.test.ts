import { expect, test } from 'vitest'
import type { ImageContents } from '../../runtime/image-contents.ts'
import { buildImage, descriptor, imageIndex } from '../../runtime/oci-image.ts'
import { answerImages } from './image-answers.ts'

const image = buildImage({ architecture: 'amd64', layers: [[{ path: 'a', data: 'a' }]] })
const index = imageIndex([{ architecture: 'amd64', image }])
const blobs = new Map([index.manifest, ...index.layers].map(blob => [blob.digest, blob.bytes]))
const contents = {
  find: async (name: string) => (name === 'r.io/team/app:1' ? descriptor(index.manifest) : undefined),
  blob: async (digest: string) => blobs.has(digest) && { size: blobs.get(digest)!.length },
  async *read(digest: string) {
    yield blobs.get(digest)!
  },
} as unknown as ImageContents
const { signal } = new AbortController()
const ask = (path: string, ns?: string) => answerImages(contents, { path, ns, signal })

test('an image is read from its name to its layers, as from a registry', async () => {
  const { headers, body } = await ask('team/app/manifests/1', 'r.io')
  expect(headers).toMatchObject({
    'content-type': 'application/vnd.oci.image.index.v1+json',
    'docker-content-digest': index.manifest.digest,
    'content-length': String(index.manifest.bytes.length),
  })
  expect(await collect(body)).toEqual(index.manifest.bytes)
  const own = await ask(`team/app/manifests/${image.manifest.digest}`, 'r.io')
  expect(own.headers['content-type']).toBe('application/vnd.oci.image.manifest.v1+json')
  const layer = await ask(`team/app/blobs/${image.layers[0]!.digest}`, 'r.io')
  expect(await collect(layer.body)).toEqual(image.layers[0]!.bytes)
  expect((await ask('')).body).toBeUndefined()
})

test.each([
  ['another tag', 'team/app/manifests/2', 'r.io'],
  ['the same name elsewhere', 'team/app/manifests/1', undefined],
  ['a blob that is not here', `team/app/blobs/sha256:${'0'.repeat(64)}`, 'r.io'],
  ['a path instead of a digest', 'team/app/blobs/..%2f..', 'r.io'],
  ['something else', 'team/app/tags/list', 'r.io'],
])('%s is not here', async (_, path, ns) => {
  await expect(ask(path, ns)).rejects.toMatchObject({ status: 404 })
})

test('a node that does not take part has nothing', async () => {
  await expect(answerImages(undefined, { path: '', signal })).rejects.toThrow('does not give its images to others')
})

async function collect(body: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of body!) parts.push(part)
  return Buffer.concat(parts)
}
