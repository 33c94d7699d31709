import { describe, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { CommitQueue } from './commit-queue.ts'
import type { CommitGroup, Committed } from './protocol.ts'

const aTurn = () => new Promise(resolve => setImmediate(resolve))

function open() {
  const sent: number[] = []
  const writer = {
    send: (group: CommitGroup) => void sent.push(group.commits),
    lookOut() {},
    onCommitted: (_: Committed) => {},
  }
  const queue = new CommitQueue({
    clock: systemClock,
    writer,
    toError: () => new Error(),
    onSent() {},
    overlapped: () => false,
    looksOut: false,
    onMany() {},
    publish() {},
  })
  let revision = 0
  let first = 0
  return {
    sent,
    commit: (key: string) => void queue.commit([{ key, value: Buffer.from('v') }], new Map()),
    /** The writer has written all that was sent. */
    written() {
      const groups = sent.slice(first)
      const results = groups.map(commits => {
        const numbers = Array.from({ length: commits }, () => [++revision, revision]).flat()
        return { commits, numbers: Float64Array.from(numbers), failures: [] }
      })
      writer.onCommitted({ type: 'committed', first, results })
      first = sent.length
    },
  }
}

describe('CommitQueue', () => {
  test('commits of one turn leave together, the first of them too', async () => {
    const { sent, commit, written } = open()
    for (let round = 0; round < 2; round++) {
      for (const key of ['/a', '/b', '/c']) commit(key)
      await Promise.resolve()
      expect(sent.length).toBe(round)
      await aTurn()
      written()
    }
    expect(sent).toEqual([3, 3])
  })

  test('where they come alone, each leaves with the present microtask', async () => {
    const { sent, commit, written } = open()
    commit('/a')
    await aTurn()
    written()
    commit('/b')
    await Promise.resolve()
    expect(sent).toEqual([1, 1])
  })

  test('one that left alone holds up the others of its turn once', async () => {
    const { sent, commit, written } = open()
    commit('/a')
    for (let round = 0; round < 3; round++) {
      await aTurn()
      written()
      for (const key of ['/b', '/c', '/d']) {
        commit(key)
        await Promise.resolve()
      }
    }
    await aTurn()
    expect(sent).toEqual([1, 1, 2, 3, 3])
  })
})
