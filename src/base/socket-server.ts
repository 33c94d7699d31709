import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** Hands over who connects to a unix socket, which must not be there yet. Disposing cuts the connections and takes the socket out. @throws EADDRINUSE, … */
export async function listenOnSocket(path: string, take: (connection: Socket) => void): Promise<Disposable> {
  const open = new Set<Socket>()
  const server = createServer(connection => {
    open.add(connection)
    connection.once('close', () => open.delete(connection))
    connection.on('error', () => connection.destroy())
    take(connection)
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    [Symbol.dispose]() {
      server.close()
      for (const connection of open) connection.destroy()
    },
  }
}
