import { constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Named pipes come in through here. They are read and written by the event loop; no thread waits in them. */
export interface Fifos {
  /** Opens an existing one without waiting for the other side. Reading ends when the last writer has closed it. */
  open(path: string, direction: 'read' | 'write'): Duplex
}

export const systemFifos: Fifos = {
  open(path, direction) {
    // Opened for both directions, a writer need not wait until there is a reader. Non-blocking, so this returns at once.
    const flags = constants.O_NONBLOCK | (direction === 'read' ? constants.O_RDONLY : constants.O_RDWR)
    const fd = openSync(path, flags)
    return new Socket({ fd, readable: direction === 'read', writable: direction === 'write' })
  },
}
