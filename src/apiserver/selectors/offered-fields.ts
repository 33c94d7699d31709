import type { FieldRequirement } from '../../base/field-selector.ts'
import { type ApiError, badRequest } from '../../models/api-error.ts'
import type { Resource } from '../resources.ts'

/** The requirement under the name that its field has now. @throws ApiError BadRequest for a field that the kind does not offer */
export function offered(resource: Resource, requirement: FieldRequirement): FieldRequirement {
  const { field } = requirement
  // What clients called it before it was spec.nodeName.
  if (field === 'spec.host' && resource.kind.schema === 'core/v1.Pod') return { ...requirement, field: 'spec.nodeName' }
  if (!isOffered(resource, field)) throw unknownField(resource, field)
  return requirement
}

/** Kinds that name their own fields leave the namespace out where there is none; the others take it, and then nothing matches. */
function isOffered({ kind, namespaced }: Resource, field: string): boolean {
  if (field === 'metadata.name') return true
  if (field === 'metadata.namespace') return namespaced || !namesFields(kind)
  return Object.hasOwn(kind.fields ?? {}, field)
}

const namesFields = (kind: Resource['kind']): boolean => kind.fields !== undefined || kind.custom !== undefined

/** The refusal of a field that a kind does not offer, in Kubernetes' words, which are not the same for all kinds. */
function unknownField({ kind, apiVersion }: Resource, field: string): ApiError {
  switch (`${kind.group}/${kind.kind}`) {
    case 'batch/Job':
      return badRequest(`field label "${field}" not supported for Job`)
    case 'resource.k8s.io/ResourceSlice':
      return badRequest(`field label not supported for ${apiVersion}, Kind=ResourceSlice: ${field}`)
  }
  return badRequest(
    namesFields(kind)
      ? `field label not supported: ${field}`
      : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
  )
}
