const letter = /\p{L}/u
const digit = /\p{Nd}/u

/** Order of the members of a map in Go's YAML: letters after everything else, numbers within names by their size (`a2` before `a10`). */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  if (at === length) return a.length - b.length
  // Both letters of ASCII: nearly always.
  if (isAsciiLetter(a.charCodeAt(at)) && isAsciiLetter(b.charCodeAt(at))) return a.charCodeAt(at) - b.charCodeAt(at)
  return compareRunes([...a], [...b])
}

function compareRunes(a: string[], b: string[]): number {
  const at = a.findIndex((rune, i) => rune !== b[i])
  if (at < 0 || at >= b.length) return a.length - b.length
  const [x, y] = [a[at]!, b[at]!]
  const [xIsLetter, yIsLetter] = [letter.test(x), letter.test(y)]
  if (xIsLetter && yIsLetter) return x.codePointAt(0)! - y.codePointAt(0)!
  if (xIsLetter || yIsLetter) return yIsLetter ? -1 : 1
  const lead = x === '0' || y === '0' ? leadOf(a, at) : 0n
  const [xNumber, xEnd] = numberAt(a, at, lead)
  const [yNumber, yEnd] = numberAt(b, at, lead)
  if (xNumber !== yNumber) return xNumber < yNumber ? -1 : 1
  if (xEnd !== yEnd) return xEnd - yEnd
  return x.codePointAt(0)! - y.codePointAt(0)!
}

/** 1 if digits that are not all 0 stand before: then a 0 counts. */
function leadOf(runes: string[], at: number): bigint {
  for (let i = at - 1; i >= 0 && digit.test(runes[i]!); i--) if (runes[i] !== '0') return 1n
  return 0n
}

function numberAt(runes: string[], at: number, lead: bigint): [bigint, number] {
  let value = lead
  let end = at
  for (; end < runes.length && digit.test(runes[end]!); end++)
    value = BigInt.asIntN(64, value * 10n + BigInt(runes[end]!.codePointAt(0)! - 0x30))
  return [value, end]
}

function isAsciiLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a)
}
