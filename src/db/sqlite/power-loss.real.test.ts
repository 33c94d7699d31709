import { describe, expect, it } from 'vitest'
import { type Bug, canRecord, losePower } from './testing/power/lose-power.ts'

const few = 8
/** The log is synced by a thread of its own, beside the writing. */
const many = 96

/** Needs cc. The thousand images are in power-loss.long.test.ts. */
describe.skipIf(!canRecord)('power that goes at any moment', () => {
  it.each([few, many])('takes nothing that was acknowledged or published, with %i writers', async writers => {
    const { lost, unsound, commits } = await losePower({ images: 60, commits: 1500, seed: 1, writers })
    expect({ lost, unsound }).toEqual({ lost: { images: 0, first: undefined }, unsound: [] })
    expect(commits).toBeGreaterThan(1000)
  })

  // What is told too early is on the disk with the next sync, which is soon: few moments show it. Of many writers a log that is never
  // synced gets to the disk in large pieces, so that between a sixth and a half of the moments show it.
  it.each<[Bug, number, number, number]>([
    ['neverSynced', few, 60, 10],
    ['neverSynced', many, 240, 10],
    ['toldTooEarly', many, 400, 0],
  ])('would take some, were the log %s, with %i writers', async (planted, writers, images, atLeast) => {
    const { lost } = await losePower({ images, commits: 1500, seed: 1, writers, planted })
    expect(lost.images).toBeGreaterThan(atLeast)
  })
})
