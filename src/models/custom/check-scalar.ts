import { compilePattern } from '../../base/pattern.ts'
import { invalid, tooLong, typeInvalid } from '../field-error.ts'
import type { JSONSchemaProps } from '../types/apiextensions-v1.ts'
import type { Findings } from './findings.ts'
import { hasFormat, isKnownFormat } from './formats.ts'

/** Length, pattern and format of a text; the first thing wrong is enough. */
export function checkText(text: string, schema: JSONSchemaProps, found: Findings): void {
  const wrong = textProblem(text, schema)
  if (wrong === 'long') found.add(tooLong(found.place, schema.maxLength!))
  else if (wrong) found.add(invalid(found.place, text, `${found.place} in body ${wrong}`))
  const { format, type } = schema
  if (format && (type === undefined || type === 'string') && isKnownFormat(format) && !hasFormat(format, text)) {
    const why = `${found.place} in body must be of type ${format}: ${JSON.stringify(text)}`
    found.add(typeInvalid(found.place, text, why))
  }
}

function textProblem(text: string, { maxLength, minLength, pattern }: JSONSchemaProps): string | undefined {
  // Characters, not UTF-16 units: counted only where it can matter.
  const length = maxLength === undefined && minLength === undefined ? 0 : [...text].length
  if (maxLength !== undefined && length > maxLength) return 'long'
  if (minLength !== undefined && length < minLength) return `should be at least ${minLength} chars long`
  if (pattern && !compilePattern(pattern).test(text)) return `should match '${pattern}'`
  return undefined
}

export function checkNumber(value: number | bigint, schema: JSONSchemaProps, found: Findings): void {
  for (const text of numberProblems(value, schema))
    found.add(invalid(found.place, typeof value === 'bigint' ? Number(value) : value, `${found.place} in body ${text}`))
}

const fine: string[] = []

function numberProblems(value: number | bigint, schema: JSONSchemaProps): string[] {
  const { multipleOf, maximum, minimum } = schema
  if (multipleOf === undefined && maximum === undefined && minimum === undefined) return fine
  const wrong: string[] = []
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) wrong.push(`should be a multiple of ${multipleOf}`)
  if (minimum !== undefined && (value < minimum || (schema.exclusiveMinimum && value === minimum)))
    wrong.push(`should be greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${minimum}`)
  if (maximum !== undefined && (value > maximum || (schema.exclusiveMaximum && value === maximum)))
    wrong.push(`should be less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${maximum}`)
  return wrong
}

/** A refusal that upstream does not tie to a field. */
export function nowhere(text: string) {
  return invalid('<nil>', '', text)
}

/**
 * An integer as Kubernetes' JSON has them: of 64 bits. How far `int32` reaches is not
 * looked at.
 */
export const isWhole = (value: number | bigint): boolean =>
  typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isInteger(value) && Math.abs(value) < 2 ** 63

function isMultiple(value: number | bigint, factor: number): boolean {
  if (factor <= 0) return true
  if (isWhole(value) && Number.isInteger(factor)) return BigInt(value) % BigInt(factor) === 0n
  const times = factor < 1 ? (1 / factor) * Number(value) : Number(value) / factor
  return Math.abs(times - Math.round(times)) < 1e-9 * Math.max(1, Math.abs(times))
}
