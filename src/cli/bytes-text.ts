const units = ['B', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi']

/** `3.5Gi`: at most one decimal, in the largest unit that leaves at least 1. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024
    unit++
  }
  return `${Math.round(value * 10) / 10}${units[unit]}`
}
