import { expect, it } from 'vitest'
import { restingTown, tryFlip } from './try-flip.ts'

const seed = Number(process.env['SEED'] ?? 1)
const flips = Number(process.env['FLIPS'] ?? 500)

it(`${flips} flipped fields harm nothing else (SEED=${seed})`, async () => {
  const entries = await restingTown()
  let [created, deleted, quiet] = [0, 0, 0]
  for (let i = 0; i < flips; i++) {
    const damage = await tryFlip(entries, seed + i)
    expect(damage, `SEED=${seed + i}`).toMatchObject({ harm: [] })
    created += damage.created
    deleted += damage.deleted
    if (!damage.created && !damage.deleted) quiet++
  }
  console.log(`${flips} flips: ${created} objects created, ${deleted} deleted, ${quiet} flips without either`)
})
