import { isUtf8 } from 'node:buffer'
import { notSupported } from '../../models/field-error.ts'
import type { Parsed } from '../../models/json.ts'
import { apiVersionOf, type Kind } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import { decodeProtobuf } from '../../models/protobuf/index.ts'
import type { DecodeOptions, FieldValidation } from '../../models/schema/index.ts'
import type { Call } from '../core.ts'
import { decodeValue } from '../model-engine.ts'
import { invalidOptions } from '../verbs/invalid-options.ts'
import { bodyForm, bodyType, checkedBody, parseBody, unsupportedMediaType } from './body.ts'
import { textTypes } from './media-types.ts'
import { noJson, refuseUntold } from './unrecognized.ts'

/** @throws ApiError Invalid */
export function fieldValidation(call: Call): FieldValidation {
  const value = call.info.query.get('fieldValidation') ?? ''
  if (value === '') return 'Warn'
  if (value === 'Ignore' || value === 'Warn' || value === 'Strict') return value
  throw invalidOptions(call, notSupported('fieldValidation', value, ['', 'Ignore', 'Strict', 'Warn']))
}

/**
 * The request's body as an object of `kind`, with the fields that the kind has; kind and apiVersion are the kind's own.
 * Lists that are null when they are empty are still as they were sent.
 * Unknown fields become warnings or a refusal, as the request asks. Not yet defaulted.
 * @throws ApiError BadRequest, UnsupportedMediaType, RequestEntityTooLarge
 */
export function readObject(call: Call, kind: Kind<any>): AnyObject {
  const form = bodyForm(call.request)
  const body = checkedBody(call.request)
  if (form === 'protobuf' && kind.custom) throw unsupportedMediaType(bodyType(call.request), textTypes)
  if (form === 'protobuf')
    return readValue(call, kind, decodeProtobuf(body, { apiVersion: apiVersionOf(kind), ...kind }).value)
  const validation = fieldValidation(call)
  const { value, duplicates } = parseObject(form, body, { kind, duplicates: validation !== 'Ignore' })
  refuseUntold(kind, value, { body, fieldValidation: validation })
  return readValue(call, kind, value, { duplicates })
}

function parseObject(
  form: 'json' | 'yaml',
  body: Uint8Array,
  { kind, duplicates }: { kind: Kind<any>; duplicates: boolean },
): Parsed {
  try {
    return parseBody(form, body, duplicates)
  } catch (error) {
    throw (form === 'json' && isUtf8(body) && noJson(kind, body)) || error
  }
}

/** What is wrong with the text that a value was parsed from, or with the patch by which it came about. */
type TextFaults = Pick<DecodeOptions, 'duplicates' | 'ofPatch'>

/** The same for a value that is parsed already: the result of a patch. */
export function readValue(
  call: Call,
  kind: Kind<any>,
  value: unknown,
  { read = decodeValue, ...text }: TextFaults & { read?: typeof decodeValue } = {},
): AnyObject {
  const { object, warnings } = read(kind, value, fieldValidation(call), { ...text, keepsEmptyLists: true })
  if (warnings.length) call.warnings.push(...warnings)
  if (namesNoManager(value)) object.metadata.managedFields = []
  return object
}

/** Whether the list of managers is there and empty, by which a writer has them forgotten: decoded it is like one that is not there. */
function namesNoManager(value: unknown): boolean {
  const { managedFields } = (value as { metadata?: { managedFields?: unknown } | null } | null)?.metadata ?? {}
  return Array.isArray(managedFields) && managedFields.length === 0
}
