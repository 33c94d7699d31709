import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../base/random.ts'
import { priceGaps } from './gap-values.ts'

const gaps = (...of: [milli: number, count: number][]) => new Map(of)

describe('the price of a gap', () => {
  test('is that of what fits in: almost half a device where halves come, nothing where nothing fits', () => {
    const values = priceGaps([{ milli: 500, count: 1_000 }], gaps([490, 3], [500, 3]))
    expect([490, 500, 990, 1_000].map(milli => Math.round(values.of(milli)))).toEqual([0, 495, 495, 1_000])
  })

  test('falls where more of them wait than shares come to fill them', () => {
    const shares = [
      { milli: 810, count: 100 },
      { milli: 190, count: 300 },
    ]
    expect(priceGaps(shares, gaps([190, 20])).of(190)).toBeGreaterThan(150)
    expect(priceGaps(shares, gaps([190, 800])).of(190)).toBeLessThan(20)
  })

  test('leaves partners to each other', () => {
    const shares = [
      { milli: 650, count: 300 },
      { milli: 350, count: 300 },
      { milli: 230, count: 300 },
    ]
    // 230 fits into the gap of 350 too, but three or four of them fill a device as well.
    const values = priceGaps(shares, gaps())
    const price350 = 1_000 - values.of(650)
    expect(values.of(350) - price350).toBeLessThan(20)
    expect(values.of(350) - 250 - values.of(120)).toBeGreaterThan(70)
  })

  test('a whole device is worth itself where nobody shares', () => {
    const values = priceGaps([], gaps([300, 2]))
    expect([values.of(300), values.of(1_000)]).toEqual([0, 1_000])
  })

  test('grows with the gap, and two gaps are never worth more than both in one', () => {
    const random = seededRandom(5)
    for (let i = 0; i < 20; i++) {
      const pick = () => 10 * (1 + Math.floor(98 * random.next()))
      const shares = Array.from({ length: 8 }, () => ({ milli: pick(), count: 1_000 * random.next() }))
      const values = priceGaps(shares, gaps([pick(), 50], [pick(), 5]))
      for (let milli = 10; milli <= 990; milli += 10) {
        expect(values.of(milli)).toBeGreaterThanOrEqual(values.of(milli - 10))
        expect(values.of(milli) + values.of(990 - milli)).toBeLessThanOrEqual(values.of(990) + 1)
      }
    }
  })
})
