import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../base/logger.ts'
import { StoreFailed, StoreFull } from '../store.ts'
import { Checkpointer } from './checkpointer.ts'
import type { Backfill, Request } from './protocol.ts'

/** Threads that answer in turn, and note what they were asked; a round is [pages in the log, of these in the file]. */
function made(rounds: ([number, number] | Error)[]) {
  const asked: string[] = []
  const ask = (name: string, answer: () => Backfill | Error | undefined) => ({
    ask: async <T>(request: Request): Promise<T> => {
      asked.push(`${name} ${request.type}`)
      const result = answer()
      if (result instanceof Error) throw result
      return result as T
    },
    close: async () => void asked.push(`${name} close`),
  })
  const thread = ask('thread', () => {
    const round = rounds.shift()!
    return round instanceof Error ? round : { logged: round[0], moved: round[1] }
  })
  const checkpointer = new Checkpointer({
    log: silentLogger,
    start: async () => thread,
    writer: ask('writer', () => undefined),
    pages: 1000,
  })
  return { checkpointer, asked }
}

/** All that follows from a round that has begun. */
const settle = () => new Promise<void>(resolve => setImmediate(resolve))

describe('a checkpointer', () => {
  it('begins when the log is long, goes on in rounds, and lets the writer move the few pages left', async () => {
    const { checkpointer, asked } = made([
      [3000, 1000],
      [3500, 2600],
      [3600, 3500],
    ])
    checkpointer.grow(900, 0)
    await settle()
    expect(asked).toEqual([])
    checkpointer.grow(0, 4096 * 100)
    await settle()
    expect(asked).toEqual(['thread backfill', 'thread backfill', 'thread backfill', 'writer backfill'])
    await checkpointer.stop()
    expect(asked.at(-1)).toBe('thread close')
  })

  it('rests when commits come faster than it moves them, and begins again with more', async () => {
    const { checkpointer, asked } = made([
      [3000, 1000],
      [4000, 2000],
      [4100, 4100],
    ])
    checkpointer.grow(1000, 0)
    await settle()
    expect(asked).toEqual(['thread backfill', 'thread backfill'])
    checkpointer.grow(499, 0)
    await settle()
    expect(asked.slice(2)).toEqual(['thread backfill', 'writer backfill'])
  })

  it('has the writer refuse once the file failed, since only the log has what was acknowledged', async () => {
    const { checkpointer, asked } = made([new StoreFailed('disk I/O error')])
    checkpointer.grow(1000, 0)
    await settle()
    expect(asked).toEqual(['thread backfill', 'writer refuse'])
  })

  it('tries again later when the disk was full', async () => {
    const { checkpointer, asked } = made([new StoreFull('no room'), [10, 10]])
    checkpointer.grow(1000, 0)
    await settle()
    checkpointer.grow(1000, 0)
    await settle()
    expect(asked).toEqual(['thread backfill', 'thread backfill', 'writer backfill'])
  })
})
