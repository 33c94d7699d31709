import { expect, test } from 'vitest'
import type { ReadyIterator } from '../models/value-stream.ts'
import { inProcessTransport } from './in-process-transport.ts'

const chunk = (text: string) => Buffer.from(text)

/** A stream that gives `pieces` and then nothing more; and whether it was told that nobody reads it. */
function source(...pieces: string[]) {
  const seen = { returned: false }
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        const piece = pieces.shift()
        if (piece === undefined) return new Promise(() => {})
        return Promise.resolve(
          piece === 'end' ? { done: true, value: undefined } : { done: false, value: chunk(piece) },
        )
      },
      return: async () => {
        seen.returned = true
        return { done: true, value: undefined }
      },
    }),
  }
  return { body, seen }
}

async function open(body: AsyncIterable<Uint8Array>, signal: AbortSignal) {
  const transport = inProcessTransport(async () => ({ status: 200, headers: {}, body }), { username: 'a', groups: [] })
  const reply = await transport.send({ method: 'GET', url: '/', headers: {}, signal, stream: true })
  return (reply.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
}

test('a stream ends for who waits for its next piece when the signal aborts, though its source does not', async () => {
  const { body, seen } = source('a')
  const stop = new AbortController()
  const pieces = await open(body, stop.signal)
  expect(await pieces.next()).toEqual({ done: false, value: chunk('a') })
  const next = pieces.next()
  stop.abort(new Error('enough'))
  await expect(next).rejects.toThrow('enough')
  expect([await pieces.next(), seen.returned]).toEqual([{ done: true, value: undefined }, true])
})

test('who was busy when the signal aborted is told when he asks for more', async () => {
  const { body, seen } = source('a', 'b')
  const stop = new AbortController()
  const pieces = await open(body, stop.signal)
  await pieces.next()
  stop.abort(new Error('enough'))
  await expect(pieces.next()).rejects.toThrow('enough')
  expect(seen.returned).toBe(true)
})

test('a stream that is left or comes to its end lets go of its source and of the signal', async () => {
  for (const end of ['left', 'end']) {
    const { body, seen } = source('a', 'end')
    const stop = new AbortController()
    const pieces = await open(body, stop.signal)
    await pieces.next()
    const over = end === 'left' ? await pieces.return!() : await pieces.next()
    expect([over, seen.returned]).toEqual([{ done: true, value: undefined }, true])
    stop.abort()
    expect(await pieces.next()).toEqual({ done: true, value: undefined })
  }
})

test('an error of the source is given on', async () => {
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('torn')) }),
  }
  const pieces = await open(body, new AbortController().signal)
  await expect(pieces.next()).rejects.toThrow('torn')
})

/** Has its pieces at hand, and never an answer for who waits. */
function atHand(...pieces: (string | Error)[]) {
  const seen = { returned: false }
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => {
      const iterator: ReadyIterator<Uint8Array> = {
        ready() {
          const piece = pieces.shift()
          if (piece instanceof Error) throw piece
          return piece === undefined ? undefined : { done: false, value: chunk(piece) }
        },
        next: () => new Promise(() => {}),
        return: async () => {
          seen.returned = true
          return { done: true, value: undefined }
        },
      }
      return iterator
    },
  }
  return { body, seen }
}

test('what the source has at hand is not waited for, and is not given any more once the signal has aborted', async () => {
  const { body, seen } = atHand('a', 'b', 'c')
  const stop = new AbortController()
  const pieces = await open(body, stop.signal)
  expect([await pieces.next(), await pieces.next()].map(p => `${p.value}`)).toEqual(['a', 'b'])
  stop.abort(new Error('enough'))
  await expect(pieces.next()).rejects.toThrow('enough')
  expect([await pieces.next(), seen.returned]).toEqual([{ done: true, value: undefined }, true])
})

test('a piece at hand that cannot be read ends the stream with its error', async () => {
  const { body, seen } = atHand('a', new Error('torn'))
  const pieces = await open(body, new AbortController().signal)
  await pieces.next()
  await expect(pieces.next()).rejects.toThrow('torn')
  expect([await pieces.next(), seen.returned]).toEqual([{ done: true, value: undefined }, true])
})
