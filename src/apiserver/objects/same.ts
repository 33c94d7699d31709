import { same } from '../../base/equality.ts'

/** Everything but metadata and status: what generation counts. */
export function sameDesire(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
    if (key !== 'metadata' && key !== 'status' && !same(a[key], b[key])) return false
  return true
}
