/** Pushes the web image to a registry from inside a network namespace: `push-main.ts URL REPOSITORY VERSION`. */
import { systemCommands } from '../../src/base/commands.ts'
import { systemDisk } from '../../src/base/disk.ts'
import { webImage } from './web-image.ts'

const [url, repository, version] = process.argv.slice(2) as [string, string, string]
const image = await webImage(systemDisk, systemCommands, version)

const send = async (method: string, to: string, body?: Uint8Array, type = 'application/octet-stream') => {
  const init = body ? { method, body: new Uint8Array(body), headers: { 'content-type': type } } : { method }
  const reply = await fetch(to, init)
  if (!reply.ok) throw new Error(`${method} ${to} answered ${reply.status}: ${await reply.text()}`)
  return reply
}

for (const blob of [image.config, ...image.layers]) {
  const upload = await send('POST', `${url}/v2/${repository}/blobs/uploads/`)
  const place = new URL(upload.headers.get('location')!, url)
  place.searchParams.set('digest', blob.digest)
  await send('PUT', place.href, blob.bytes)
}
await send('PUT', `${url}/v2/${repository}/manifests/${version}`, image.manifest.bytes, image.manifest.mediaType)
