import { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import { commandChannels as channel, channelMessage, drained } from '../../base/channel-messages.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import { RuntimeFailed, RuntimeUnavailable, type Streams } from '../runtime.ts'

/** A connection to CRI's streaming server: a WebSocket whose messages begin with the number of their channel. */
export interface Channels {
  /** @returns false when `drained` should be awaited before more is sent */
  send(channel: number, data: Uint8Array): boolean
  drained(): Promise<void>
  /** Resolves when the server has read everything sent before. */
  flushed(): Promise<void>
  closed: Promise<void>
  close(): void
}

/** @param onMessage may return what to wait for before more is taken: whoever reads slowly makes the program wait */
export async function openChannels(
  url: string,
  onMessage: (channel: number, data: Buffer) => Promise<void> | undefined,
): Promise<Channels> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), ['v4.channel.k8s.io'], { perMessageDeflate: false })
  socket.binaryType = 'nodebuffer'
  // Before it is open: the first messages may arrive together with the handshake's answer.
  socket.on('message', (data: Buffer) => {
    const slow = data.length ? onMessage(data[0]!, data.subarray(1)) : undefined
    if (!slow) return
    socket.pause()
    void slow.then(() => socket.resume())
  })
  const closed = new Promise<void>(resolve => socket.on('close', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', cause =>
      reject(new RuntimeUnavailable(`the container runtime's streaming server does not answer`, { cause })),
    )
  })
  socket.on('error', () => socket.terminate())
  return {
    send(channel, data) {
      if (socket.readyState !== WebSocket.OPEN) return false
      socket.send(channelMessage(channel, data))
      return socket.bufferedAmount < 1 << 20
    },
    drained: () =>
      new Promise(resolve => {
        if (socket.readyState === WebSocket.OPEN) socket.send(Buffer.alloc(0), () => resolve())
        else resolve()
      }),
    flushed: () =>
      Promise.race([
        closed,
        new Promise<void>(resolve => {
          socket.once('pong', () => resolve())
          if (socket.readyState === WebSocket.OPEN) socket.ping()
        }),
      ]),
    closed,
    close: () => socket.close(),
  }
}

type Open = (wanted: { stdin: boolean; stdout: boolean; stderr: boolean }) => Promise<string>

/**
 * Joins exec or attach streams to CRI's server until it closes them.
 * @param open asks CRI for a URL for these streams
 * @param attach the process was there before; the end of the input is told to it (stdinOnce) while its output goes on
 * @returns the exit code that the server reported, if it did
 */
export async function joinStreams(
  open: Open,
  streams: Streams,
  attach: boolean,
  signal: AbortSignal,
): Promise<number | undefined> {
  let result = ''
  const channels = await openChannels(
    await open({
      // containerd takes a connection without stdin for the end of the input.
      stdin: attach || Boolean(streams.stdin),
      stdout: Boolean(streams.stdout) || !streams.stderr,
      stderr: Boolean(streams.stderr) && !streams.tty,
    }),
    (from, data) => {
      if (from === channel.outcome) result += data.toString()
      const to = from === channel.stdout ? streams.stdout : from === channel.stderr ? streams.stderr : undefined
      return data.length && to?.write(data) === false ? drained(to) : undefined
    },
  )
  const close = () => channels.close()
  signal.addEventListener('abort', close, { once: true })
  try {
    if (streams.resize && streams.tty) void sendSizes(channels, streams.resize)
    const { stdin } = streams
    if (stdin && attach && !streams.inputGoesOn) void sendWholeInput(open, stdin, channels.closed)
    else if (stdin) void sendInput(channels, stdin, streams.inputGoesOn ? close : undefined)
    await channels.closed
  } finally {
    signal.removeEventListener('abort', close)
  }
  if (signal.aborted) throw signal.reason
  return result === '' ? undefined : readResult(result)
}

async function sendSizes(channels: Channels, sizes: AsyncIterable<{ width: number; height: number }>): Promise<void> {
  try {
    for await (const { width, height } of sizes)
      channels.send(channel.resize, Buffer.from(JSON.stringify({ Width: width, Height: height })))
  } catch {
    // The size only matters while somebody looks.
  }
}

