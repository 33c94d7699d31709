import { limitedBytes } from '../../base/limited-bytes.ts'
import type { Descriptor } from '../image-contents.ts'
import { RuntimeFailed } from '../runtime.ts'
import type { Connection } from './connection.ts'
import { goneAsUndefined } from './observer.ts'

/** One image for one kind of processor. */
export interface Manifest {
  config: Descriptor
  layers: Descriptor[]
}

/** One name for the images of several kinds of processors. */
export interface ImageIndex {
  manifests: Descriptor[]
}

/** A blob that containerd has. */
export interface ContentInfo {
  digest: string
  size: number
  created_at: { seconds: number; nanos: number } | null
  labels: Record<string, string>
}

/** Documents about images are small; what is larger is none. */
const maxDocumentBytes = 8 << 20
const never = new AbortController().signal
const service = 'content.v1.Content'

/** The bytes that a containerd keeps under their digests. Nothing here changes them. */
export class Content {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Undefined: it is not here, or only in part. */
  async info(digest: string): Promise<ContentInfo | undefined> {
    return (await goneAsUndefined(this.#connection.containerd<{ info: ContentInfo }>(service, 'Info', { digest })))
      ?.info
  }

  /** @param filters as containerd's: what fits one of them is listed */
  async list(filters: string[]): Promise<ContentInfo[]> {
    const found: ContentInfo[] = []
    const replies = this.#connection.containerdStream<{ info: ContentInfo[] }>(service, 'List', { filters }, never)
    for await (const { info } of replies) found.push(...info)
    return found
  }

  /** @throws CallFailed when it is not here */
  async *read(digest: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const replies = this.#connection.containerdStream<{ data: Uint8Array }>(service, 'Read', { digest }, signal)
    for await (const { data } of replies) yield data
  }

  /** A manifest, an index or a configuration. @throws RuntimeFailed */
  async document<T>(digest: string): Promise<T> {
    return parseDocument<T>(digest, this.read(digest, never))
  }

  /** Bytes that have come of what is being fetched, by the reference it is fetched under (`layer-sha256:…`). */
  async arriving(): Promise<Map<string, number>> {
    const reply = await this.#connection.containerd<{ statuses: { ref: string; offset: number }[] }>(
      service,
      'ListStatuses',
      {},
    )
    return new Map(reply.statuses.map(({ ref, offset }) => [ref, offset]))
  }
}

/** @throws RuntimeFailed */
export async function parseDocument<T>(digest: string, bytes: AsyncIterable<Uint8Array>): Promise<T> {
  return JSON.parse((await collect(digest, bytes)).toString()) as T
}

/** @throws RuntimeFailed when there is too much of it for a document */
export function collect(digest: string, bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const tooMany = () => new RuntimeFailed(`${digest} is no manifest: it has more than 8 MiB`)
  return limitedBytes(bytes, maxDocumentBytes, tooMany)
}

/** Docker's and OCI's names of the same thing. */
export const isIndex = (mediaType: string): boolean => /image\.index|manifest\.list/.test(mediaType)

/** The manifest that this machine's processor runs. */
export function ownManifest({ manifests }: ImageIndex): Descriptor | undefined {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  return manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === architecture)
}
