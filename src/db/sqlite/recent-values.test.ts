import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecentValues } from './recent-values.ts'

describe('recent values', () => {
  it('are what was last written under their key, or not there, however often the ring goes round', () => {
    const write = fc.record({ key: fc.nat(40), length: fc.nat(600_000), drop: fc.boolean() })
    fc.assert(
      fc.property(fc.array(write, { minLength: 1, maxLength: 60 }), writes => {
        const recent = new RecentValues()
        const truth = new Map<string, number>()
        writes.forEach(({ key: number, length, drop }, position) => {
          const key = `${number}`
          if (drop && position % 3 === 0) {
            recent.delete(key)
            truth.delete(key)
          } else {
            recent.set(key, position, new Uint8Array(length).fill(position))
            truth.set(key, position)
          }
          for (let k = 0; k <= 40; k++) {
            const found = recent.get(`${k}`)
            if (!found) continue
            expect(found.position).toBe(truth.get(`${k}`))
            const { value } = found
            expect([value[0] ?? found.position, value.at(-1) ?? found.position]).toEqual([
              found.position,
              found.position,
            ])
          }
        })
      }),
      { numRuns: 30 },
    )
  })

  it('stay while there is room', () => {
    const recent = new RecentValues()
    for (let i = 0; i < 4000; i++) recent.set(`${i}`, i, new Uint8Array(2000).fill(i))
    expect(Array.from({ length: 4000 }, (_, i) => recent.get(`${i}`)?.position)).toEqual([...Array(4000).keys()])
  })
})
