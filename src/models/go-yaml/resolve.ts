/** Words that YAML 1.1 reads as a boolean, nothing, or a number that is none. */
const words = new Set(
  ['y', 'yes', 'true', 'on', 'n', 'no', 'false', 'off', 'null', '.nan', '.inf', '+.inf', '-.inf']
    .flatMap(word => [word, word.replace(/[a-z]/, first => first.toUpperCase()), word.toUpperCase()])
    .concat('', '~', '.NaN'),
)
// `.nan` has three spellings, of which none is `.Nan`.
words.delete('.Nan')

const inMap = /^[yYnNtTfFoO~]/
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const dottedFloat = /^\.[0-9]+(?:[eE][-+]?[0-9]+)?$/
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/
const bases: [RegExp, string][] = [
  [/^([-+]?)0[xX]([0-9a-fA-F]+)$/, '0x'],
  [/^([-+]?)0[oO]?([0-7]+)$/, '0o'],
  [/^([-+]?)0[bB]([01]+)$/, '0b'],
  // What is left of Go's own reading of binary numbers: their sign may come late.
  [/^0b([-+])([01]+)$/, '0b'],
]
const decimal = /^([-+]?)((?:0|[1-9][0-9]*))$/

/**
 * Whether a text without quotes would be read as something that is no text, by YAML 1.1 as Go's readers know it: `yes`,
 * `1e3`, `0x1F`, `2006-01-02`, `12:30`; the empty text too.
 */
export function looksLikeOther(text: string): boolean {
  if (text === '' || inMap.test(text)) return words.has(text)
  const first = text.charCodeAt(0)
  if (first === 0x2e) return words.has(text) || (dottedFloat.test(text) && Number.isFinite(Number(text)))
  if (first !== 0x2b && first !== 0x2d && !(first >= 0x30 && first <= 0x39)) return false
  return words.has(text) || isTimestamp(text) || isNumber(text.replaceAll('_', '')) || base60.test(text)
}

function isNumber(plain: string): boolean {
  return isInteger(plain) || (float.test(plain) && Number.isFinite(Number(plain)))
}

/** Of 64 bits, with a sign or, if it has none, without. */
function isInteger(plain: string): boolean {
  for (const [form, prefix] of [...bases, [decimal, ''] as const]) {
    const [, sign, digits] = form.exec(plain) ?? []
    if (digits === undefined) continue
    const size = BigInt(prefix + digits)
    return size < 1n << (sign === '' ? 64n : 63n) || (sign === '-' && size === 1n << 63n)
  }
  return false
}

const timestamp =
  /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(?:Z|[-+]([0-9]{2}):([0-9]{2}))| +([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?)?$/

function isTimestamp(text: string): boolean {
  if (text.charCodeAt(4) !== 0x2d) return false
  const [, year, month, day, ...rest] = (timestamp.exec(text) ?? []).map(Number)
  if (year === undefined || month! < 1 || month! > 12 || day! < 1 || day! > daysOf(year, month!)) return false
  const [hour, minute, second, offsetHour, offsetMinute, hour2, minute2, second2] = rest
  const within = (value: number | undefined, limit: number) => !(value! > limit)
  return (
    [hour, hour2].every(value => within(value, 23)) &&
    [minute, second, minute2, second2].every(value => within(value, 59)) &&
    within(offsetHour, 24) &&
    within(offsetMinute, 60)
  )
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}
