import { frameFlag, frameHead, frameType, mostInFrame, numbersFrame } from './frames.ts'
import { MessageReader } from './messages.ts'
import { failureOf, GrpcFailed, grpcStatus } from './status.ts'

/** Hears what comes of a call. */
export interface CallListener {
  message(message: Buffer): void
  /** Nothing follows. @param failure undefined: it went well */
  end(failure: GrpcFailed | undefined): void
}

/** The connection, as a call of it sees it. */
export interface Wire {
  /** What all calls together may still send, in bytes. */
  sendWindow: number
  /** So much waits for the kernel that more would only fill our memory. */
  readonly crowded: boolean
  write(...parts: Buffer[]): void
  /** The call with this number is over. */
  forget(id: number): void
}

const reset = { cancel: 8, refused: 7 } as const
/** What a call may send us before it is taken, in bytes. */
export const callWindow = 4 << 20

/** One call of a session. */
export class SessionCall {
  over = false
  readonly #wire: Wire
  readonly #listener: CallListener
  readonly #messages = new MessageReader()
  #id = 0
  #window = 0
  /** Bytes that have come, of these the messages that were told, of those that were taken; and what the server was told of. */
  #came = 0
  #told = 0
  #taken = 0
  #credited = 0
  #answer: ReadonlyMap<string, string> | undefined
  readonly #outgoing: { bytes: Buffer; last: boolean; sent?: () => void }[] = []
  #halfClosed = false

  constructor(wire: Wire, listener: CallListener) {
    this.#wire = wire
    this.#listener = listener
  }

  begin(id: number, window: number): void {
    this.#id = id
    this.#window = window
    this.pump()
  }

  /** @param last nothing follows. @param sent called when it is on its way, or will never be */
  send(bytes: Buffer, last: boolean, sent?: () => void): void {
    this.#outgoing.push({ bytes, last, ...(sent ? { sent } : {}) })
    if (this.over) this.#letGo()
    else this.pump()
  }

  /** Sends what the other side has room for. */
  pump(): void {
    while (this.#id && this.#outgoing.length && !this.over) {
      const first = this.#outgoing[0]!
      const room = Math.min(this.#window, this.#wire.sendWindow, mostInFrame)
      if ((room <= 0 || this.#wire.crowded) && first.bytes.length) return
      const part = first.bytes.subarray(0, Math.max(room, 0))
      const done = part.length === first.bytes.length
      const end = done && first.last
      this.#window -= part.length
      this.#wire.sendWindow -= part.length
      this.#halfClosed ||= end
      this.#wire.write(frameHead(frameType.data, end ? frameFlag.endStream : 0, this.#id, part.length), part)
      if (!done) first.bytes = first.bytes.subarray(part.length)
      else this.#outgoing.shift()!.sent?.()
    }
  }

  widen(bytes: number): void {
    this.#window += bytes
  }

  /** A message of so many bytes was taken: as many may come. */
  taken(bytes: number): void {
    this.#taken += bytes
    this.#credit()
  }

  data(bytes: Buffer, withPadding: number): void {
    this.#came += withPadding
    const problem = this.#messages.take(bytes, message => {
      this.#told += message.length
      this.#listener.message(message)
    })
    if (problem) this.#break(new GrpcFailed(grpcStatus.INTERNAL, problem))
    else this.#credit()
  }

  /** Of a message that is not whole yet the rest may come too, however large it is. */
  #credit(): void {
    const due = this.#came - this.#told + this.#taken - this.#credited
    if (due < callWindow / 4 || this.over) return
    this.#wire.write(numbersFrame(frameType.window, 0, this.#id, due))
    this.#credited += due
  }

  /** The server has begun to answer. */
  begun(headers: ReadonlyMap<string, string>): void {
    this.#answer = headers
  }

  /** The server has said all. */
  ended(headers: ReadonlyMap<string, string>): void {
    const failure = failureOf(headers.size ? headers : (this.#answer ?? headers))
    if (!this.#halfClosed) this.#wire.write(numbersFrame(frameType.reset, 0, this.#id, reset.cancel))
    this.end(failure)
  }

  reset(code: number): void {
    const refused = code === reset.refused
    const status = refused ? grpcStatus.UNAVAILABLE : code === reset.cancel ? grpcStatus.CANCELLED : grpcStatus.INTERNAL
    this.end(new GrpcFailed(status, `the server broke off the call (${code})`))
  }

  cancel(): void {
    this.#break(new GrpcFailed(grpcStatus.CANCELLED, 'the call was cancelled'))
  }

  end(failure: GrpcFailed | undefined): void {
    if (this.over) return
    this.over = true
    this.#wire.forget(this.#id)
    this.#letGo()
    this.#listener.end(failure)
  }

  #letGo(): void {
    for (const { sent } of this.#outgoing.splice(0)) sent?.()
  }

  #break(failure: GrpcFailed): void {
    if (this.over) return
    if (this.#id) this.#wire.write(numbersFrame(frameType.reset, 0, this.#id, reset.cancel))
    this.end(failure)
  }
}
