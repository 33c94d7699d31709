import type { Socket } from 'node:net'
import { explain } from '../errors.ts'
import { type CallListener, callWindow, SessionCall, type Wire } from './call.ts'
import {
  contentOf,
  type Frame,
  FrameReader,
  frameFlag,
  frameHead,
  frameType,
  numbersFrame,
  settingsFrame,
} from './frames.ts'
import { decodeHeaders } from './header-block.ts'
import { GrpcFailed, grpcStatus } from './status.ts'

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const setting = { headerTable: 1, push: 2, mostStreams: 3, window: 4 } as const
/** What either side may send before it hears more, unless told otherwise. */
const usualWindow = 65_535
/** All calls together: who does not take what came holds up only itself. */
const wholeWindow = 2 ** 31 - 1
const lastStream = 2 ** 31 - 1
/** So much waits for the kernel before we wait too. */
const mostWaiting = 1 << 20
/** Blocks of headers that were read, of which a server sends the same few again and again. */
const mostBlocks = 256

/** One HTTP/2 connection as gRPC needs it: calls side by side, each with its messages both ways. */
export class GrpcSession implements Wire {
  readonly #socket: Socket
  readonly #reader = new FrameReader()
  readonly #calls = new Map<number, SessionCall>()
  readonly #waiting: { call: SessionCall; begin: () => void }[] = []
  readonly #blocks = new Map<string, ReadonlyMap<string, string>>()
  #next = 1
  #mostCalls = Number.POSITIVE_INFINITY
  #corked = false
  #received = 0
  #headers: { stream: number; flags: number; parts: Buffer[] } | undefined
  /** No new call is taken. */
  #leaving = false
  sendWindow = usualWindow
  /** What a call that begins may send. */
  #peerWindow = usualWindow

