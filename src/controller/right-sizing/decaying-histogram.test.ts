import { expect, test } from 'vitest'
import type { RecommendationHistogram } from '../../models/types/optiflow-v1.ts'
import { byteScale, coreScale, DecayingHistogram } from './decaying-histogram.ts'

const day = 24 * 3_600_000
const start = Date.parse('2026-01-01T00:00:00Z')

test('a percentile is the end of the bucket that holds it, at most a twentieth above the value', () => {
  const histogram = new DecayingHistogram(coreScale)
  for (let i = 1; i <= 100; i++) histogram.add(i / 100, 1, start)
  for (const share of [0.1, 0.5, 0.9, 1]) {
    const found = histogram.percentile(share)
    expect(found).toBeGreaterThanOrEqual(share)
    expect(found).toBeLessThanOrEqual(share * 1.05 + coreScale.firstBucket)
  }
  expect(new DecayingHistogram(byteScale).percentile(0.9)).toBe(0)
})

test('a sample weighs half after a day: two of yesterday are outvoted by more than one of today', () => {
  const histogram = new DecayingHistogram(coreScale)
  histogram.add(4, 2, start)
  histogram.add(1, 0.9, start + day)
  expect(histogram.percentile(0.5)).toBeGreaterThan(4)
  histogram.add(1, 0.2, start + day)
  expect(histogram.percentile(0.5)).toBeLessThan(1.1)
})

test('what is taken back leaves no trace, and years change nothing about that', () => {
  const histogram = new DecayingHistogram(byteScale)
  histogram.add(1e9, 1, start)
  histogram.add(5e9, 1, start)
  histogram.subtract(5e9, 1, start)
  expect(histogram.percentile(1)).toBeLessThan(1.1e9)
  const later = start + 1_000 * day
  histogram.add(2e9, 1, later)
  expect(histogram.percentile(0.01)).toBeGreaterThanOrEqual(2e9)
  histogram.subtract(2e9, 1, later)
  expect(histogram.empty).toBe(true)
})

test('values beyond the scale count as its ends, and nonsense as nothing at all', () => {
  const histogram = new DecayingHistogram(coreScale)
  histogram.add(1e9, 1, start)
  expect(histogram.percentile(1)).toBeLessThan(coreScale.most * 1.05 + 1)
  const low = new DecayingHistogram(coreScale)
  for (const value of [-1, 0, Number.NaN]) low.add(value, 1, start)
  expect(low.percentile(1)).toBe(coreScale.firstBucket)
})

test('a saved distribution says the same after it is read again, and goes on decaying', () => {
  const histogram = new DecayingHistogram(coreScale)
  for (let i = 1; i <= 300; i++) histogram.add(i / 100, 1 + (i % 7), start + i * 600_000)
  const saved = JSON.parse(JSON.stringify(histogram.save()))
  const again = DecayingHistogram.restore(coreScale, saved)
  for (const one of [histogram, again]) one.add(0.2, 50, start + 4 * day)
  for (const share of [0.1, 0.5, 0.9, 0.95, 1]) expect(again.percentile(share)).toBe(histogram.percentile(share))
  expect(JSON.stringify(saved).length).toBeLessThan(1_500)
})

test('a checkpoint that was damaged is as good as none', () => {
  const damaged: (RecommendationHistogram | undefined)[] = [
    undefined,
    {},
    { bucketWeights: { '3': 5 }, totalWeight: 0, referenceTimestamp: '2026-01-01T00:00:00Z' },
    { bucketWeights: { '3': 5 }, totalWeight: 1, referenceTimestamp: 'never' },
    { bucketWeights: { '99999': 5 }, totalWeight: 1, referenceTimestamp: '2026-01-01T00:00:00Z' },
  ]
  for (const saved of damaged) expect(DecayingHistogram.restore(coreScale, saved).empty).toBe(true)
})
