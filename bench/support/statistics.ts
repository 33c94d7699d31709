/** The value that `share` (0 to 1) of the numbers do not exceed. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN
}

export const median = (numbers: readonly number[]): number => percentile(numbers, 0.5)

/** Runs `one` `total` times with so many in flight; how long all took, and each one, in milliseconds. */
export async function inFlight(
  width: number,
  total: number,
  one: (i: number) => Promise<unknown>,
): Promise<{ ms: number; each: number[] }> {
  const each: number[] = []
  let next = 0
  const start = performance.now()
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < total) {
        const i = next++
        const began = performance.now()
        await one(i)
        each.push(performance.now() - began)
      }
    }),
  )
  return { ms: performance.now() - start, each }
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
