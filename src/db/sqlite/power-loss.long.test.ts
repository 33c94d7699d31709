import { describe, expect, it } from 'vitest'
import { canRecord, losePower } from './testing/power/lose-power.ts'

const images = Number(process.env['POWER_IMAGES'] ?? 1000)

/** Needs cc. POWER_IMAGES=10000 for more. */
describe.skipIf(!canRecord)('power that goes at any of a thousand moments', () => {
  it('takes nothing that was acknowledged or published', async () => {
    for (let run = 0; run < 4; run++) {
      const outcome = await losePower({ images: images / 4, commits: 3000, seed: 100 + run, writers: run % 2 ? 8 : 96 })
      expect(outcome).toMatchObject({ lost: { images: 0, first: undefined }, unsound: [] })
    }
  })
})
