import { OptiFlowError } from '../../base/errors.ts'
import type { FieldError } from '../../models/field-error.ts'

/** The configuration says something that cannot be done. */
export class BadConfiguration extends OptiFlowError {}

/** A number that must be whole and within bounds. @throws BadConfiguration naming the field */
export function wholeNumber(at: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  const bounds = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  throw new BadConfiguration(`${at}: ${JSON.stringify(value)} is not a whole number ${bounds}`)
}

/** @throws BadConfiguration with the first of the errors */
export function refuseAny([first]: readonly FieldError[]): void {
  if (first) throw new BadConfiguration(`${first.field}: ${first.message}`)
}
