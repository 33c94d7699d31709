/**
 * Runs `task` for 0 … count-1 in batches of 1, 2, 4 …: when the first fails, the server is not bothered with the other 499.
 * @returns how many succeeded, how many were tried, and the first error
 */
export async function slowStart(
  count: number,
  task: (index: number) => Promise<unknown>,
): Promise<{ done: number; tried: number; error: unknown }> {
  let done = 0
  let tried = 0
  for (let batch = Math.min(1, count); batch > 0; batch = Math.min(batch * 2, count - tried)) {
    const first = tried
    const results = await Promise.allSettled(Array.from({ length: batch }, (_, i) => task(first + i)))
    tried += batch
    done += results.filter(r => r.status === 'fulfilled').length
    const failed = results.find(r => r.status === 'rejected')
    if (failed) return { done, tried, error: failed.reason }
  }
  return { done, tried, error: undefined }
}
