/** Fields that are maps: empty says the same as absent. An empty object elsewhere (`emptyDir: {}`, `labelSelector: {}`) is a statement. */
const maps = new Set(
  'labels annotations nodeSelector matchLabels limits requests capacity allocatable overhead data stringData binaryData'.split(
    ' ',
  ),
)

/**
 * Whether two API values say the same: absent, null and empty list (or map) are one, and the order of fields does not matter.
 * For comparing what is with what should be before writing.
 */
export function sameMeaning(a: unknown, b: unknown): boolean {
  return same(a, b) || canonicalJson(a) === canonicalJson(b)
}

/** True when two JSON values are equal; order of fields does not matter. Undefined fields count as absent. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false
    for (let i = 0; i < a.length; i++) if (!same(a[i], b[i])) return false
    return true
  }
  if (Array.isArray(b)) return false
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const key in x) if (!same(x[key], y[key])) return false
  for (const key in y) if (y[key] !== undefined && x[key] === undefined) return false
  return true
}

/** JSON with sorted fields and nothing empty: the same text for whatever `sameMeaning` calls equal. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const fields = Object.entries(value)
    .filter(([key, v]) => !isNothing(key, v))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`
}

function isNothing(key: string, value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) return !value.length
  return maps.has(key) && !Object.keys(value).length
}

/** A copy whose fields stand in the order of their names, at every depth, as Go writes maps. */
export function inKeyOrder<T>(value: T): T {
  if (Array.isArray(value)) return value.map(inKeyOrder) as T
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(fields.map(([name, below]) => [name, inKeyOrder(below)])) as T
}
