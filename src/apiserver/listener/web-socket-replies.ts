import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { WatchStream } from '../watch-cache/watch-stream.ts'

const base64Protocol = 'base64.binary.k8s.io'
/** More than this waiting in one connection makes a log wait; in bytes. */
const maxWaitingBytes = 1024 * 1024

const sockets = new WebSocketServer({
  noServer: true,
  // Whoever is given a watch or a log has nothing to say.
  maxPayload: 64 * 1024,
  perMessageDeflate: false,
  // Browsers want one of theirs back. Those that we know say how bytes are written; others are an agreement of the client with itself.
  handleProtocols: offered =>
    [...offered].find(p => p === 'binary.k8s.io' || p === base64Protocol) ?? [...offered][0] ?? false,
})

/** The HTTP/1.1 request as Node gives it. */
export type UpgradeMessage = Parameters<WebSocketServer['handleUpgrade']>[0]

/** True for a request to switch to WebSocket. */
export function wantsWebSocket(headers: UpgradeMessage['headers']): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

/**
 * Gives a stream over WebSocket: each event of a watch is one message, and so is each piece of a log. Text if the stream
 * is, base64 if the client asks for that, else binary.
 */
export function replyOverWebSocket(
  request: UpgradeMessage,
  socket: Duplex,
  head: Buffer,
  body: AsyncIterable<Uint8Array>,
  contentType: string,
): void {
  sockets.handleUpgrade(request, socket, head, connection => {
    const watched = body instanceof WatchStream
    const write = writer(connection, watched && contentType.startsWith('application/json'))
    connection.on('error', () => connection.terminate())
    if (watched) {
      connection.on('close', () => body.end())
      body.attach({
        write: chunk => {
          write(chunk)
          return connection.bufferedAmount
        },
        end: () => connection.close(1000),
      })
    } else void pump(connection, body, write)
  })
}

function writer(connection: WebSocket, text: boolean): (chunk: Uint8Array) => void {
  if (connection.protocol === base64Protocol) return chunk => connection.send(Buffer.from(chunk).toString('base64'))
  return chunk => connection.send(chunk, { binary: !text })
}

async function pump(
  connection: WebSocket,
  body: AsyncIterable<Uint8Array>,
  write: (chunk: Uint8Array) => void,
): Promise<void> {
  try {
    for await (const chunk of body) {
      if (connection.readyState !== connection.OPEN) return
      write(chunk)
      if (connection.bufferedAmount > maxWaitingBytes) await drained(connection)
    }
    connection.close(1000)
  } catch {
    connection.close(1011)
  }
}

/** An empty ping goes out after everything before it. */
function drained(connection: WebSocket): Promise<void> {
  return new Promise(resolve => {
    connection.once('close', () => resolve())
    connection.ping(undefined, undefined, () => resolve())
  })
}
