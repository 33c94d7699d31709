import { Agent, request as httpsRequest } from 'node:https'
import { connect, type TLSSocket } from 'node:tls'

export interface ApiKeys {
  port: number
  ca: string
  cert: string
  key: string
}

export interface Answer {
  status: number
  body: Buffer
}

const patienceMs = 20_000
const lastChunk = Buffer.from('0\r\n\r\n')

/** A client that costs little, since it shares the machine with what it measures. HTTPS with a client certificate. */
export interface ApiConnection extends AsyncDisposable {
  readonly keys: ApiKeys
  request(method: string, path: string, body?: unknown, accept?: string): Promise<Answer>
  /** @throws Error with the server's words unless the answer is 2xx */
  json(method: string, path: string, body?: unknown): Promise<any>
  /** Each event of a watch, as the line it came in. Resolves when the server has accepted it. */
  watch(path: string, onLine: (line: string) => void): Promise<Disposable>
}

export function openApi(keys: ApiKeys): ApiConnection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1_100, ca: keys.ca, cert: keys.cert, key: keys.key })
  const base = { host: '127.0.0.1', port: keys.port, agent }
  const request = (method: string, path: string, body?: unknown, accept?: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const content = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
      const headers = {
        ...(body === undefined ? {} : { 'content-type': content }),
        ...(accept ? { accept } : {}),
      }
      const sent = httpsRequest({ ...base, method, path, headers }, reply => {
        const chunks: Buffer[] = []
        reply.on('data', chunk => chunks.push(chunk))
        reply.on('end', () => resolve({ status: reply.statusCode!, body: Buffer.concat(chunks) }))
        reply.on('error', reject)
      })
      sent.setTimeout(patienceMs, () =>
        sent.destroy(new Error(`${method} ${path}: no answer in ${patienceMs / 1000} s`)),
      )
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  return {
    keys,
    request,
    async json(method, path, body) {
      const answer = await request(method, path, body)
      const text = answer.body.toString()
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`)
      return JSON.parse(text)
    },
    watch: (path, onLine) =>
      new Promise((resolve, reject) => {
        const sent = httpsRequest({ ...base, path }, reply => {
          let rest = ''
          reply.setEncoding('utf8')
          reply.on('error', () => {})
          reply.on('data', (chunk: string) => {
            const lines = (rest + chunk).split('\n')
            rest = lines.pop()!
            for (const line of lines) if (line) onLine(line)
          })
          if (reply.statusCode === 200) resolve({ [Symbol.dispose]: () => void sent.destroy() })
          else reject(new Error(`watch ${path}: ${reply.statusCode}`))
        })
        sent.on('error', reject)
        sent.end()
      }),
    async [Symbol.asyncDispose]() {
      agent.destroy()
    },
  }
}

/** One kept-alive HTTPS connection, one request at a time, with next to no work per request on this side. */
export class Wire implements Disposable {
  readonly #socket: TLSSocket
  #parts: Buffer[] = []
  #have = 0
  #need = 0
  #chunked = false
  #status = 0
  #answered: ((status: number) => void) | undefined
  #failed: ((error: Error) => void) | undefined

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.setNoDelay()
    socket.on('data', chunk => this.#take(chunk))
    socket.on('error', error => this.#failed?.(error))
    socket.on('close', () => this.#failed?.(new Error('the server closed the connection')))
  }

  static open(keys: ApiKeys): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', ...keys, ALPNProtocols: ['http/1.1'] }, () =>
        resolve(new Wire(socket)),
      )
      socket.once('error', reject)
    })
  }

  /** @returns the status; the body is dropped. The answer has a Content-Length or comes in chunks. */
  send(method: string, path: string, body = ''): Promise<number> {
    const media = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const type = body ? `content-type: ${media}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` : ''
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${method} ${path}: no answer in ${patienceMs / 1000} s`)),
        patienceMs,
      )
      this.#answered = status => {
        clearTimeout(timer)
        resolve(status)
      }
      this.#failed = reject
      this.#socket.write(`${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${type}\r\n${body}`)
    })
  }

  #take(chunk: Buffer): void {
    this.#parts.push(chunk)
    this.#have += chunk.length
    if (!this.#need) {
      const whole = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts)
      const end = whole.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = whole.toString('latin1', 0, end)
      const length = /content-length: (\d+)/i.exec(head)?.[1]
      this.#chunked = !length && /transfer-encoding: chunked/i.test(head)
      if (!length && !this.#chunked) throw new Error(`an answer that does not say where it ends: ${head}`)
      this.#status = Number(head.slice(9, 12))
      this.#need = end + 4 + Number(length ?? lastChunk.length)
    }
    if (this.#have < this.#need || (this.#chunked && !this.#endsWithLastChunk())) return
    this.#parts = []
    this.#have = this.#need = 0
    this.#answered?.(this.#status)
  }

  /** No JSON has it inside: whatever ends so is whole. */
  #endsWithLastChunk(): boolean {
    const end = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
    this.#parts = [end]
    return end.subarray(-lastChunk.length).equals(lastChunk)
  }

  [Symbol.dispose](): void {
    this.#failed = undefined
    this.#socket.destroy()
  }
}
