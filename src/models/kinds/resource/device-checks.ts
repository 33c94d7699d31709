import { isCIdentifier, isDns1123Label, isDns1123Subdomain } from '../../../base/names.ts'
import { encodeJson } from '../../encode-json.ts'
import { duplicate, type FieldError, invalid, required, tooLong, tooMany, typeInvalid } from '../../field-error.ts'
import type { DeviceConfiguration, DeviceSelector } from '../../types/resource-v1beta1.ts'
import { texts } from '../checks.ts'
import { checkDriverName } from '../storage/storage-checks.ts'
import { judgeDeviceExpression } from './expression-judge.ts'

/** Parameters for a driver are at most so long. */
const longestParameters = 10 * 1024
const longestPoolName = 253
const longestId = 32

/** Each entry by itself, then their number, then those that come again. @param most undefined: as many as one likes */
export function checkSet<T>(
  field: string,
  given: readonly T[] | null | undefined,
  { most, check, key, named = '' }: SetRules<T>,
): FieldError[] {
  const list = given ?? []
  const seen = new Set<string>()
  return [
    ...list.flatMap((item, i) => check(item, `${field}[${i}]`)),
    ...(most !== undefined && list.length > most ? [tooMany(field, list.length, most)] : []),
    ...list.flatMap((item, i) => {
      const text = key?.(item)
      if (text === undefined) return []
      const again = seen.has(text)
      seen.add(text)
      return again ? [duplicate(`${field}[${i}]${named}`, text)] : []
    }),
  ]
}

interface SetRules<T> {
  most?: number
  check: (item: T, at: string) => FieldError[]
  /** What makes an entry the same as another; without it none are. */
  key?: (item: T) => string
  /** The field that says it: `.name` */
  named?: string
}

/** The name of a request that the claim has. */
export function checkRequestName(at: string, name: string, requests: ReadonlySet<string>): FieldError[] {
  const errors = texts(at, name, isDns1123Label(name))
  return requests.has(name) ? errors : [...errors, invalid(at, name, 'must be the name of a request in the claim')]
}

export function checkPoolName(at: string, name: string | undefined): FieldError[] {
  if (!name) return [required(at)]
  return [
    ...(name.length > longestPoolName ? [tooLong(at, longestPoolName)] : []),
    ...name.split('/').flatMap(part => texts(at, part, isDns1123Subdomain(part))),
  ]
}

/** `driver.example.com/name`, or the name alone where the driver goes without saying. */
export function checkAttributeName(at: string, name: string, options: { qualified: boolean }): FieldError[] {
  if (!name) return [required(at, 'name required')]
  const [first = '', second] = name.split('/')
  const errors =
    second === undefined
      ? checkId(at, first)
      : [
          ...(first ? checkDriverName(at, first) : [required(at, 'the domain must not be empty')]),
          ...(second ? checkId(at, second) : [required(at, 'the name must not be empty')]),
        ]
  return options.qualified && second === undefined ? [...errors, invalid(at, name, 'must include a domain')] : errors
}

function checkId(at: string, id: string): FieldError[] {
  return [
    ...(id.length > longestId ? [tooLong(at, longestId)] : []),
    ...isCIdentifier(id).map(message => typeInvalid(at, id, message)),
  ]
}

const mostSelectors = 32

export function checkSelectors(
  field: string,
  selectors: readonly DeviceSelector[] | undefined,
  stored: boolean,
): FieldError[] {
  const check = ({ cel }: DeviceSelector, at: string) =>
    cel ? judgeDeviceExpression(`${at}.cel.expression`, cel.expression ?? '', stored) : [required(`${at}.cel`)]
  return checkSet(field, selectors, { most: mostSelectors, check })
}

/** Parameters that a driver understands. */
export function checkDeviceConfiguration(at: string, { opaque }: DeviceConfiguration): FieldError[] {
  if (!opaque) return [required(`${at}.opaque`)]
  return [
    ...checkDriverName(`${at}.opaque.driver`, opaque.driver),
    ...checkParameters(`${at}.opaque.parameters`, opaque.parameters),
  ]
}

function checkParameters(at: string, value: unknown): FieldError[] {
  if (value === undefined || value === null) return [required(at)]
  if (typeof value !== 'object' || Array.isArray(value))
    return [invalid(at, '<value omitted>', 'parameters must be a valid JSON object')]
  return encodeJson(value).length > longestParameters ? [tooLong(at, longestParameters)] : []
}
