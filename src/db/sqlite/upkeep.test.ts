import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LoneWriter } from './testing/lone-writer.ts'
import type { Writer } from './writer.ts'

const slow = () => true
const keys = 5
let folder: string
let lone: LoneWriter
let writer: Writer

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'optiflow-upkeep-'))
  lone = await LoneWriter.open(join(folder, 'state.db'))
  writer = lone.writer
})
afterEach(() => {
  writer.close()
  rmSync(folder, { recursive: true })
})

/** Each key is put again and again; the last one ends deleted. */
function write(changes: number, valueBytes: number): void {
  const valueAt = (n: number) => (n === changes - 1 ? undefined : Buffer.alloc(valueBytes, `${n} `))
  lone.write(Array.from({ length: changes }, (_, n) => ({ key: `/k/${n % keys}`, value: valueAt(n) })))
}

describe('a slice of upkeep', () => {
  it('that is over at once still sweeps one row, and the next ones go on from there to the same end', () => {
    write(50, 100)
    writer.compact(50)
    const removed: number[] = []
    for (let done = false; !done; ) {
      const reply = writer.sweep(200, slow)
      removed.push(reply.removed)
      done = reply.done
    }
    // The first change of each key replaced nothing, and the newest row of all is not visited: it stays.
    expect(removed).toEqual([...Array(keys).fill(0), ...Array(50 - keys - 1).fill(1)])
    expect(writer.sweep(200, slow)).toEqual({ done: true, removed: 0 })
  })

  it('that has time sweeps all that it was given', () => {
    write(50, 100)
    writer.compact(50)
    expect(writer.sweep(30, () => false)).toEqual({ done: false, removed: 30 - keys })
    expect(writer.sweep(30, () => false)).toEqual({ done: true, removed: 19 })
  })

  it('that is over at once gives a few pages back, and one that has time as many as it may', () => {
    write(20, 400_000)
    writer.compact(20)
    writer.sweep(200, () => false)
    const before = writer.usage().freeBytes
    const few = writer.vacuum(256, slow)
    const many = writer.vacuum(256, () => false)
    expect([few, many]).toEqual([8, 256])
    expect(writer.usage().freeBytes).toBe(before - (few + many) * 4096)
  })
})
