import { ApiError } from '../models/api-error.ts'
import type { FieldError } from '../models/field-error.ts'
import { apiVersionOf, type Kind } from '../models/kind.ts'
import { validateMeta } from '../models/kinds/meta.ts'
import { checkDeviceExpression } from '../models/kinds/resource/device-expression.ts'
import { judgeDeviceExpressionsBy } from '../models/kinds/resource/expression-judge.ts'
import type { AnyObject } from '../models/object.ts'
import { hasProtobuf, schemaNameOf } from '../models/protobuf/index.ts'
import { isRetired } from '../models/retired-versions.ts'
import {
  applySchemaDefaults,
  CannotHandle,
  type DecodeOptions,
  decode,
  decodePart,
  emptyListsToNull,
  type FieldValidation,
  type ObjectType,
  typeNamed,
  validateStructure,
} from '../models/schema/index.ts'
import type { DeleteOptions } from '../models/types/meta-v1.ts'

// What the API server asks of the models room, in one place.

judgeDeviceExpressionsBy(checkDeviceExpression)

export interface Decoded {
  object: AnyObject
  warnings: string[]
}

/** @throws ApiError BadRequest for wrong types, another kind, and with Strict for unknown fields */
export function decodeValue(
  kind: Kind<any>,
  value: unknown,
  fieldValidation: FieldValidation,
  { duplicates = [], ...more }: Omit<DecodeOptions, 'fieldValidation'> = {},
): Decoded {
  const own = inOwnVersion(kind, value)
  if (!kind.custom) refuseOtherKind(kind, own)
  const decoded = decode<AnyObject>(kind, own, { fieldValidation, duplicates, ...more })
  decoded.object.metadata ??= {} as AnyObject['metadata']
  return decoded
}

/** `/v1` is `v1`: the group without a name may be said. */
function inOwnVersion(kind: Kind<any>, value: unknown): unknown {
  const { apiVersion } = (value ?? {}) as { apiVersion?: unknown }
  if (typeof apiVersion !== 'string') return value
  if (apiVersion !== `/${apiVersionOf(kind)}` && !kind.alsoRead?.includes(apiVersion)) return value
  return { ...(value as object), apiVersion: apiVersionOf(kind) }
}

/** Who sends another kind hears of it as from a server in Go, whose words name its own packages. @throws CannotHandle */
function refuseOtherKind(kind: Kind<any>, value: unknown): void {
  const own = apiVersionOf(kind)
  const said = (value ?? {}) as { apiVersion?: unknown; kind?: unknown }
  const [apiVersion, name] = [said.apiVersion || own, said.kind || kind.kind]
  if (typeof apiVersion !== 'string' || typeof name !== 'string' || (apiVersion === own && name === kind.kind)) return
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1)
  const given = { ...kind, kind: name, version }
  if (!hasProtobuf(schemaNameOf(apiVersion, name)) && !isRetired(apiVersion, name)) {
    const scheme = 'in scheme "pkg/runtime/scheme.go:100"'
    throw new CannotHandle(
      given,
      `no kind ${JSON.stringify(name)} is registered for version ${JSON.stringify(apiVersion)} ${scheme}`,
      { as: kind.kind },
    )
  }
  const converting = `converting (${version}.${name}) to (${goPackage(kind.group)}.${kind.kind}): unknown conversion`
  // Another version of the same kind is refused for its version alone.
  if (name !== kind.kind) throw new CannotHandle(given, converting, { as: kind.kind })
}

/** Where upstream's types without a version are. */
const goPackage = (group: string): string =>
  group === '' || group === 'events.k8s.io' ? 'core' : group.split('.', 1)[0]!

export function applyDefaults(kind: Kind<any>, object: AnyObject): void {
  if (kind.custom) kind.custom.applyDefaults(object)
  else applySchemaDefaults(kind.schema, object)
  kind.defaults?.(object)
}

/** Takes away what a writer may not bring: of the status only what every object of the kind shows is left. */
export function resetStatus(kind: Kind<any>, object: AnyObject): void {
  const field = typeNamed(kind.schema).fields.get('status')
  if (field?.empty === 'fill') object['status'] = decodePart(field.type, {})
  else delete object['status']
}

/**
 * @param kind as which it is stored
 * @param asked as which its writer knows it: another version or group may have rules of its own
 * @param trusted the server itself changes what a writer of the object may not: neither the rules of changes apply nor those of creation
 */
export function validateObject(
  { kind, asked }: { kind: Kind<any>; asked: Kind<any> },
  next: AnyObject,
  previous?: AnyObject,
  trusted = false,
  warnings?: string[],
): FieldError[] {
  const structure = kind.custom ? [] : validateStructure(kind.schema, next)
  if (asked.storedAs?.validate && !trusted) return [...structure, ...asked.storedAs.validate(next, previous)]
  const errors = [...validateMeta(kind, next, previous), ...structure]
  if (previous && kind.checkedTwice && !trusted)
    errors.unshift(...validateMeta(kind, next), ...structure, ...(kind.validate?.(next) ?? []))
  if (kind.validate) errors.push(...kind.validate(next, trusted && previous ? next : previous, warnings))
  return errors
}

export function decodeDeleteOptions(value: unknown): DeleteOptions {
  try {
    return decodePart<DeleteOptions>('meta/v1.DeleteOptions', value)
  } catch (cause) {
    throw new ApiError('BadRequest', `DeleteOptions: ${(cause as Error).message}`, { cause })
  }
}

/** What a writer said of lists that are null when they are empty is heard, once it is settled who owns what: kept is the null. */
export function settleEmptyLists(kind: Kind<any>, object: AnyObject): void {
  if (!kind.custom) emptyListsToNull(typeNamed(kind.schema), object)
}

/** How the parts of the kind's objects are owned and merged by those who apply them. */
export function typeOf(kind: Kind<any>): ObjectType {
  return kind.custom ? kind.custom.type : typeNamed(kind.schema)
}
