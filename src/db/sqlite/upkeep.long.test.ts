import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sweepRows, vacuumPages } from './history-keeper.ts'
import { LoneWriter } from './testing/lone-writer.ts'
import { measureStalls } from './testing/stalls.ts'

/** What no write may wait longer for because of upkeep. */
const mostMs = 50
/** A machine that others use too makes some wait by itself, now more and now less: a difference of this factor and share is chance. */
const chance = { factor: 2, share: 0.0005 }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'optiflow-stalls-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Processor time of this process while `work` runs: unlike the time that passes, not that of others, nor of the disk. */
function spentMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

describe('upkeep', () => {
  it.each([
    [1_600, 60_000],
    [20_000, 6_000],
    [1_000_000, 250],
  ])('of values of %i bytes keeps the writer from commits for less than 50 ms at a time', async (bytes, count) => {
    const { writer, write } = await LoneWriter.open(join(folder, 'state.db'), 0)
    const noise = randomBytes(bytes + count)
    const together = Math.ceil(4_000_000 / bytes)
    for (let n = 0; n < count; n += together)
      write(
        Array.from({ length: Math.min(together, count - n) }, (_, i) => ({
          key: `/k/${(n + i) % 40}`,
          value: Uint8Array.prototype.slice.call(noise, n + i, n + i + bytes),
        })),
      )
    writer.compact(writer.revision)
    const slices: number[] = []
    for (let done = false; !done; )
      slices.push(
        spentMs(() => {
          done = writer.sweep(sweepRows).done
        }),
      )
    for (let given = vacuumPages; given > 0; )
      slices.push(
        spentMs(() => {
          given = writer.vacuum(vacuumPages)
        }),
      )
    const { freeBytes } = writer.usage()
    writer.close()
    expect(freeBytes).toBe(0)
    expect(Math.max(...slices)).toBeLessThan(mostMs)
  })

  /** An fsync alone may take longer than that, so the same load without upkeep and bare syncs say what the machine does by itself. */
  it('makes hardly more writes wait for 50 ms than wait without it', async () => {
    const { bare, without, beside } = await measureStalls(folder, 5, 1)
    const share = (times: number[]) => times.filter(ms => ms > mostMs).length / times.length
    const worst = (times: number[]) => Math.round(times.reduce((most, ms) => Math.max(most, ms), 0))
    const told = { bare: worst(bare), without: worst(without), beside: worst(beside) }
    const allowed = Math.max(share(bare), share(without)) * chance.factor + chance.share
    expect(share(beside), `worst of each, in ms: ${JSON.stringify(told)}`).toBeLessThanOrEqual(allowed)
  })
})
