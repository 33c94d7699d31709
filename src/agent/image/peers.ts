import { explain } from '../../base/errors.ts'
import { bracketed } from '../../base/ip.ts'
import type { Logger } from '../../base/logger.ts'
import type { Net, StreamOptions } from '../../base/net.ts'
import type { Random } from '../../base/random.ts'
import type { Client } from '../../client/index.ts'
import { Node } from '../../models/kinds/core/node.ts'
import type { Descriptor, ImageContents, ImageSource } from '../../runtime/image-contents.ts'
import { referenceOf, registryOf, repositoryOf, wholeName } from '../../runtime/image-reference.ts'
import { type ImageRef, RuntimeFailed } from '../../runtime/runtime.ts'

/** Who this node is to the others, and whom it takes for one of them. PEM. */
export interface PeerKeys {
  ca: string
  cert: string
  key: string
}

export interface ImagePeersOptions {
  nodeName: string
  client: Client
  contents: ImageContents
  net: Net
  random: Random
  log: Logger
  /** Asked for each time, as they are renewed. */
  keys(): PeerKeys
}

/** The other nodes as a source of images, for when the registry cannot be reached. */
export interface ImagePeers {
  /** @returns undefined: none of those asked has it. Rejects when the signal aborts */
  bring(image: string, signal: AbortSignal): Promise<{ ref: ImageRef; node: string } | undefined>
}

/** Nodes report their 50 largest images: so many of those that do not speak of this one are asked all the same. */
const guesses = 3
const connectTimeoutMs = 3_000
const idleTimeoutMs = 30_000

export function createImagePeers(options: ImagePeersOptions): ImagePeers {
  const { client, contents, log, nodeName, random } = options
  return {
    async bring(image, signal) {
      const name = wholeName(image)
      const { items } = await client.list<Node>(Node)
      for (const peer of choosePeers(items, nodeName, name, random))
        try {
          const source = await openPeer(options, peer, image, signal)
          if (source) return { ref: await contents.take(name, source, signal), node: peer.name }
        } catch (error) {
          signal.throwIfAborted()
          log.info({ image, node: peer.name, error: explain(error) }, 'image not had from another node')
        }
      return undefined
    },
  }
}

export interface Peer {
  name: string
  /** `https://10.0.0.2:10250` */
  url: string
}

/** Whom to ask, in this order: nodes that say they have the image, in random order so that none has all to do, then a few others. */
export function choosePeers(nodes: readonly Node[], self: string, image: string, random: Random): Peer[] {
  const asked = shuffled(nodes, random).filter(node => node.metadata.name !== self && isReady(node))
  const has = (node: Node) => node.status?.images?.some(known => known.names?.includes(image)) ?? false
  return [...asked.filter(has), ...asked.filter(node => !has(node)).slice(0, guesses)].flatMap(peerOf)
}

function peerOf({ metadata, status }: Node): Peer[] {
  const address = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port
  if (!address || !port) return []
  return [{ name: metadata.name!, url: `https://${bracketed(address)}:${port}` }]
}

const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list
    .map(item => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

/** @returns undefined: it does not have the image */
async function openPeer(
  { net, keys }: ImagePeersOptions,
  { url }: Peer,
  image: string,
  signal: AbortSignal,
): Promise<ImageSource | undefined> {
  const options: StreamOptions = { ...keys(), serverName: '', connectTimeoutMs, idleTimeoutMs, signal }
  const ask = (kind: 'manifests' | 'blobs', reference: string, more: StreamOptions = {}) =>
    net.stream(`${url}/v2/${repositoryOf(image)}/${kind}/${reference}?ns=${registryOf(image)}`, { ...options, ...more })
  const head = await ask('manifests', referenceOf(image), { method: 'HEAD' })
  head.body.destroy()
  if (head.status === 404) return undefined
  if (head.status !== 200) throw new RuntimeFailed(`${url} answers ${head.status}`)
  return { target: targetOf(head.headers), fetch }

  async function* fetch({ digest, mediaType }: Descriptor): AsyncGenerator<Uint8Array> {
    const { status, body } = await ask(/manifest|index/.test(mediaType) ? 'manifests' : 'blobs', digest)
    if (status !== 200) {
      body.destroy()
      throw new RuntimeFailed(`${url} answers ${status} for ${digest}`)
    }
    yield* body
  }
}

function targetOf(headers: Record<string, string | string[] | undefined>): Descriptor {
  const text = (name: string) => String(headers[name] ?? '')
  return {
    mediaType: text('content-type'),
    digest: text('docker-content-digest'),
    size: Number(text('content-length')),
  }
}
