import type { AnyObject } from '../object.ts'
import type { ObjectType, Type } from '../schema/types.ts'
import { FieldSet } from './field-set.ts'
import { type Form, strip } from './forms.ts'
import {
  compareFields,
  fieldOf,
  granularOf,
  isDivided,
  isNothing,
  namedElements,
  removeFields,
} from './typed-fields.ts'

/**
 * The fields of an object that go when, in another version, those go that somebody owns there.
 * @param type of `object`
 * @param back from the other version to that of `object`
 */
export async function fieldsAsIn(
  type: ObjectType,
  object: AnyObject,
  other: Form,
  fields: FieldSet,
  back: (object: AnyObject) => Promise<AnyObject>,
): Promise<FieldSet> {
  const there = other.view(object)
  const without = removeFields(other.type, there, withoutOuter(other.type, there, fields)) as AnyObject
  return compareFields(type, strip(object), strip(await back(without))).removed
}

/** Without parts that have parts of others in them: to own `spec` is not to own all in it. */
function withoutOuter(type: Type | undefined, value: unknown, fields: FieldSet): FieldSet {
  const g = granularOf(type)
  if (!g || !isDivided(type, value)) return fields
  const out = new FieldSet()
  const parts = g.form === 'list' ? namedElements(g.type, value as unknown[]) : undefined
  const at = (element: string) => (parts ? parts.get(element) : (value as Record<string, unknown>)[element.slice(2)])
  const typeAt = (element: string) => (g.form === 'list' ? g.type.of : fieldOf(g, element.slice(2)).type)
  for (const m of fields.members) if (parts || !isDivided(typeAt(m), at(m)) || isNothing(at(m))) out.members.add(m)
  for (const [element, child] of fields.children)
    out.children.set(element, withoutOuter(typeAt(element), at(element), child))
  return out.trimmed()
}
