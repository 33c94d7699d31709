import {
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
} from '../../../base/names.ts'
import { cel } from '../types.ts'
import { decodeBase64 } from '../values/json.ts'
import { parseTimestamp } from '../values/time.ts'
import { ArrayList, Opaque, Optional, textLength } from '../values/value.ts'
import { costs, perCharacter, perPattern, times } from './costs.ts'
import { fn, library, method } from './function.ts'
import { parseUrl } from './url.ts'

const { string } = cel
const format = cel.opaque('kubernetes.NamedFormat')

type Check = (text: string) => string[]

/** A form that texts may have, by name. */
export class Format extends Opaque {
  readonly typeName = 'kubernetes.NamedFormat'
  readonly name: string
  readonly check: Check
  /** How long the pattern is that checking it costs as much as. */
  readonly patternLength: number
  constructor(name: string, check: Check, patternLength: number) {
    super()
    this.name = name
    this.check = check
    this.patternLength = patternLength
  }
  equals(other: Opaque): boolean {
    return this.name === (other as Format).name
  }
  override toString(): string {
    return this.name
  }
}

/** A prefix may end with a dash: something follows it. */
const prefix =
  (check: Check): Check =>
  text =>
    check(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -1)}a` : text)

const ifNot =
  (valid: (text: string) => boolean, message: string): Check =>
  text =>
    valid(text) ? [] : [message]

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const isDay = (text: string) => /^\d{4}-\d\d-\d\d$/.test(text) && parseTimestamp(text) !== undefined

function uri(text: string): string[] {
  const parts = parseUrl(text)
  return typeof parts === 'string' ? [`parse ${JSON.stringify(text)}: ${parts}`] : []
}

const formats: [string, Check, number][] = [
  ['dns1123Label', isDns1123Label, 30],
  ['dns1123Subdomain', isDns1123Subdomain, 60],
  ['dns1035Label', isDns1035Label, 30],
  ['qualifiedName', isQualifiedName, 60],
  ['dns1123LabelPrefix', prefix(isDns1123Label), 30],
  ['dns1123SubdomainPrefix', prefix(isDns1123Subdomain), 60],
  ['dns1035LabelPrefix', prefix(isDns1035Label), 30],
  ['labelValue', isLabelValue, 40],
  ['uri', uri, 1000],
  ['uuid', ifNot(text => uuid.test(text), 'does not match the UUID format'), 83],
  ['byte', ifNot(text => text.length % 4 === 0 && decodeBase64(text) !== undefined, 'invalid base64'), 1000],
  ['date', ifNot(isDay, 'invalid date'), 100],
  ['datetime', ifNot(text => !isDay(text) && parseTimestamp(text) !== undefined, 'invalid datetime'), 100],
]

const named = new Map(formats.map(([name, check, length]) => [name, new Format(name, check, length)]))

function validate({ check }: Format, text: string): Optional {
  const errors = check(text)
  return errors.length ? new Optional(new ArrayList(errors)) : Optional.none
}

const longestPattern = 128

/** Forms of texts: `format.dns1123Label().validate(x).orValue([])`. */
export const formatFunctions = library({
  ...Object.fromEntries(
    [...named].map(([name, value]) => [`format.${name}`, [fn(`format.${name}`, [], format, () => value)]]),
  ),
  'format.named': [
    fn(
      'format-named',
      [string],
      cel.optional(format),
      (name: string) => {
        const found = named.get(name)
        return found ? new Optional(found) : Optional.none
      },
      costs(1),
    ),
  ],
  validate: [
    method('format-validate', [format, string], cel.optional(cel.list(string)), validate, {
      cost: ([of, text]) =>
        Math.ceil((1 + textLength(text as string)) * perCharacter) *
        Math.ceil((of as Format).patternLength * perPattern),
      estimate: args => ({ cost: times(times(args[1]!.size, perCharacter), longestPattern * perPattern) }),
    }),
  ],
})
