import { openMemoryStore } from '../../db/index.ts'
import type { Store } from '../../db/store.ts'
import type { ApiReply } from '../../models/rest.ts'
import { type ApiServer, type ApiServerOptions, createApiServer } from '../index.ts'

/** What a test got back, decoded. */
export interface Answer {
  status: number
  headers: ApiReply['headers']
  body: any
}

export interface TestServer extends AsyncDisposable {
  api: ApiServer
  store: Store
  /** One request as an administrator; JSON both ways unless said otherwise. */
  call(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Starts a watch; `next` waits for the next event. */
  watch(url: string, headers?: Record<string, string>): Promise<Watching>
}

export interface Watching {
  status: number
  next(): Promise<any>
  end(): void
}

export const admin = { username: 'admin', groups: ['system:masters', 'system:authenticated'] }

export async function startTestServer(options: Partial<ApiServerOptions> = {}): Promise<TestServer> {
  const store = options.store ?? (await openMemoryStore())
  const api = await createApiServer({ ...options, store })
  return {
    api,
    store,
    async call(method, url, body, headers = {}) {
      const reply = await api.handler({
        method,
        url,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body)) }),
        user: admin,
        signal: new AbortController().signal,
      })
      return { status: reply.status, headers: reply.headers, body: decoded(await whole(reply)) }
    },
    async watch(url, headers = {}) {
      const stop = new AbortController()
      const reply = await api.handler({ method: 'GET', url, headers, user: admin, signal: stop.signal })
      const lines = events(reply)
      return {
        status: reply.status,
        next: async () => (await lines.next()).value,
        end: () => stop.abort(),
      }
    },
    async [Symbol.asyncDispose]() {
      await api.close()
      await store[Symbol.asyncDispose]()
    },
  }
}

async function* events(reply: ApiReply): AsyncGenerator<any, void, undefined> {
  let rest = ''
  const chunks = reply.body instanceof Uint8Array ? [reply.body] : reply.body
  for await (const chunk of chunks) {
    const lines = (rest + Buffer.from(chunk).toString()).split('\n')
    rest = lines.pop()!
    for (const line of lines) yield JSON.parse(line)
  }
  if (rest) yield JSON.parse(rest)
}

async function whole(reply: ApiReply): Promise<Buffer> {
  if (reply.body instanceof Uint8Array) return Buffer.from(reply.body)
  const chunks: Uint8Array[] = []
  for await (const chunk of reply.body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function decoded(bytes: Buffer): any {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return bytes.toString()
  }
}
