import * as tcp from 'node:net'

export interface PlainGet {
  /** An address, or a name to be looked up. */
  host: string
  port: number
  /** Path and query, escaped. */
  path: string
  /** All that is sent besides `connection: close`; `host` is among them. Never changed once given. */
  headers: Record<string, string>
  /** From the beginning to the end of the body. */
  timeoutMs: number
  /** More of the body than this is not waited for. */
  maxBytes: number
}

export interface PlainAnswer {
  status: number
  /** Lower-case names; of a name that comes twice the first. */
  headers: Record<string, string>
  /** As much as was waited for, as it came: byte for character, and of a chunked one with the sizes of its chunks. */
  body: string
}

type Head = Omit<PlainAnswer, 'body'>

/** A head that is larger is nobody's. */
const maxHeadBytes = 1 << 20

/** What comes is looked at when it comes, so all connections read into one place: one of their own is 64 KB for each read. */
const incoming = Buffer.alloc(1 << 16)

/** Who asks often hands in the same headers. */
const headerTexts = new WeakMap<Record<string, string>, string>()

function headerText(headers: Record<string, string>): string {
  let text = headerTexts.get(headers)
  if (text === undefined) {
    const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`)
    text = lines.join('')
    headerTexts.set(headers, text)
  }
  return text
}

/**
 * One GET of plain HTTP/1.1 on a connection of its own, whose body only has to come: half of what `http.request` costs,
 * for those who ask hundreds of times a second.
 */
export function plainGet({ host, port, path, headers, timeoutMs, maxBytes }: PlainGet): Promise<PlainAnswer> {
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader(maxBytes)
    const callback = (bytes: number, buffer: Uint8Array) => {
      look(() => reader.take(buffer.subarray(0, bytes) as Buffer))
      return true
    }
    const socket = tcp.connect({ host, port, onread: { buffer: incoming, callback } })
    const timer = setTimeout(() => end(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    const end = (outcome: Error | PlainAnswer) => {
      clearTimeout(timer)
      socket.destroy()
      if (outcome instanceof Error) reject(outcome)
      else resolve(outcome)
    }
    const look = (read: () => PlainAnswer | undefined) => {
      try {
        const answer = read()
        if (answer) end(answer)
      } catch (error) {
        end(error as Error)
      }
    }
    socket.on('error', end)
    socket.on('end', () => look(() => reader.close()))
    socket.write(`GET ${path} HTTP/1.1\r\n${headerText(headers)}\r\n`, 'latin1')
  })
}

/** Puts an answer together from what comes. */
export class AnswerReader {
  readonly #maxBytes: number
  #text = ''
  #head: Head | undefined

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @returns the answer once all of it came that is waited for @throws when it is no HTTP/1 */
  take(chunk: Buffer): PlainAnswer | undefined {
    this.#text += chunk.toString('latin1')
    while (!this.#head) {
      const end = this.#text.indexOf('\r\n\r\n')
      if (end < 0) {
        if (this.#text.length > maxHeadBytes) throw new Error('the head of the answer is larger than 1 MiB')
        if (!'HTTP/1.'.startsWith(this.#text.slice(0, 7))) throw malformed(this.#text)
        return undefined
      }
      const head = readHead(this.#text.slice(0, end))
      this.#text = this.#text.slice(end + 4)
      // 100 Continue and its like come before the answer.
      if (head.status >= 200) this.#head = head
    }
    return this.#isWhole(this.#head) ? { ...this.#head, body: this.#text } : undefined
  }

  /** The server says no more. @throws when that is too early */
  close(): PlainAnswer {
    const head = this.#head
    if (!head) throw this.#text ? new Error('unexpected EOF') : new Error('EOF')
    const bounded = head.headers['content-length'] !== undefined || isChunked(head)
    if (bounded && !this.#isWhole(head)) throw new Error('unexpected EOF')
    return { ...head, body: this.#text }
  }

  #isWhole(head: Head): boolean {
    const { status, headers } = head
    if (status === 204 || status === 304 || this.#text.length >= this.#maxBytes) return true
    if (isChunked(head)) return /(?:^|\r\n)0+(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(this.#text)
    const length = headers['content-length']
    return length !== undefined && this.#text.length >= Number(length)
  }
}

const isChunked = ({ headers }: Head) => /\bchunked\s*$/i.test(headers['transfer-encoding'] ?? '')

function readHead(text: string): Head {
  const [first = '', ...lines] = text.split('\r\n')
  const status = /^HTTP\/1\.\d (\d{3})(?: |$)/.exec(first)?.[1]
  if (!status) throw malformed(first)
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] ??= line.slice(colon + 1).trim()
  }
  return { status: Number(status), headers }
}

const malformed = (text: string) =>
  new Error(`malformed HTTP response ${JSON.stringify(text.split('\r\n')[0]!.slice(0, 100))}`)
