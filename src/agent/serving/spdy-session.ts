import { Duplex } from 'node:stream'
import { constants, createDeflate, createInflate } from 'node:zlib'
import { spdyDictionary } from './spdy-dictionary.ts'

/** One stream of a session: bytes both ways, and the headers it was opened with (names in lower case). */
export interface SpdyStream extends Duplex {
  readonly headers: ReadonlyMap<string, string>
}

const type = { synStream: 1, synReply: 2, reset: 3, ping: 6, goAway: 7, headers: 8 } as const
const finFlag = 1
const version = 3
const cancelled = 5
/** Larger frames are nobody's honest wish; data beyond it is split. */
const maxFrameBytes = 1 << 20

/**
 * The server's side of SPDY/3.1 over one connection, as far as kubectl and its relatives use it to run several streams at
 * once: the client opens streams, every stream is accepted, data flows without credit windows. Ends with the connection.
 * @param onStream told of each stream, in the order in which they are opened
 */
export function serveSpdy(connection: Duplex, onStream: (stream: SpdyStream) => void): void {
  const streams = new Map<number, Stream>()
  const inflate = createInflate({ dictionary: spdyDictionary })
  const deflate = createDeflate({ dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH })
  let rest: Buffer = Buffer.alloc(0)
  let handling: Promise<void> = Promise.resolve()

  const close = (error?: Error) => {
    inflate.close()
    deflate.close()
    for (const stream of streams.values()) stream.destroy(error)
    streams.clear()
    connection.destroy()
  }
  const send = (frame: Buffer, done: (error?: Error | null) => void = () => {}) => {
    if (connection.destroyed) done(new Error('the connection is closed'))
    else connection.write(frame, done)
  }

  async function onControl(kind: number, flags: number, body: Buffer): Promise<void> {
    const id = body.length >= 4 ? body.readUInt32BE(0) & 0x7fffffff : 0
    if (kind === type.synStream) {
      const headers = parseHeaders(await through(inflate, body.subarray(10)))
      const stream = new Stream(id, headers, send, () => streams.delete(id))
      streams.set(id, stream)
      const block = await through(deflate, Buffer.alloc(4))
      send(controlFrame(type.synReply, 0, Buffer.concat([uint32(id), block])))
      onStream(stream)
      if (flags & finFlag) stream.push(null)
    } else if (kind === type.headers) {
      // They are of no use to us, but what is compressed later refers to them.
      await through(inflate, body.subarray(4))
      if (flags & finFlag) streams.get(id)?.push(null)
    } else if (kind === type.reset) streams.get(id)?.destroy()
    else if (kind === type.ping) send(controlFrame(type.ping, 0, body.subarray(0, 4)))
    else if (kind === type.goAway) connection.end()
  }

  function onData(id: number, flags: number, body: Buffer): void {
    const stream = streams.get(id)
    if (!stream) return
    // Without credit windows the whole connection waits for a slow reader.
    if (body.length && !stream.push(body)) {
      connection.pause()
      stream.onceWanted(() => connection.resume())
    }
    if (flags & finFlag) stream.push(null)
  }

  async function onBytes(chunk: Buffer): Promise<void> {
    rest = rest.length ? Buffer.concat([rest, chunk]) : chunk
    while (rest.length >= 8) {
      const length = rest.readUInt32BE(4) & 0xffffff
      if (length > maxFrameBytes) throw new Error(`a frame of ${length} bytes is too long`)
      if (rest.length < 8 + length) return
      const first = rest.readUInt32BE(0)
      const flags = rest[4]!
      const body = rest.subarray(8, 8 + length)
      rest = rest.subarray(8 + length)
      if (first & 0x80000000) await onControl(first & 0xffff, flags, body)
      else onData(first, flags, body)
    }
  }

  connection.on('data', chunk => {
    handling = handling.then(() => onBytes(chunk)).catch(close)
  })
  connection.on('error', close)
  connection.on('close', () => close())
  inflate.on('error', close)
  deflate.on('error', close)
}

class Stream extends Duplex implements SpdyStream {
  readonly headers: ReadonlyMap<string, string>
  readonly #id: number
  readonly #send: (frame: Buffer, done?: (error?: Error | null) => void) => void
  readonly #forget: () => void
  #wanted: (() => void) | undefined
  #finished = false

  constructor(
    id: number,
    headers: ReadonlyMap<string, string>,
    send: (frame: Buffer, done?: (error?: Error | null) => void) => void,
    forget: () => void,
  ) {
    super()
    this.#id = id
    this.headers = headers
    this.#send = send
    this.#forget = forget
    // Its end is told to whoever reads it; an error of a stream that nobody watches must not end the program.
    this.on('error', () => {})
  }

  /** Calls back when more may be pushed. */
  onceWanted(then: () => void): void {
    this.#wanted = then
  }

  override _read(): void {
    const wanted = this.#wanted
    this.#wanted = undefined
    wanted?.()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#send(dataFrame(this.#id, 0, chunk), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#finished = true
    this.#send(dataFrame(this.#id, finFlag, Buffer.alloc(0)), done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this._read()
    this.#forget()
    if (!this.#finished) this.#send(controlFrame(type.reset, 0, Buffer.concat([uint32(this.#id), uint32(cancelled)])))
    done(error)
  }
}

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value >>> 0)
  return out
}

function controlFrame(kind: number, flags: number, body: Buffer): Buffer {
  return Buffer.concat([
    uint32(((0x8000 | version) * 0x10000 + kind) >>> 0),
    uint32(((flags << 24) | body.length) >>> 0),
    body,
  ])
}

function dataFrame(id: number, flags: number, body: Buffer): Buffer {
  return Buffer.concat([uint32(id), uint32(((flags << 24) | body.length) >>> 0), body])
}

/** What comes out of a zlib stream for one piece that goes in; the stream goes on. */
function through(zlib: ReturnType<typeof createInflate>, piece: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = []
    const onData = (chunk: Buffer) => out.push(chunk)
    zlib.on('data', onData)
    zlib.once('error', reject)
    zlib.write(piece, () => {
      // The last output is on its way when the write is done.
      setImmediate(() => {
        zlib.off('data', onData)
        zlib.off('error', reject)
        resolve(Buffer.concat(out))
      })
    })
  })
}

function parseHeaders(block: Buffer): Map<string, string> {
  const headers = new Map<string, string>()
  let at = 0
  const number = () => {
    const value = block.readUInt32BE(at)
    at += 4
    return value
  }
  const text = () => {
    const length = number()
    if (length > block.length - at) throw new Error('a header is longer than its block')
    at += length
    return block.toString('utf8', at - length, at)
  }
  for (let left = number(); left > 0; left--) {
    const name = text().toLowerCase()
    headers.set(name, text())
  }
  return headers
}
