/** The JSON text of a value that may contain bigints (from `parseJson` with `exactIntegers`). */
export function encodeJson(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (!isBigIntError(error)) throw error
    return exactJson(value)
  }
}

/** The JSON text of an object that JSON.parse reads back as it was; undefined if it contains bigints. */
export function plainJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (!isBigIntError(error)) throw error
    return undefined
  }
}

const isBigIntError = (error: unknown) => error instanceof TypeError && /BigInt/.test(error.message)

function exactJson(value: unknown): string {
  // A mark that is nowhere in the text itself: no user can write it, since it is chosen after the value is known.
  let mark = '\u0001int:'
  const texts = JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? '' : v))
  while (texts.includes(JSON.stringify(mark).slice(1, -1))) mark += ':'
  const marked = JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${mark}${v}` : v))
  return marked.replaceAll(
    new RegExp(`"${JSON.stringify(mark).slice(1, -1).replaceAll('\\', '\\\\')}(-?\\d+)"`, 'g'),
    '$1',
  )
}
