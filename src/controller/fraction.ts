import type { IntOrString } from '../models/scalars.ts'

/** `3` or `25%` of `total`, rounded as told. Unreadable text counts as 0. */
export function resolveFraction(value: IntOrString | undefined, total: number, round: 'up' | 'down'): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  const percent = /^(\d+)%$/.exec(value)
  if (!percent) return /^-?\d+$/.test(value) ? Number(value) : 0
  const exact = (Number(percent[1]) * total) / 100
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact)
}
