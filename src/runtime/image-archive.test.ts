import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemDisk } from '../base/disk.ts'
import { readImageArchive } from './image-archive.ts'
import type { Descriptor, ImageSource } from './image-contents.ts'
import { buildImage, descriptor, digestOf } from './oci-image.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'optiflow-archive-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const layers = [[{ path: 'hello', data: 'hello' }], [{ path: 'world', data: 'world' }]]
const image = buildImage({ architecture: 'amd64', layers, cmd: ['/hello'] })
const write = (files: Record<string, string | Uint8Array>) =>
  Promise.all(Object.entries(files).map(([path, data]) => systemDisk.write(join(folder, path), data)))

async function fetched(source: ImageSource, blob: Descriptor): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of source.fetch(blob, new AbortController().signal)) parts.push(part)
  return Buffer.concat(parts)
}

/** Fetches the whole image as a runtime does, and checks every digest. */
async function whole(source: ImageSource): Promise<{ config: any; layers: string[] }> {
  const checked = async (blob: Descriptor) => {
    const bytes = await fetched(source, blob)
    expect([digestOf(bytes), bytes.length]).toEqual([blob.digest, blob.size])
    return bytes
  }
  const manifest = JSON.parse((await checked(source.target)).toString())
  for (const layer of manifest.layers) await checked(layer)
  const config = JSON.parse((await checked(manifest.config)).toString())
  return { config: config.config, layers: manifest.layers.map((l: Descriptor) => l.digest) }
}

const layout = (annotations: Record<string, string>) => ({
  'oci-layout': '{"imageLayoutVersion":"1.0.0"}',
  'index.json': JSON.stringify({ schemaVersion: 2, manifests: [{ ...descriptor(image.manifest), annotations }] }),
  ...Object.fromEntries(
    [image.manifest, image.config, ...image.layers].map(b => [`blobs/sha256/${b.digest.slice(7)}`, b.bytes]),
  ),
})

test('an OCI image layout gives its image under its whole name', async () => {
  await write(
    layout({ 'io.containerd.image.name': 'docker.io/library/app:1', 'org.opencontainers.image.ref.name': '1' }),
  )
  const [one, ...others] = await readImageArchive(systemDisk, folder)
  expect([one!.names, others]).toEqual([['docker.io/library/app:1'], []])
  expect(await whole(one!.source)).toMatchObject({
    config: { Cmd: ['/hello'] },
    layers: image.layers.map(l => l.digest),
  })
})

test.each([
  ['localhost/app:1', ['localhost/app:1']],
  ['1', []],
])('a layout that calls its image %s', async (name, names) => {
  await write(layout({ 'org.opencontainers.image.ref.name': name }))
  expect((await readImageArchive(systemDisk, folder))[0]!.names).toEqual(names)
})

test('what docker save wrote before it gets a manifest', async () => {
  const saved = [{ Config: 'abc.json', RepoTags: ['app:1', 'shop/app'], Layers: ['l1/layer.tar', 'l2/layer.tar'] }]
  await write({
    'manifest.json': JSON.stringify(saved),
    'abc.json': image.config.bytes,
    'l1/layer.tar': image.layers[0]!.bytes,
    'l2/layer.tar': image.layers[1]!.bytes,
  })
  const [one] = await readImageArchive(systemDisk, folder)
  expect(one!.names).toEqual(['docker.io/library/app:1', 'docker.io/shop/app:latest'])
  expect(await whole(one!.source)).toMatchObject({
    config: { Cmd: ['/hello'] },
    layers: image.layers.map(l => l.digest),
  })
})

test.each<[string, Record<string, string>, string]>([
  ['holds something else', { 'etc/passwd': 'root' }, 'it has neither index.json nor manifest.json'],
  ['is no JSON', { 'index.json': '{' }, 'index.json of the archive cannot be read'],
  ['names no image', { 'index.json': '{}' }, 'index.json names no image'],
  [
    'lacks a layer',
    { 'manifest.json': '[{"Config":"c","Layers":["l/layer.tar"]}]', c: '{}' },
    'the archive does not have l/layer.tar',
  ],
  [
    'leads outside',
    { 'manifest.json': '[{"Config":"../../etc/passwd","Layers":[]}]' },
    'names a file outside of itself: ../../etc/passwd',
  ],
])('an archive that %s is refused', async (_, files, message) => {
  await write(files)
  await expect(readImageArchive(systemDisk, folder)).rejects.toThrow(message)
})
