const unitMs: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const part = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|ms|s|m|h)/gy

/** `1h30m`, `32s`, `1.5s`, as Go writes durations. @returns milliseconds; undefined for anything else */
export function parseGoDuration(text: string): number | undefined {
  const negative = text.startsWith('-')
  const digits = text.replace(/^[-+]/, '')
  if (digits === '0') return 0
  if (digits === '' || digits.length > 64) return undefined
  let ms = 0
  part.lastIndex = 0
  while (part.lastIndex < digits.length) {
    const found = part.exec(digits)
    if (!found) return undefined
    ms += Number(found[1]) * unitMs[found[2]!]!
  }
  return negative ? -ms : ms
}

/** As Go writes a duration: `15.02s`, `1m0s`, `2h0m5s`, `950ms`. @param ms whole milliseconds, not negative */
export function formatGoDuration(ms: number): string {
  if (ms > 0 && ms < 1_000) return `${ms}ms`
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor(ms / 60_000) % 60
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${(ms % 60_000) / 1_000}s`
}