  constructor(socket: Socket) {
    this.#socket = socket
    socket.unref()
    socket.on('data', chunk => this.#take(chunk as Buffer))
    socket.on('error', () => {})
    socket.on('close', () => this.#lost('the connection was dropped'))
    socket.on('drain', () => this.#pump())
    this.write(
      preface,
      settingsFrame({ [setting.headerTable]: 0, [setting.push]: 0, [setting.window]: callWindow }),
      numbersFrame(frameType.window, 0, 0, wholeWindow - usualWindow),
    )
  }

  get usable(): boolean {
    return !this.#leaving && !this.#socket.destroyed
  }

  get crowded(): boolean {
    return this.#socket.writableLength > mostWaiting
  }

  /** Begins a call. @param head its headers, encoded */
  open(head: Buffer, listener: CallListener): SessionCall {
    const call = new SessionCall(this, listener)
    const begin = () => {
      const id = this.#next
      this.#next += 2
      if (this.#next > lastStream) this.#leaving = true
      if (!this.#calls.size) this.#socket.ref()
      this.#calls.set(id, call)
      this.write(frameHead(frameType.headers, frameFlag.endHeaders, id, head.length), head)
      call.begin(id, this.#peerWindow)
    }
    if (!this.usable) call.end(new GrpcFailed(grpcStatus.UNAVAILABLE, 'the connection was dropped', true))
    else if (this.#calls.size < this.#mostCalls) begin()
    else this.#waiting.push({ call, begin })
    return call
  }

  /** All that is written within one turn goes to the kernel at once. */
  write(...parts: Buffer[]): void {
    if (this.#socket.destroyed) return
    if (!this.#corked) {
      this.#corked = true
      this.#socket.cork()
      queueMicrotask(() => {
        this.#corked = false
        this.#socket.uncork()
      })
    }
    for (const part of parts) this.#socket.write(part)
  }

  /** The call with this number is over. */
  forget(id: number): void {
    if (!this.#calls.delete(id)) return
    if (this.#waiting.length) this.#beginNext()
    if (this.#calls.size) return
    this.#socket.unref()
    if (this.#leaving) this.#socket.end()
  }

  close(): void {
    this.#socket.destroy()
    this.#lost('the connection was closed')
  }

  #beginNext(): void {
    while (this.#waiting.length && this.#calls.size < this.#mostCalls) {
      const { call, begin } = this.#waiting.shift()!
      if (!call.over) begin()
    }
  }

  #lost(why: string): void {
    this.#leaving = true
    const failure = new GrpcFailed(grpcStatus.UNAVAILABLE, why, true)
    const calls = [...this.#calls.values(), ...this.#waiting.splice(0).map(({ call }) => call)]
    this.#calls.clear()
    for (const call of calls) call.end(failure)
  }

  #take(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.frames(chunk)) this.#frame(frame)
    } catch (error) {
      this.#socket.destroy()
      this.#lost(explain(error))
    }
  }

  #frame(frame: Frame): void {
    const { type, flags, stream, payload } = frame
    const call = this.#calls.get(stream)
    switch (type) {
      case frameType.data:
        this.#credit(payload.length)
        call?.data(contentOf(frame), payload.length)
        if (flags & frameFlag.endStream) call?.ended(new Map())
        return
      case frameType.headers:
        this.#headers = { stream, flags, parts: [contentOf(frame)] }
        if (flags & frameFlag.endHeaders) this.#headersDone()
        return
      case frameType.more:
        this.#headers?.parts.push(payload)
        if (flags & frameFlag.endHeaders) this.#headersDone()
        return
      case frameType.reset:
        call?.reset(payload.readUInt32BE(0))
        return
      case frameType.settings:
        if (!(flags & frameFlag.ack)) this.#settings(payload)
        return
      case frameType.ping:
        if (!(flags & frameFlag.ack)) this.write(frameHead(frameType.ping, frameFlag.ack, 0, payload.length), payload)
        return
      case frameType.goAway:
        this.#goAway(payload.readUInt32BE(0) & 0x7fff_ffff)
        return
      case frameType.window: {
        const more = payload.readUInt32BE(0) & 0x7fff_ffff
        if (stream) call?.widen(more)
        else this.sendWindow += more
        if (stream) call?.pump()
        else this.#pump()
        return
      }
    }
  }

  #headersDone(): void {
    const { stream, flags, parts } = this.#headers!
    this.#headers = undefined
    // Also of a call that is over: a block that cannot be read says that nothing can be.
    const headers = this.#decoded(parts.length === 1 ? parts[0]! : Buffer.concat(parts))
    const call = this.#calls.get(stream)
    if (flags & frameFlag.endStream) call?.ended(headers)
    else call?.begun(headers)
  }

  #decoded(block: Buffer): ReadonlyMap<string, string> {
    const text = block.toString('latin1')
    const known = this.#blocks.get(text)
    if (known) return known
    const headers = decodeHeaders(block)
    if (this.#blocks.size >= mostBlocks) this.#blocks.clear()
    this.#blocks.set(text, headers)
    return headers
  }

  #settings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2)
      const id = payload.readUInt16BE(at)
      if (id === setting.mostStreams) this.#mostCalls = value
      if (id !== setting.window) continue
      for (const call of this.#calls.values()) call.widen(value - this.#peerWindow)
      this.#peerWindow = value
    }
    this.write(frameHead(frameType.settings, frameFlag.ack, 0, 0))
    this.#beginNext()
    this.#pump()
  }

  /** The server leaves: what it has not begun it will not do. */
  #goAway(last: number): void {
    this.#leaving = true
    const failure = new GrpcFailed(grpcStatus.UNAVAILABLE, 'the server goes away', true)
    for (const { call } of this.#waiting.splice(0)) call.end(failure)
    for (const [id, call] of [...this.#calls]) if (id > last) call.end(failure)
    if (!this.#calls.size) this.#socket.end()
  }

  #credit(bytes: number): void {
    this.#received += bytes
    if (this.#received < wholeWindow / 4) return
    this.write(numbersFrame(frameType.window, 0, 0, this.#received))
    this.#received = 0
  }

  #pump(): void {
    for (const call of [...this.#calls.values()]) call.pump()
  }
}