/**
 * A WebSocket cannot end one channel. But the end of any attached input ends that of the process (stdinOnce), and so the input
 * has a connection of its own: its end comes behind all that it has brought, however slowly the process reads.
 * @param over when the process needs no input any more
 */
async function sendWholeInput(attach: Open, input: NodeJS.ReadableStream, over: Promise<void>): Promise<void> {
  try {
    const channels = await openChannels(await attach({ stdin: true, stdout: false, stderr: false }), () => undefined)
    const close = () => channels.close()
    void over.then(close)
    await sendInput(channels, input, close)
  } catch {
    // As where the container has ended meanwhile.
  }
}

/**
 * An empty message is taken only when all before it has been read for the process; the server's answer to a ping after it
 * says that this has happened.
 * @param end what is to be done then
 */
async function sendInput(
  channels: Channels,
  input: NodeJS.ReadableStream,
  end: (() => void) | undefined,
): Promise<void> {
  try {
    for await (const chunk of input)
      if (!channels.send(channel.stdin, Buffer.from(chunk as Buffer))) await channels.drained()
    if (!end) return
    channels.send(channel.stdin, Buffer.alloc(0))
    await channels.flushed()
    end()
  } catch {
    // The reader of the input went away, or the container ended meanwhile: its output says what there is to say.
  }
}

/** The Status object that ends an exec: its exit code, or an error. */
function readResult(text: string): number {
  let status: { status?: string; message?: string; details?: { causes?: { reason?: string; message?: string }[] } }
  try {
    status = JSON.parse(text)
  } catch {
    throw new RuntimeFailed(text)
  }
  if (status.status === 'Success') return 0
  const code = status.details?.causes?.find(cause => cause.reason === 'ExitCode')?.message
  if (code !== undefined) return Number(code)
  throw new RuntimeFailed(status.message ?? text)
}

/** After the client's end, the pod's silence for so long is the end of the connection. */
const silenceMs = 2_000

/**
 * One port of a pod as a byte pipe. Fails on the first write or read when nothing listens there. CRI's server cannot be told
 * that the client has sent all: a pod that answers still does so, one that waits for more sees the connection close.
 */
export async function joinPort(url: string, port: number, signal: AbortSignal, clock: Clock): Promise<Duplex> {
  // Messages may come before openChannels has returned.
  let channels: Awaited<ReturnType<typeof openChannels>> | undefined
  // Each of the two channels begins with the port's number.
  const greeted = [false, false]
  let cancel: Cancel | undefined
  const closeAfterSilence = () => {
    cancel?.()
    cancel = clock.schedule(silenceMs, () => channels?.close())
  }
  let readOn: (() => void) | undefined
  const pipe = new Duplex({
    // The server closes both directions at once; a writer that ends may still wait for the answer.
    allowHalfOpen: true,
    read: () => readOn?.(),
    write(chunk: Buffer, _encoding, done) {
      if (channels!.send(0, chunk)) done()
      else channels!.drained().then(() => done(), done)
    },
    final(done) {
      closeAfterSilence()
      done()
    },
    destroy(error, done) {
      cancel?.()
      readOn?.()
      channels?.close()
      done(error)
    },
  })
  // A refusal may come before anybody reads; whoever reads then still gets it.
  pipe.on('error', () => {})
  channels = await openChannels(`${url}${url.includes('?') ? '&' : '?'}port=${port}`, (from, data) => {
    const body = greeted[from] ? data : data.subarray(2)
    greeted[from] = true
    if (!body.length) return undefined
    if (pipe.writableFinished) closeAfterSilence()
    if (from !== 0) pipe.destroy(new RuntimeFailed(explainPort(port, body.toString().trim())))
    else if (!pipe.push(body)) return new Promise(resolve => (readOn = resolve))
    return undefined
  })
  if (pipe.destroyed) channels.close()
  void channels.closed.then(() => {
    cancel?.()
    if (!pipe.destroyed) pipe.push(null)
  })
  const abort = () => pipe.destroy()
  signal.addEventListener('abort', abort, { once: true })
  pipe.once('close', () => signal.removeEventListener('abort', abort))
  return pipe
}

function explainPort(port: number, words: string): string {
  if (/connection refused/.test(words)) return `nothing listens on port ${port} of the pod (connection refused)`
  return `port ${port} of the pod: ${words}`
}
