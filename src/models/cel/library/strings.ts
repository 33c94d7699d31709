import { fail } from '../errors.ts'
import { cel } from '../types.ts'
import { ArrayList, type List, sizeOf, textLength, type Value } from '../values/value.ts'
import { work } from '../values/work.ts'
import { exactly, perCharacter, plus, product, reads, times } from './costs.ts'
import { fn, library, method, type Overload, type Size } from './function.ts'
import { formatText } from './text-format.ts'

const { int, string, dyn } = cel
const strings = cel.list(string)

/** What can be indexed by characters: the text itself where all of them are single UTF-16 units. */
const characters = (text: string): string | string[] => (/[\ud800-\udfff]/.test(text) ? [...text] : text)
const textOf = (part: string | string[]): string => (typeof part === 'string' ? part : part.join(''))

function within(index: bigint, length: number): number {
  if (index < 0n || index > BigInt(length)) return fail(`index out of range: ${index}`)
  return Number(index)
}

function charAt(text: string, index: bigint): string {
  const all = characters(text)
  return all[within(index, all.length)] ?? ''
}

function substring(text: string, start: bigint, end?: bigint): string {
  const all = characters(text)
  const from = within(start, all.length)
  const to = end === undefined ? all.length : within(end, all.length)
  return from > to ? fail(`invalid substring range. start: ${start}, end: ${end}`) : textOf(all.slice(from, to))
}

function indexOf(text: string, part: string, offset = 0n): bigint {
  if (part === '') return offset
  const all = characters(text)
  const from = textOf(all.slice(0, within(offset, all.length))).length
  const found = text.indexOf(part, from)
  return found < 0 ? -1n : BigInt(textLength(text.slice(0, found)))
}

function lastIndexOf(text: string, part: string, offset?: bigint): bigint {
  const all = characters(text)
  const from = offset === undefined ? all.length : within(offset, all.length)
  if (part === '') return BigInt(from)
  const found = text.lastIndexOf(part, textOf(all.slice(0, from)).length)
  return found < 0 ? -1n : BigInt(textLength(text.slice(0, found)))
}

/** @param limit the most replacements; negative: all */
function replace(text: string, old: string, by: string, limit = -1n): string {
  const count = limit < 0n ? Number.POSITIVE_INFINITY : Number(limit)
  // An empty text is found around every character.
  const parts = old === '' ? ['', ...text, ''] : text.split(old)
  work((Math.min(count, parts.length - 1) * by.length) / 10)
  let result = parts[0]!
  for (let i = 1; i < parts.length; i++) result += (i <= count ? by : old) + parts[i]
  return result
}

/** @param limit the most parts; negative: all */
function split(text: string, separator: string, limit = -1n): List {
  if (limit === 0n) return new ArrayList([])
  const all = separator === '' ? [...text] : text.split(separator)
  if (limit < 0n || BigInt(all.length) <= limit) return new ArrayList(all)
  const kept = Number(limit) - 1
  return new ArrayList([...all.slice(0, kept), all.slice(kept).join(separator)])
}

function join(list: List, separator = ''): string {
  const parts: string[] = []
  for (const item of list) {
    if (typeof item !== 'string') return fail('no such overload')
    work(1 + item.length / 10)
    parts.push(item)
  }
  work((parts.length * separator.length) / 10)
  return parts.join(separator)
}

const escapes: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

const halves = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

function quote(text: string): string {
  const whole = text.replace(halves, '\ufffd')
  return `"${Array.from(whole, character => escapes[character] ?? character).join('')}"`
}

const spaces = new Set('\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000')
for (let code = 0x2000; code <= 0x200a; code++) spaces.add(String.fromCharCode(code))

/** By hand: what the language calls white space is not what others do, and a pattern for the end takes quadratic time. */
function trim(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && spaces.has(text[from]!)) from++
  while (to > from && spaces.has(text[to - 1]!)) to--
  return text.slice(from, to)
}

const asciiLower = (text: string): string => text.replace(/[A-Z]+/g, found => found.toLowerCase())
const asciiUpper = (text: string): string => text.replace(/[a-z]+/g, found => found.toUpperCase())

const sameSize = reads(0, perCharacter, ([text]) => text!.size)

