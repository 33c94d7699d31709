import type { WebResponse } from '../../base/web-server.ts'
import type { Sink } from '../watch-cache/watch-stream.ts'

const framed = new WeakMap<Uint8Array, Buffer>()

/** One chunk of a body in HTTP/1.1's chunked coding. Made once for all watchers that get the same bytes. */
function chunkOf(bytes: Uint8Array): Buffer {
  let chunk = framed.get(bytes)
  if (!chunk) {
    const head = `${bytes.length.toString(16)}\r\n`
    chunk = Buffer.allocUnsafe(head.length + bytes.length + 2)
    chunk.set(bytes, chunk.write(head, 'latin1'))
    chunk.write('\r\n', head.length + bytes.length, 'latin1')
    framed.set(bytes, chunk)
  }
  return chunk
}

/**
 * Where the events of one watch go. Over HTTP/1.1 whole chunks go to the socket itself: the same bytes to everybody, where
 * the response would put each chunk together anew, from four pieces. Its head must be on the way already.
 */
export function watchSink(raw: WebResponse, http2: boolean): Sink {
  return {
    write(bytes) {
      const { socket } = raw
      // The response holds something back: a client that sends requests ahead still gets the answer before this one.
      const direct = !http2 && raw.chunkedEncoding && socket && raw.writableLength === socket.writableLength
      if (!direct || bytes.length === 0) raw.write(bytes)
      else if (socket.writable) socket.write(chunkOf(bytes))
      return raw.writableLength
    },
    end: () => void raw.end(),
  }
}
