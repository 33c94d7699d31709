import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { channelMessage, messageBytes } from '../base/channel-messages.ts'
import { OptiFlowError } from '../base/errors.ts'

/** The sub-protocol of a forwarded port. */
export const portForwardProtocols = ['v4.channel.k8s.io'] as const

/** The pod does not let us at its port, in the words of its node. */
export class PortRefused extends OptiFlowError {}

const bytes = 0
const refusal = 1

/**
 * One connection to one port of a pod, over a WebSocket of `portForwardProtocols`: channel 0 carries bytes and channel 1
 * what went wrong. The first message on each repeats the port.
 */
export function forwardedConnection(socket: WebSocket): Duplex {
  const greeted = new Set<number>()
  const connection = new Duplex({
    read: () => socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      if (socket.readyState === socket.OPEN) socket.send(channelMessage(bytes, chunk), done)
      else done()
    },
    final(done) {
      socket.close(1000)
      done()
    },
    destroy(error, done) {
      socket.terminate()
      done(error)
    },
  })
  socket.on('message', raw => {
    const message = messageBytes(raw)
    const channel = message[0]!
    if (!greeted.has(channel)) greeted.add(channel)
    else if (channel === refusal) connection.destroy(new PortRefused(message.subarray(1).toString().trim()))
    else if (channel === bytes && !connection.push(message.subarray(1))) socket.pause()
  })
  socket.on('error', error => connection.destroy(error))
  socket.on('close', () => connection.push(null))
  return connection
}
