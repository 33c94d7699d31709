import type { Duplex } from 'node:stream'
import { type Clock, systemClock } from './clock.ts'

/** A peer that does not end its side has so long. */
const lingerMs = 30_000

/**
 * Ends a connection that nothing more will come of, after what is on its way to the peer. What the peer still sends is thrown
 * away: unread, it would hide the peer's own end, and the connection would stay open for ever.
 * @param last is said before
 */
export function farewell(socket: Duplex, last?: string, clock: Pick<Clock, 'schedule'> = systemClock): void {
  if (socket.closed) return
  const spare = clock.schedule(lingerMs, () => socket.destroy())
  socket.once('close', spare)
  socket.resume()
  if (!socket.writableEnded) socket.end(last)
}
