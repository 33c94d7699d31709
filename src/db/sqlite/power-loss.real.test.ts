import { describe, expect, it } from 'vitest'
import { canRecord, losePower } from './testing/power/lose-power.ts'

/** Needs cc. The thousand images are in power-loss.long.test.ts. */
describe.skipIf(!canRecord)('power that goes at any moment', () => {
  it('takes nothing that was acknowledged or published', async () => {
    const { lost, unsound, commits } = await losePower({ images: 60, commits: 1500, seed: 1 })
    expect({ lost, unsound }).toEqual({ lost: { images: 0, first: undefined }, unsound: [] })
    expect(commits).toBeGreaterThan(1000)
  })

  it('would take some, were the log not synced with each commit', async () => {
    const { lost } = await losePower({ images: 60, commits: 1500, seed: 1, planted: true })
    expect(lost.images).toBeGreaterThan(10)
  })
})
