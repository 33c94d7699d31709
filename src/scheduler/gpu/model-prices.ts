import type { Demand } from './demand.ts'

const rounds = 6

/**
 * What it costs to use a device of each model, as a part of its capacity: pods that may go anywhere should stay off models that
 * others depend on. The demand that names models (scaled to what is free in all) is spread over them so that the fullest is as
 * empty as can be; the price is how full a model would be of that demand alone, at most 1.
 * @param free thousandths, by model
 */
export function modelPrices(free: readonly number[], models: readonly string[], { bound }: Demand): number[] {
  if (!bound.length) return free.map(() => 0)
  const total = free.reduce((sum, milli) => sum + Math.max(milli, 0), 0)
  const groups = bound.map(({ models: names, part }) => ({
    columns: names.flatMap(name => (models.includes(name) ? [models.indexOf(name)] : [])).filter(m => free[m]! > 0),
    milli: part * total,
    spread: new Map<number, number>(),
  }))
  const load = new Float64Array(free.length)
  for (let round = 0; round < rounds; round++)
    for (const { columns, milli, spread } of groups) {
      for (const [m, amount] of spread) load[m]! -= amount
      pour(milli, columns, free, load, spread)
      for (const [m, amount] of spread) load[m]! += amount
    }
  return free.map((milli, m) => (milli > 0 ? Math.min(load[m]! / milli, 1) : 0))
}

/** Like water: raises the emptiest columns to one level. Amounts go into `spread`. */
function pour(
  milli: number,
  columns: readonly number[],
  free: readonly number[],
  load: Float64Array,
  spread: Map<number, number>,
): void {
  const levelOf = (m: number) => load[m]! / free[m]!
  const sorted = [...columns].sort((a, b) => levelOf(a) - levelOf(b))
  let capacity = 0
  let water = milli
  let level = 0
  for (const [i, m] of sorted.entries()) {
    capacity += free[m]!
    water += load[m]!
    level = water / capacity
    const next = sorted[i + 1]
    if (next === undefined || level <= levelOf(next)) break
  }
  spread.clear()
  for (const m of sorted) spread.set(m, Math.max(0, level * free[m]! - load[m]!))
}
