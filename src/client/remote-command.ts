import { type Readable, Writable } from 'node:stream'
import type { WebSocket } from 'ws'
import { channelMessage, commandChannels, messageBytes, passOn } from '../base/channel-messages.ts'
import { ApiError } from '../models/api-error.ts'
import type { Status } from '../models/types/meta-v1.ts'

/** Sub-protocols of exec and attach that we speak, the best first: only version 5 can tell the end of the input. */
export const commandProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const

export interface CommandStreams {
  input?: Readable
  output: Writable
  errors: Writable
}

/** Columns and rows of a terminal. */
export interface TerminalSize {
  width: number
  height: number
}

export interface RemoteCommand {
  /** Tells the program, which has a terminal, how large ours is now. */
  resize(size: TerminalSize): void
  /** The program's exit code. Rejects with ApiError when it could not run, or its connection broke before its end. */
  ended: Promise<number>
}

const { stdin, stdout, stderr, outcome, resize, close } = commandChannels

/** Joins our streams to a program in a container, over a WebSocket of `commandProtocols`. */
export function joinCommand(socket: WebSocket, { input, output, errors }: CommandStreams): RemoteCommand {
  let status: Status | undefined
  socket.on('message', raw => {
    const message = messageBytes(raw)
    const data = message.subarray(1)
    if (message[0] === stdout) passOn(socket, output, data)
    else if (message[0] === stderr) passOn(socket, errors, data)
    else if (message[0] === outcome) status = JSON.parse(data.toString())
  })
  if (input) input.pipe(inputTo(socket))
  const ended = new Promise<number>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', () => {
      input?.unpipe()
      try {
        resolve(exitCode(status))
      } catch (error) {
        reject(error)
      }
    })
  })
  return {
    resize: ({ width, height }) =>
      socket.send(channelMessage(resize, JSON.stringify({ Width: width, Height: height }))),
    ended,
  }
}

function inputTo(socket: WebSocket): Writable {
  const send = (channel: number, data: Uint8Array | string, done: () => void) =>
    socket.readyState === socket.OPEN ? socket.send(channelMessage(channel, data), done) : done()
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => send(stdin, chunk, done),
    final: done => (socket.protocol === commandProtocols[0] ? send(close, Buffer.from([stdin]), done) : done()),
  })
}

/** @throws ApiError for a program that never ran, or of which nothing more is known */
function exitCode(status: Status | undefined): number {
  if (!status) throw new ApiError('InternalError', 'the connection ended before the program did')
  if (status.status === 'Success') return 0
  const code = status.details?.causes?.find(c => c.reason === 'ExitCode')?.message
  if (code === undefined) throw ApiError.fromStatus(status)
  return Number(code)
}