/** An empty text is found around every character; a shorter one than its replacement makes the text grow most. */
function replacedSize([text, old, by]: { size: Size }[]): Size {
  const [t, o, b] = [text!.size, old!.size, by!.size]
  const most = o.min === 0 ? { count: t.max + 1, kept: t.max } : grows(b.max > o.min, t.max, o.min)
  const least = o.max === 0 ? { count: t.min + 1, kept: t.min } : grows(o.max > b.min, t.min, o.max)
  const size = product({ min: least.count, max: most.count }, b)
  return plus(size, { min: least.kept, max: most.kept })
}

const grows = (changes: boolean, text: number, old: number) =>
  changes ? { count: Math.ceil(text / old), kept: 0 } : { count: 0, kept: text }

const replaces: Pick<Overload, 'cost' | 'estimate'> = {
  ...reads(0, 2 * perCharacter),
  estimate: args => ({ cost: times(args[0]!.size, 2 * perCharacter), size: replacedSize(args) }),
}

const splits: Pick<Overload, 'cost' | 'estimate'> = {
  ...reads(0, 2 * perCharacter),
  estimate: ([text, , limit]) => {
    const max = typeof limit?.literal === 'bigint' && limit.literal >= 0n ? Number(limit.literal) : text!.size.max
    return { cost: times(text!.size, 2 * perCharacter), size: { min: 0, max } }
  },
}

const joins: Pick<Overload, 'cost' | 'estimate'> = {
  cost: (_: Value[], result: Value) => Math.ceil(sizeOf(result) * 2 * perCharacter),
  estimate: ([list, separator]) => {
    const gaps = { min: Math.max(list!.size.min - 1, 0), max: Math.max(list!.size.max - 1, 0) }
    const parts = list!.element ? product(list!.size, list!.element.size) : exactly(0)
    const size = separator ? plus(parts, product(separator.size, gaps)) : parts
    return { cost: times(size, perCharacter), size }
  },
}

const searched: Pick<Overload, 'cost' | 'estimate'> = {
  cost: ([text]) => Math.floor(sizeOf(text!) * perCharacter),
  estimate: ([text]) => ({ cost: times(text!.size, perCharacter) }),
}

/** Kubernetes' texts: `charAt`, `join`, `split`, `format` … */
export const stringFunctions = library({
  charAt: [method('string_char_at_int', [string, int], string, charAt)],
  indexOf: [
    method('string_index_of_string', [string, string], int, indexOf, searched),
    method('string_index_of_string_int', [string, string, int], int, indexOf, searched),
  ],
  lastIndexOf: [
    method('string_last_index_of_string', [string, string], int, lastIndexOf, searched),
    method('string_last_index_of_string_int', [string, string, int], int, lastIndexOf, searched),
  ],
  lowerAscii: [method('string_lower_ascii', [string], string, asciiLower, sameSize)],
  upperAscii: [method('string_upper_ascii', [string], string, asciiUpper, sameSize)],
  trim: [method('string_trim', [string], string, trim, sameSize)],
  substring: [
    method('string_substring_int', [string, int], string, substring, sameSize),
    method('string_substring_int_int', [string, int, int], string, substring, sameSize),
  ],
  replace: [
    method('string_replace_string_string', [string, string, string], string, replace, replaces),
    method('string_replace_string_string_int', [string, string, string, int], string, replace, replaces),
  ],
  split: [
    method('string_split_string', [string, string], strings, split, splits),
    method('string_split_string_int', [string, string, int], strings, split, splits),
  ],
  join: [
    method('list_join', [strings], string, join, joins),
    method('list_join_string', [strings, string], string, join, joins),
  ],
  format: [
    method('string_format', [string, cel.list(dyn)], string, formatText, {
      ...reads(0),
      estimate: ([text]) => ({ cost: times(text!.size, perCharacter) }),
    }),
  ],
  'strings.quote': [
    fn(
      'strings_quote',
      [string],
      string,
      quote,
      reads(0, perCharacter, ([text]) => ({ min: text!.size.min + 2, max: text!.size.max * 2 + 2 })),
    ),
  ],
})

/** Not among the functions of Kubernetes 1.32, whose texts cannot be turned round. */
export const reversal = library({
  reverse: [method('string_reverse', [string], string, (text: string) => [...text].reverse().join(''), sameSize)],
})
