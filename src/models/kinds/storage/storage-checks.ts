import { isDns1123Subdomain, isQualifiedName } from '../../../base/names.ts'
import { type FieldError, invalid, required, tooLong } from '../../field-error.ts'
import { texts } from '../checks.ts'

/** The name of a CSI driver; its case does not matter. */
export function checkDriverName(field: string, name = ''): FieldError[] {
  const errors = name ? [] : [required(field)]
  if (name.length > 63) errors.push(tooLong(field, 63))
  return [...errors, ...texts(field, name, isDns1123Subdomain(name.toLowerCase()))]
}

/** The name of who makes volumes. */
export function checkProvisioner(field: string, name = ''): FieldError[] {
  if (!name) return [required(field)]
  return texts(field, name.toLowerCase(), isQualifiedName(name.toLowerCase()))
}

const mostParameters = 512
const mostParameterBytes = 256 * 1024

/** What a provisioner is told, in its own words. */
export function checkParameters(field: string, parameters: Record<string, string> | undefined): FieldError[] {
  const entries = Object.entries(parameters ?? {})
  if (entries.length > mostParameters) return [tooLong(field, mostParameters)]
  const errors = entries.filter(([key]) => !key).map(([key]) => invalid(field, key, 'field can not be empty.'))
  let bytes = 0
  for (const [key, value] of entries) bytes += Buffer.byteLength(key) + Buffer.byteLength(value)
  return bytes > mostParameterBytes ? [...errors, tooLong(field, mostParameterBytes)] : errors
}
