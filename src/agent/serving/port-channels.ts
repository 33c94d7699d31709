import { Writable } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import { channelMessage, messageBytes, passOn } from '../../base/channel-messages.ts'
import { explain } from '../../base/errors.ts'
import type { Runtime } from '../../runtime/runtime.ts'

export const portProtocols = ['v4.channel.k8s.io', 'portforward.k8s.io']

/**
 * Ports of a pod through one WebSocket: the n-th port has channel 2n for its bytes and 2n+1 for its errors. The first
 * message on each is the port, two bytes, the low one first.
 */
export function forwardPorts(
  socket: WebSocket,
  ports: readonly number[],
  open: (port: number, signal: AbortSignal) => ReturnType<Runtime['portForward']>,
): void {
  const abort = new AbortController()
  const pipes = new Map<number, Promise<NodeJS.WritableStream | undefined>>()
  const send = (channel: number, data: Uint8Array, done: (error?: Error | null) => void = () => {}) => {
    if (socket.readyState !== socket.OPEN) return done()
    socket.send(channelMessage(channel, data), { binary: true }, done)
  }
  const end = (done: () => void) => {
    if (ports.length === 1) socket.close(1000)
    done()
  }
  ports.forEach((port, i) => {
    const name = Buffer.alloc(2)
    name.writeUInt16LE(port)
    send(2 * i, name)
    send(2 * i + 1, name)
    pipes.set(
      2 * i,
      open(port, abort.signal).then(
        ({ readable, writable }) => {
          readable.pipe(new Writable({ write: (chunk, _encoding, done) => send(2 * i, chunk, done), final: end }))
          readable.on('error', error => send(2 * i + 1, Buffer.from(explain(error))))
          writable.on('error', () => {})
          return writable
        },
        error => {
          send(2 * i + 1, Buffer.from(`error forwarding port ${port} to pod: ${explain(error)}`))
          return undefined
        },
      ),
    )
  })
  socket.on('message', (raw: RawData) => {
    const message = messageBytes(raw)
    const pipe = pipes.get(message[0] ?? -1)
    void pipe?.then(writable => writable && passOn(socket, writable, message.subarray(1)))
  })
  socket.on('close', () => {
    abort.abort(new DOMException('the client went away', 'AbortError'))
    for (const pipe of pipes.values()) void pipe.then(writable => writable?.end())
  })
}
