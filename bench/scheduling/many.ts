const inFlight = 256

/** Runs `count` tasks, `width` at a time, as each ends. */
export async function many(count: number, task: (i: number) => Promise<unknown>, width = inFlight): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await task(next++)
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker))
}
