import { type Clock, sleep } from '../base/clock.ts'

/** What comes in time; undefined if it does not, or fails. What is late goes on unheard. */
export async function inTime<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T | undefined> {
  const heard = new AbortController()
  try {
    return await Promise.race([work, sleep(clock, ms, heard.signal).then(() => undefined)])
  } catch {
    return undefined
  } finally {
    heard.abort()
  }
}
