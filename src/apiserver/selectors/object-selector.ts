import { type FieldRequirement, parseFieldSelector } from '../../base/field-selector.ts'
import { InvalidSelector, parseSelector } from '../../base/labels.ts'
import { ApiError } from '../../models/api-error.ts'
import type { Resource } from '../resources.ts'
import { fromStored } from '../storage/conversion.ts'
import { type Facts, factsOf, type KeptObject } from '../watch-cache/kept-object.ts'
import { offered } from './offered-fields.ts'

/** Which objects a list, watch or deletecollection is about. */
export interface ObjectSelector {
  /** Undefined: all. */
  matches: ((object: KeptObject) => boolean) | undefined
  /** The one name that can match, if the selector says so: then no list is needed. */
  name: string | undefined
}

export const everyObject: ObjectSelector = { matches: undefined, name: undefined }

/** @throws ApiError BadRequest for selectors that cannot be parsed, and for fields that the kind does not offer. */
export function objectSelector(resource: Resource, query: URLSearchParams): ObjectSelector {
  const labelText = query.get('labelSelector') ?? ''
  const fieldText = query.get('fieldSelector') ?? ''
  if (labelText === '' && fieldText === '') return everyObject
  const labels = labelText === '' ? undefined : parsed(() => parseSelector(labelText))
  const fields = fieldText === '' ? [] : parsed(() => parseFieldSelector(fieldText)).map(r => offered(resource, r))
  const tests: ((object: KeptObject) => boolean)[] = []
  if (labels?.requirements.length)
    tests.push(object => labels.matches((customFacts(resource, object) ?? object.facts(resource.stored)).labels))
  for (const requirement of fields) tests.push(fieldTest(resource, requirement))
  return {
    matches:
      tests.length === 0 ? undefined : tests.length === 1 ? tests[0] : object => tests.every(test => test(object)),
    name: fields.find(f => f.field === 'metadata.name' && f.operator === '=')?.value,
  }
}

function fieldTest(resource: Resource, { field, operator, value }: FieldRequirement): (object: KeptObject) => boolean {
  const wanted = operator === '='
  if (field === 'metadata.name') return object => (object.name === value) === wanted
  if (field === 'metadata.namespace') return object => (object.namespace === value) === wanted
  if (resource.form) return object => (customFacts(resource, object)!.fields?.[field] === value) === wanted
  if (resource.kind === resource.stored)
    return object => (object.facts(resource.stored).fields?.[field] === value) === wanted
  return object => (factsOf(resource.kind, fromStored(resource, object.parse())).fields?.[field] === value) === wanted
}

const custom = new WeakMap<Resource, WeakMap<KeptObject, Facts>>()

/** Each version of a custom resource has fields of its own to select by. */
function customFacts(resource: Resource, object: KeptObject): Facts | undefined {
  if (!resource.form) return undefined
  let known = custom.get(resource)
  if (!known) custom.set(resource, (known = new WeakMap()))
  let facts = known.get(object)
  if (!facts) known.set(object, (facts = factsOf(resource.kind, resource.form.served(object))))
  return facts
}

function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof InvalidSelector) throw new ApiError('BadRequest', error.message, { cause: error })
    throw error
  }
}
