import { ApiError, badRequest, invalidError } from '../api-error.ts'
import { invalid } from '../field-error.ts'
import { apiVersionOf, type CustomSchema } from '../kind.ts'
import type { AnyObject } from '../object.ts'
import { decoderOf } from './decode.ts'
import { DecodeContext } from './decode-context.ts'
import { asWarnings, problemsInOrder } from './problem-order.ts'
import { type Type, typeNamed } from './types.ts'

export { DecodeError } from './decode-context.ts'
export { applySchemaDefaults } from './defaults.ts'
export { emptyListsToNull } from './empty-lists.ts'
export { asWarnings, inTextOrder } from './problem-order.ts'
export { validateStructure } from './structure.ts'
export type { Field, ListType, MapType, ObjectType, ScalarType, Type } from './types.ts'
export { allTypes, openType, typeNamed } from './types.ts'

/** `?fieldValidation=`: what becomes of unknown and duplicate fields. */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

/** As much of a Kind as decoding needs. */
export interface DecodedKind {
  group: string
  version: string
  kind: string
  schema: string
  custom?: Pick<CustomSchema, 'decode'>
}

export interface Decoded<T> {
  object: T
  /** `unknown field "spec.x"`, `duplicate field "spec.y"`: warnings with Warn; none with Ignore. */
  warnings: string[]
}

/**
 * A parsed body as an object of the kind: unknown fields dropped, nulls and meaningless empty values dropped, empty values
 * that are always written filled in, times and quantities in their canonical form. Sets apiVersion and kind.
 * Does not default or validate.
 * @throws ApiError BadRequest: not an object, another kind, a value of the wrong type, or with Strict any unknown field
 */
export function decode<T = AnyObject>(kind: DecodedKind, value: unknown, options: DecodeOptions = {}): Decoded<T> {
  const apiVersion = apiVersionOf(kind)
  const given = value as { apiVersion?: unknown; kind?: unknown } | null
  if (typeof given === 'object' && given !== null) {
    if (given.apiVersion && given.apiVersion !== apiVersion)
      throw badRequest(
        `the API version in the data (${given.apiVersion}) does not match the expected API version (${apiVersion})`,
      )
    if (kind.custom && typeof given.kind === 'string' && given.kind && given.kind !== kind.kind)
      throw invalidError({ ...kind, kind: given.kind, plural: '' }, nameOf(value), [
        invalid('kind', given.kind, `must be ${kind.kind}`),
      ])
    if (given.kind && given.kind !== kind.kind)
      throw badRequest(`the kind in the data (${given.kind}) does not match the expected kind (${kind.kind})`)
  }
  const context = new DecodeContext()
  context.keepsNulls = options.keepsNulls === true
  context.keepsEmptyLists = options.keepsEmptyLists === true
  let decoded: object
  try {
    decoded = kind.custom
      ? kind.custom.decode(value, context)
      : (decoderOf(typeNamed(kind.schema))(value, context, '') as object)
  } catch (error) {
    throw new CannotHandle(kind, (error as Error).message, { cause: error })
  }
  const strict = options.fieldValidation ?? 'Warn'
  const problems = strict === 'Ignore' ? [] : problemsOf(Boolean(kind.custom), value, context, options)
  if (strict === 'Strict' && problems.length > 0)
    throw new CannotHandle(kind, `strict decoding error: ${problems.join(', ')}`)
  return { object: { apiVersion, kind: kind.kind, ...decoded } as T, warnings: asWarnings(problems) }
}

function problemsOf(
  custom: boolean,
  value: unknown,
  { problems: unknown }: DecodeContext,
  { duplicates = [], ofPatch }: DecodeOptions,
): string[] {
  if (ofPatch) return [...ofPatch, ...problemsInOrder(true, value, { unknown, duplicates })]
  return problemsInOrder(custom, value, { unknown, duplicates })
}

export interface DecodeOptions {
  fieldValidation?: FieldValidation
  /** What `parseJson` or `parseYaml` said of repeated fields. */
  duplicates?: readonly string[]
  /** What was wrong with the patch by which the value came about: told first. */
  ofPatch?: readonly string[]
  /** Nulls of a custom resource stay where none may be. */
  keepsNulls?: boolean
  /** Empty lists stay where null is kept in their place: for who goes on to `emptyListsToNull`. */
  keepsEmptyLists?: boolean
}

/**
 * Decodes a part that is no whole object, such as DeleteOptions or one field's value.
 * @throws DecodeError
 */
export function decodePart<T>(type: Type | string, value: unknown): T {
  const part = typeof type === 'string' ? typeNamed(type) : type
  return decoderOf(part)(value, new DecodeContext(), '') as T
}

/** The answer to a body that is no object of its kind. */
export class CannotHandle extends ApiError {
  /** What is wrong, without the kind. */
  readonly why: string

  /** @param options.as the kind that was asked for, if another one was given */
  constructor(
    given: Pick<DecodedKind, 'kind' | 'version'>,
    why: string,
    options: { cause?: unknown; as?: string } = {},
  ) {
    const { kind, version } = given
    const text = `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${options.as ?? kind}: ${why}`
    super('BadRequest', text, options.cause === undefined ? {} : { cause: options.cause })
    this.why = why
  }
}

function nameOf(value: unknown): string {
  const { name } = (value as { metadata?: { name?: unknown } }).metadata ?? {}
  return typeof name === 'string' ? name : ''
}
