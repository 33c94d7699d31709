import { sameMeaning } from '../../base/equality.ts'
import { isIP } from '../../base/ip.ts'
import {
  isDns1123Subdomain,
  isLabelValue,
  isPathSegmentName,
  isPercent,
  isPortName,
  isPortNumber,
  isQualifiedName,
  rangeText,
} from '../../base/names.ts'
import { type FieldError, forbidden, invalid, notSupported, required } from '../field-error.ts'
import { goIntOrString } from '../go-text.ts'

// Building blocks of the kinds' validation. Each answers with what is wrong, in Kubernetes' words, or [].

export const immutableText = 'field is immutable'
export const negativeText = 'must be greater than or equal to 0'

/** What parts of an object are checked by, in the order in which refusals are told. */
export type PartChecks<T, Context = undefined> = {
  readonly [Name in keyof T]?: (field: string, value: NonNullable<T[Name]>, context: Context) => FieldError[]
}

/**
 * What is wrong with those parts of an object that are there. Most objects have few parts, and all is well with them: for
 * what is not there, not even its path is put together.
 */
export function checkParts<T extends object, Context>(
  field: string,
  whole: T,
  checks: PartChecks<T, Context>,
  context: Context,
): FieldError[] {
  const errors: FieldError[] = []
  for (const name in checks) {
    const part = whole[name]
    if (part !== undefined && part !== null) errors.push(...checks[name]!(`${field}.${name}`, part, context))
  }
  return errors
}

/** One refusal for each of the texts that a name rule answered with. */
export function texts(field: string, value: unknown, messages: string[]): FieldError[] {
  return messages.length ? messages.map(message => invalid(field, value, message)) : []
}

/** A name that must be there and keep to a rule. */
export function checkName(field: string, value: string | undefined, rule: (name: string) => string[]): FieldError[] {
  return value ? texts(field, value, rule(value)) : [required(field)]
}

/** A name that may be missing. */
export function checkOptionalName(field: string, value: string | undefined, rule: (name: string) => string[]) {
  return value ? texts(field, value, rule(value)) : []
}

export function checkNonNegative(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(field, value, negativeText)] : []
}

export function checkRange(field: string, value: number | undefined, low: number, high: number): FieldError[] {
  return value !== undefined && (value < low || value > high) ? [invalid(field, value, rangeText(low, high))] : []
}

/** A user or group id. */
export const checkId = (field: string, value: number | undefined) => checkRange(field, value, 0, 2 ** 31 - 1)

/** A number or `n%` not below zero. */
export function checkCountOrPercent(field: string, value: number | string | undefined): FieldError[] {
  if (value === undefined) return []
  if (typeof value === 'number') return checkNonNegative(field, value)
  return isPercent(value).map(text => invalid(field, goIntOrString(value), text))
}

/** A percentage of at most 100; plain numbers pass. */
export function checkNotMoreThanAll(field: string, value: number | string | undefined): FieldError[] {
  const percent = typeof value === 'string' && !isPercent(value).length ? Number.parseInt(value, 10) : 0
  return percent > 100 ? [invalid(field, goIntOrString(value!), 'must not be greater than 100%')] : []
}

/** A number or percentage that counts as zero: 0, `0%`, and what is neither. */
export function isZeroCount(value: number | string | undefined): boolean {
  if (typeof value !== 'string') return value === 0
  return !(isPercent(value).length ? Number(value) : Number.parseInt(value, 10))
}

/** A port by number or by name. */
export function checkPortReference(field: string, value: number | string | undefined): FieldError[] {
  return typeof value === 'string' ? texts(field, value, isPortName(value)) : checkPort(field, value)
}

export function checkPort(field: string, value: number | undefined): FieldError[] {
  return texts(field, value ?? 0, isPortNumber(value ?? 0))
}

export function checkIP(field: string, value: string): FieldError[] {
  return isIP(value) ? [] : [invalid(field, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')]
}

/** An enumeration that the schema does not know, or that may not be empty. */
export function checkOneOf(field: string, value: string | undefined, allowed: readonly string[]): FieldError[] {
  return allowed.includes(value ?? '') ? [] : [notSupported(field, value ?? '', allowed)]
}

export function checkLabels(field: string, labels: Record<string, string> | undefined): FieldError[] {
  const errors: FieldError[] = []
  for (const key in labels) {
    const value = labels[key]!
    errors.push(...texts(field, key, isQualifiedName(key)), ...texts(field, value, isLabelValue(value)))
  }
  return errors
}

export const checkLabelName = (field: string, key: string) => texts(field, key, isQualifiedName(key))

const pathPattern = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"

/** Who manages something: `acme.io/foo`. */
export function checkDomainPrefixedPath(field: string, value: string): FieldError[] {
  if (!value) return [required(field)]
  const [host = '', ...rest] = value.split('/')
  const path = rest.join('/')
  if (!host || !path) return [invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
  const errors = texts(field, host, isDns1123Subdomain(host))
  if (new RegExp(`^${pathPattern}$`).test(path)) return errors
  return [...errors, invalid(field, path, `Invalid path (regex used for validation is '${pathPattern}')`)]
}

/** An object of another kind in the same namespace. */
export function checkLocalReference(
  field: string,
  { apiGroup, ...reference }: { apiGroup?: string; kind?: string; name?: string },
): FieldError[] {
  const errors = apiGroup === undefined ? [] : texts(`${field}.apiGroup`, apiGroup, isDns1123Subdomain(apiGroup))
  for (const name of ['kind', 'name'] as const) {
    const value = reference[name]
    if (value) errors.push(...texts(`${field}.${name}`, value, isPathSegmentName(value)))
    else errors.push(required(`${field}.${name}`, `${name} is required`))
  }
  return errors
}

/** What may not change once it is stored. */
export function checkImmutable(field: string, next: unknown, previous: unknown): FieldError[] {
  return sameMeaning(next, previous) ? [] : [invalid(field, next ?? null, immutableText)]
}

export function checkAbsent(field: string, value: unknown, why: string): FieldError[] {
  return value === undefined ? [] : [forbidden(field, why)]
}
