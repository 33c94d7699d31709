import { Agent, request } from 'undici'
import { decodeProtobuf, encodeProtobuf } from '../../src/models/protobuf/index.ts'
import type { Cluster } from '../support/cluster.ts'

/** As Calico's client for the core types asks: it sends nothing but protobuf (LB client.go:318) and takes either back. */
const protobuf = 'application/vnd.kubernetes.protobuf'
const accept = `${protobuf},application/json`

export interface Reply {
  status: number
  type: string
  /** The object or list, whatever the wire format was. */
  body: any
}

export interface Watched {
  status: number
  next(): Promise<any>
  /** Events up to and with the first one that `fits`. */
  until(fits: (event: any) => boolean): Promise<any[]>
  end(): void
}

/** Makes the calls of calico-node, the CNI plugin and kube-controllers, byte for byte where it matters, with a token. */
export class ReplayClient implements AsyncDisposable {
  readonly #url: string
  readonly #token: string | undefined
  readonly #agent: Agent

  constructor(url: string, ca: string, token: string | undefined) {
    this.#url = url
    this.#token = token
    this.#agent = new Agent({ connect: { ca } })
  }

  /** As one of Calico's ServiceAccounts, by a token that an administrator asks for. */
  static async as(cluster: Cluster, account: string): Promise<ReplayClient> {
    const token = (await cluster.kubectl('create', 'token', account, '-n', 'kube-system')).trim()
    return new ReplayClient(cluster.url, (await cluster.credentials()).ca, token)
  }

  /** Core types: a forced protobuf body. */
  core(method: string, path: string, body?: object): Promise<Reply> {
    return this.#send(method, path, body && encodeProtobuf(body as any), protobuf)
  }

  /** Bytes as they are, under the name of protobuf. */
  bytes(method: string, path: string, body: Uint8Array): Promise<Reply> {
    return this.#send(method, path, body, protobuf)
  }

  /** Custom resources: JSON, although the same Accept header goes out. */
  custom(method: string, path: string, body?: object): Promise<Reply> {
    return this.#send(method, path, body && Buffer.from(JSON.stringify(body)), 'application/json')
  }

  /** A patch of a pod or node by merging lists by their keys. */
  strategic(path: string, body: object): Promise<Reply> {
    return this.#send('PATCH', path, Buffer.from(JSON.stringify(body)), 'application/strategic-merge-patch+json')
  }

  /** The first list of a watcher cache: whatever is cached, in pages of 500. */
  async firstList(path: string, more = ''): Promise<{ items: any[]; resourceVersion: string }> {
    const items: any[] = []
    let token = ''
    for (;;) {
      const page = token
        ? `continue=${encodeURIComponent(token)}`
        : 'resourceVersion=0&resourceVersionMatch=NotOlderThan'
      const { status, body } = await this.core('GET', `${path}?limit=500&${page}${more}`)
      if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`)
      items.push(...(body.items ?? []))
      token = body.metadata.continue ?? ''
      if (!token) return { items, resourceVersion: body.metadata.resourceVersion }
    }
  }

  /** JSON events, one a line. `ended` events read as undefined. */
  async watch(path: string, query: string): Promise<Watched> {
    const stop = new AbortController()
    const reply = await request(`${this.#url}${path}?watch=true&${query}`, {
      dispatcher: this.#agent,
      headers: this.#headers({ accept: 'application/json' }),
      signal: stop.signal,
    })
    reply.body.on('error', () => {})
    const events = lines(reply.body)
    const next = async () => (await events.next()).value
    return {
      status: reply.statusCode,
      next,
      async until(fits) {
        const seen: any[] = []
        for (;;) {
          const event = await next()
          if (event === undefined) return seen
          seen.push(event)
          if (fits(event)) return seen
        }
      },
      end: () => stop.abort(),
    }
  }

  async #send(method: string, path: string, body: Uint8Array | undefined, type: string): Promise<Reply> {
    const reply = await request(this.#url + path, {
      method: method as 'GET',
      dispatcher: this.#agent,
      headers: this.#headers({ accept, ...(body ? { 'content-type': type } : {}) }),
      body: body ?? null,
    })
    const bytes = new Uint8Array(await reply.body.arrayBuffer())
    const answered = String(reply.headers['content-type'])
    return { status: reply.statusCode, type: answered, body: decoded(bytes, answered) }
  }

  #headers(more: Record<string, string>): Record<string, string> {
    return { ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}), ...more }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy()
  }
}

function decoded(bytes: Uint8Array, type: string): any {
  if (type.startsWith(protobuf)) return decodeProtobuf(bytes).value
  const text = Buffer.from(bytes).toString()
  return type.startsWith('application/json') ? JSON.parse(text) : text
}

async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<any, undefined, undefined> {
  let rest = ''
  try {
    for await (const chunk of body) {
      const parts = (rest + Buffer.from(chunk).toString()).split('\n')
      rest = parts.pop()!
      for (const line of parts) yield JSON.parse(line)
    }
  } catch {
    // Whoever aborted it knows.
  }
  return undefined
}

/** A TokenRequest as client-go marshals it, put together by hand: our own codec must not be its own witness. */
export function tokenRequestBytes(seconds: number, audiences: string[] = []): Uint8Array {
  const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)])
  const field = (n: number, bytes: Iterable<number>) => {
    const content = [...bytes]
    return [(n << 3) | 2, ...varint(content.length), ...content]
  }
  const text = (value: string) => Buffer.from(value)
  const spec = [...audiences.flatMap(a => field(1, text(a))), 4 << 3, ...varint(seconds)]
  const message = [...field(1, []), ...field(2, spec), ...field(3, [...field(1, []), ...field(2, [])])]
  const type = [...field(1, text('authentication.k8s.io/v1')), ...field(2, text('TokenRequest'))]
  const unknown = [...field(1, type), ...field(2, message), ...field(3, []), ...field(4, [])]
  return Uint8Array.from([0x6b, 0x38, 0x73, 0, ...unknown])
}
