import type { Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** The connections of a server: also those still in their TLS handshake, and those handed over by an upgrade. */
export class Connections {
  readonly #open = new Set<Duplex>()

  constructor(server: Server) {
    const keep = (socket: Socket) => {
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
    }
    server.on('connection', keep)
    server.on('secureConnection', keep)
  }

  /**
   * Cuts every connection that is still open. A server is closed only when its last connection is; Node's own
   * `closeAllConnections` knows neither upgraded nor HTTP/2 ones, and any silent peer would keep it open for ever.
   */
  cut(): void {
    for (const socket of this.#open) socket.destroy()
  }
}
