/**
 * A JSON value as Go prints it with `%+v` once it is read into maps and lists: `map[metadata:map[labels:invalid]]`.
 * Members stand in the order of their names.
 */
export function goPrinted(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(goPrinted).join(' ')}]`
  if (typeof value === 'number') return printedNumber(value)
  if (typeof value !== 'object') return String(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${members.map(([k, v]) => `${k}:${goPrinted(v)}`).join(' ')}]`
}

/** Whole numbers in full, others shortest, with an exponent of at least two digits where they are very small or large. */
function printedNumber(value: number): string {
  if (Number.isSafeInteger(value)) return String(value)
  const size = Math.abs(value)
  if (size >= 1e-4 && size < 1e21) return String(value)
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
}

/** What Go calls a JSON value that it has read: `string`, `int64`, `float64`, `bool`, `map`, `slice`. */
export function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'slice'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'bigint') return 'int64'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  return typeof value === 'string' ? 'string' : 'map'
}

/** What JSON calls a value, in the words of Go's errors: `json: cannot unmarshal array into Go value of type …`. */
export function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number' || typeof value === 'bigint') return 'number'
  return typeof value === 'string' ? 'string' : 'object'
}
