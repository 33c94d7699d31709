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
  return a === b || canonicalJson(a) === canonicalJson(b)
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
