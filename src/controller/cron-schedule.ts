import { Cron } from 'croner'
import { plainCron } from '../models/cron-fields.ts'

/** When something is due. All times are wall time in milliseconds. */
export interface Schedule {
  /** The first time after `afterMs`; undefined when there is none. */
  next(afterMs: number): number | undefined
  /** Of one that counts from its last time, how far its times are apart. */
  everyMs?: number
}

/**
 * Five fields or a nickname such as `@daily`, in a time zone.
 * @throws RangeError saying what is wrong
 */
export function parseSchedule(text: string, timeZone = 'UTC'): Schedule {
  if (!isTimeZone(timeZone)) throw new RangeError(`unknown time zone ${timeZone}`)
  const every = /^@every\s+(.+)$/.exec(text.trim())
  if (every) return everySchedule(every[1]!)
  const plain = text.trim().startsWith('@') ? text.trim() : plainCron(text)
  let cron: Cron
  try {
    cron = new Cron(plain, { timezone: timeZone, paused: true })
  } catch (error) {
    throw new RangeError((error as Error).message)
  }
  return {
    next(afterMs) {
      const date = cron.nextRun(new Date(afterMs))
      return date === null ? undefined : date.getTime()
    },
  }
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** `@every 1h30m`: counted from whole seconds. */
function everySchedule(text: string): Schedule {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  const ms = parts.reduce((n, [, amount, unit]) => n + Number(amount) * units[unit!]!, 0)
  if (!ms || parts.map(p => p[0]).join('') !== text) throw new RangeError(`"${text}" is no duration such as 1h30m`)
  const step = Math.max(Math.floor(ms / 1000), 1) * 1000
  return { next: afterMs => Math.floor(afterMs / 1000) * 1000 + step, everyMs: step }
}

export interface Due {
  /** The latest time that is not after now. */
  atMs: number
  /** How many times passed since `earliestMs`; more than 100 are not counted. */
  missed: number
}

const countedMisses = 100

/** What was due between two times; undefined when nothing was. */
export function mostRecent(schedule: Schedule, earliestMs: number, nowMs: number): Due | undefined {
  if (schedule.everyMs !== undefined) return mostRecentOf(schedule.next(earliestMs)!, schedule.everyMs, nowMs)
  let latest: number | undefined
  let missed = 0
  for (let at = schedule.next(earliestMs); at !== undefined && at <= nowMs; at = schedule.next(at)) {
    latest = at
    if (++missed > countedMisses) return { atMs: lastBefore(schedule, at, nowMs), missed }
  }
  return latest === undefined ? undefined : { atMs: latest, missed }
}

function mostRecentOf(firstMs: number, everyMs: number, nowMs: number): Due | undefined {
  if (firstMs > nowMs) return undefined
  const more = Math.floor((nowMs - firstMs) / everyMs)
  return { atMs: firstMs + more * everyMs, missed: more + 1 }
}

/** Looks back from now in growing steps, so that a schedule that stood still for a year costs no million steps. */
function lastBefore(schedule: Schedule, known: number, nowMs: number): number {
  for (let windowMs = 60_000; ; windowMs *= 4) {
    const from = Math.max(nowMs - windowMs, known)
    let latest: number | undefined
    for (let at = schedule.next(from); at !== undefined && at <= nowMs; at = schedule.next(at)) latest = at
    if (latest !== undefined) return latest
    if (from === known) return known
  }
}
