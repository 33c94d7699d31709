/** What Go's encoding/json writes as an escapeOf within texts, besides what everybody does. */
const escaped = /[<>&\u2028\u2029]/g
const escapeOf = (text: string) => `\\u${text.charCodeAt(0).toString(16).padStart(4, '0')}`

const textOf = (text: string) => JSON.stringify(text).replace(escaped, escapeOf)

/** Go orders the members of a map by the bytes of their names. */
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/**
 * A JSON value as kubectl prints it, byte by byte: members by their names, four blanks for each level, and `<`, `>` and `&` escaped.
 * Members that are undefined are left out; bigints are written exactly.
 */
export function goJson(value: unknown, indent = ''): string {
  if (typeof value === 'string') return textOf(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const inner = `${indent}    `
  const lines = Array.isArray(value)
    ? value.map(item => goJson(item, inner))
    : membersOf(value).map(([name, member]) => `${textOf(name)}: ${goJson(member, inner)}`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return lines.length ? `${open}\n${lines.map(line => inner + line).join(',\n')}\n${indent}${close}` : `${open}${close}`
}

const membersOf = (value: object): [string, unknown][] =>
  Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => byBytes(a, b))
