import { expect, it } from 'vitest'
import { readMoment } from './moment.ts'

it('a moment is an age, a time or a revision, and nothing else', () => {
  const now = Date.UTC(2026, 0, 31, 12)
  expect(
    ['2h', '1d12h', '90s', '4711', '2026-01-30', '2026-01-31T10:00:00+01:00'].map(t => readMoment(t, now)),
  ).toEqual([
    '2026-01-31T10:00:00.000Z',
    '2026-01-30T00:00:00.000Z',
    '2026-01-31T11:58:30.000Z',
    '4711',
    '2026-01-30T00:00:00.000Z',
    '2026-01-31T09:00:00.000Z',
  ])
  for (const text of ['', 'yesterday', '2w', '-2h', '2026-99-99']) expect(() => readMoment(text, now)).toThrow('moment')
})
