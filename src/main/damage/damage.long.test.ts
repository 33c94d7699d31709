import { expect, it } from 'vitest'
import { decodeStored } from '../convergence/ledger.ts'
import { namedFlips } from './named-flips.ts'
import { restingTown, strike, struck, tryFlip } from './try-flip.ts'

const seed = Number(process.env['SEED'] ?? 1)
const flips = Number(process.env['FLIPS'] ?? 400)
const { KIND = '' } = process.env

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

// Owner, selector, labels, template hash and finalizers of one object of each kind. KIND=part of the kind's plural tries some.
it('whatever says who belongs to whom may be wrong in any kind', async () => {
  const entries = await restingTown()
  const kinds = new Map(struck(entries).map(e => [e.key.split('/').slice(0, 4).join('/'), e]))
  let tried = 0
  for (const [kind, { key, value }] of kinds)
    for (const [name, change] of kind.includes(KIND) ? namedFlips(decodeStored(value)) : []) {
      const { harm } = await strike(entries, key, change, [], 60_000)
      expect(harm, `${key}: ${name}`).toEqual([])
      tried++
    }
  console.log(`${kinds.size} kinds, ${tried} damages of who belongs to whom, none did harm`)
})
