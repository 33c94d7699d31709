import { UsageError } from './failure.ts'

const unitsMs: Record<string, number> = { s: 1000, m: 60_000, h: 3600_000, d: 24 * 3600_000 }

/**
 * A moment of the past as the API server wants it: a revision or an RFC 3339 time.
 * @param text `2h`, `1d12h` (ago), a revision, or a time
 * @throws UsageError
 */
export function readMoment(text: string, nowMs: number): string {
  if (/^\d+$/.test(text)) return text
  const parts = /^(\d+[smhd])+$/.test(text) ? text.match(/\d+[smhd]/g)! : undefined
  if (parts) {
    const agoMs = parts.reduce((sum, part) => sum + Number(part.slice(0, -1)) * unitsMs[part.at(-1)!]!, 0)
    return new Date(nowMs - agoMs).toISOString()
  }
  const timeMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(timeMs))
    throw new UsageError(`"${text}" is no moment of the past`, {
      hint: 'Use an age such as 2h or 1d12h, a time such as 2026-01-31T12:00:00Z, or a revision.',
    })
  return new Date(timeMs).toISOString()
}
