import type { FieldError } from '../field-error.ts'
import type { Kind } from '../kind.ts'
import type { AnyObject } from '../object.ts'
import { applySchemaDefaults, decode, validateStructure } from '../schema/index.ts'

// For tests: what the API server does with a body, without the server.

/** An object as it is stored after a create: decoded, defaulted, prepared. */
export function admitted(kind: Kind<any>, body: object): any {
  const { object } = decode<AnyObject>(kind, structuredClone({ metadata: {}, ...body }))
  object.metadata.name ||= 'x'
  object.metadata.uid ||= 'uid-1'
  if (kind.scope === 'Namespaced') object.metadata.namespace ||= 'default'
  applySchemaDefaults(kind.schema, object)
  kind.defaults?.(object)
  kind.prepareCreate?.(object)
  return object
}

/** What a create of this body is told: `field: message`, one each. */
export function refusals(kind: Kind<any>, body: object): string[] {
  const object = admitted(kind, body)
  return texts([...validateStructure(kind.schema, object), ...(kind.validate?.(object) ?? [])])
}

/** What an update is told that does `change` to the stored form of this body. */
export function updateRefusals(kind: Kind<any>, body: object, change: (object: any) => void): string[] {
  const previous = admitted(kind, body)
  const next = structuredClone(previous)
  change(next)
  applySchemaDefaults(kind.schema, next)
  kind.defaults?.(next)
  kind.prepareUpdate?.(next, previous)
  return texts([...validateStructure(kind.schema, next), ...(kind.validate?.(next, previous) ?? [])])
}

/** The cells that kubectl shows, after the name; `wide` with those of -o wide. */
export function cells(kind: Kind<any>, object: object, options: { nowMs?: number; wide?: boolean } = {}): unknown[] {
  return (kind.columns ?? [])
    .filter(column => options.wide || !column.priority)
    .map(column => column.cell(object as AnyObject, options.nowMs ?? 0))
}

const texts = (errors: FieldError[]) => errors.map(e => `${e.field}: ${e.message}`)
