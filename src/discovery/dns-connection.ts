import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { framed } from './dns-wire.ts'

/** A client that says nothing for so long is let go. */
const idleMs = 30_000
/** Of one client so many questions are looked into at a time; until then no more of it is read. */
const mostAtOnce = 32

/**
 * Answers the questions of one TCP connection, each as soon as it can be, at the pace at which the client takes answers.
 * @param answer undefined: that is no question, and the connection ends
 * @returns when the connection is over
 * @throws what `answer` throws first; the connection is over then too
 */
export async function serveDnsConnection(
  socket: Duplex,
  clock: Clock,
  answer: (message: Buffer) => Promise<Buffer | undefined>,
): Promise<void> {
  const closed = new Promise<void>(resolve => socket.once('close', resolve))
  let failure: unknown
  const reply = async (message: Buffer) => {
    const found = await answer(message)
    if (!found) socket.destroy()
    else if (!socket.destroyed && !socket.write(framed(found))) await Promise.race([drained(socket), closed])
  }
  const underWay = new Set<Promise<void>>()
  const begin = (message: Buffer) => {
    const one: Promise<void> = reply(message)
      .catch(error => {
        failure ??= error
        socket.destroy()
      })
      .finally(() => underWay.delete(one))
    underWay.add(one)
  }
  let forget = () => {}
  const wait = () => {
    forget()
    forget = clock.schedule(idleMs, () => socket.destroy())
  }
  let rest: Buffer = Buffer.alloc(0)
  try {
    wait()
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      wait()
      rest = Buffer.concat([rest, chunk as Buffer])
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const end = 2 + rest.readUInt16BE(0)
        begin(rest.subarray(2, end))
        rest = rest.subarray(end)
        if (underWay.size >= mostAtOnce) await Promise.race([...underWay, closed])
      }
    }
    // He has asked all, and still waits for the answers.
    await Promise.all(underWay)
  } catch (error) {
    if (!socket.destroyed) throw error
  } finally {
    forget()
    // What was written still goes out.
    socket.end()
  }
  if (failure !== undefined) throw failure
}

const drained = (socket: Duplex) => new Promise<void>(resolve => socket.once('drain', resolve))
