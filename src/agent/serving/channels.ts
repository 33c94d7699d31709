import { PassThrough, Writable } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import { Channel } from '../../base/channel.ts'
import { channelMessage, commandChannels, messageBytes, passOn } from '../../base/channel-messages.ts'
import type { Streams } from '../../runtime/runtime.ts'

/** Sub-protocols of exec and attach over WebSocket, the best first. */
export const execProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'base64.channel.k8s.io',
]

export interface Wanted {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

/** How it ended: the exit code, or why it could not run. */
export type Outcome = { exitCode: number } | { error: string }

export interface ChannelStreams {
  streams: Streams
  /** Tells the client how it ended, after all that was written before, and closes. */
  finish(outcome: Outcome): void
}

const { stdin, stdout, stderr, outcome: error, resize, close } = commandChannels

/** The streams of one program in one WebSocket. */
export function channelStreams(socket: WebSocket, protocol: string, wanted: Wanted): ChannelStreams {
  const base64 = protocol.includes('base64')
  const input = wanted.stdin ? new PassThrough() : undefined
  const sizes = new Channel<{ width: number; height: number }>()

  const send = (channel: number, data: Uint8Array, done: (error?: Error | null) => void = () => {}) => {
    if (socket.readyState !== socket.OPEN) return done()
    if (base64) socket.send(`${channel}${Buffer.from(data).toString('base64')}`, { binary: false }, done)
    else socket.send(channelMessage(channel, data), { binary: true }, done)
  }
  const writable = (channel: number) =>
    new Writable({ write: (chunk: Buffer, _encoding, done) => send(channel, chunk, done) })

  socket.on('message', (raw: RawData) => {
    const message = messageBytes(raw)
    if (!message.length) return
    const channel = base64 ? message[0]! - 48 : message[0]!
    const data = base64 ? Buffer.from(message.subarray(1).toString(), 'base64') : message.subarray(1)
    if (channel === stdin && input) passOn(socket, input, data)
    else if (channel === resize) {
      const size = parseSize(data)
      if (size) sizes.push(size)
    } else if (channel === close && data[0] === stdin) input?.end()
  })
  socket.on('close', () => {
    input?.end()
    sizes.end()
  })

  const outputs = {
    ...(wanted.stdout ? { stdout: writable(stdout) } : {}),
    ...(wanted.stderr && !wanted.tty ? { stderr: writable(stderr) } : {}),
  }
  return {
    streams: {
      tty: wanted.tty,
      ...(input ? { stdin: input } : {}),
      ...outputs,
      ...(wanted.tty ? { resize: sizes } : {}),
    },
    finish(outcome) {
      void allWritten(Object.values(outputs)).then(() => {
        const text = outcomeText(outcome, /^v[45]\./.test(protocol))
        if (text) send(error, Buffer.from(text))
        // The client's own farewell must be read, even if its input has not all been.
        socket.resume()
        socket.close(1000)
      })
    },
  }
}

/** Ends the streams; resolves when what was written to them is on its way, or can be no more. */
export async function allWritten(streams: readonly Writable[]): Promise<void> {
  await Promise.all(
    streams.map(
      stream =>
        new Promise<void>(resolve => {
          stream.once('close', resolve)
          stream.end(resolve)
        }),
    ),
  )
}

/** Since version 4 a Status object says how it ended; before, text says what went wrong. */
export function outcomeText(outcome: Outcome, structured: boolean): string {
  if ('error' in outcome)
    return structured
      ? JSON.stringify({ metadata: {}, status: 'Failure', message: outcome.error, reason: 'InternalError', code: 500 })
      : outcome.error
  const { exitCode } = outcome
  if (exitCode === 0) return structured ? JSON.stringify({ metadata: {}, status: 'Success' }) : ''
  const message = `command terminated with non-zero exit code: exit status ${exitCode}`
  if (!structured) return message
  return JSON.stringify({
    metadata: {},
    status: 'Failure',
    message,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  })
}

export function parseSize(data: Buffer): { width: number; height: number } | undefined {
  try {
    const { Width, Height } = JSON.parse(data.toString()) as { Width?: number; Height?: number }
    return Width && Height ? { width: Width, height: Height } : undefined
  } catch {
    return undefined
  }
}
