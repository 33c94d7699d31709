import { hasValidCaBundle } from '../../models/kinds/apiextensions/ca-bundle.ts'
import { approvalOf, isEstablished } from '../../models/kinds/apiextensions/definition-validation.ts'
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionStatus,
} from '../../models/types/apiextensions-v1.ts'

// What the server says of a definition. Decided here and not by a controller, since it decides what is served: who sees
// a definition established may use it at once.

type Condition = Omit<CustomResourceDefinitionCondition, 'lastTransitionTime'>

/**
 * The status that a definition should have beside the others of its group; conditions keep their time unless they change.
 * @param now RFC 3339
 */
export function nextStatus(
  crd: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  now: string,
): CustomResourceDefinitionStatus {
  const { names, accepted } = acceptNames(crd, others)
  const wanted: Condition[] = [accepted, established(crd, accepted), ...nonConformant(crd)]
  let conditions = crd.status?.conditions ?? []
  for (const condition of wanted) conditions = withCondition(conditions, condition, now)
  return { ...crd.status, acceptedNames: names, conditions }
}

export function withCondition(
  conditions: readonly CustomResourceDefinitionCondition[],
  next: Condition,
  now: string,
): CustomResourceDefinitionCondition[] {
  const before = conditions.find(c => c.type === next.type)
  if (before?.status === next.status && before.reason === next.reason && before.message === next.message)
    return [...conditions]
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : now
  const settled = { ...next, ...(lastTransitionTime ? { lastTransitionTime } : {}) }
  return before ? conditions.map(c => (c === before ? settled : c)) : [...conditions, settled]
}

function established(crd: CustomResourceDefinition, accepted: Condition): Condition {
  const before = crd.status?.conditions?.find(c => c.type === 'Established')
  if (isEstablished(crd)) return before!
  if (accepted.status === 'True' && !hasValidCaBundle(crd))
    return {
      type: 'Established',
      status: 'False',
      reason: 'InvalidCABundle',
      message: 'The conversion webhook CABundle is invalid',
    }
  if (accepted.status === 'True')
    return {
      type: 'Established',
      status: 'True',
      reason: 'InitialNamesAccepted',
      message: 'the initial names have been accepted',
    }
  return { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
}

function nonConformant(crd: CustomResourceDefinition): Condition[] {
  const approval = approvalOf(crd)
  if (!approval) return []
  const reasons = {
    approved: 'ApprovedAnnotation',
    bypassed: 'UnapprovedAnnotation',
    missing: 'MissingAnnotation',
    invalid: 'InvalidAnnotation',
  }
  return [
    {
      type: 'KubernetesAPIApprovalPolicyConformant',
      status: approval.state === 'approved' ? 'True' : 'False',
      reason: reasons[approval.state],
      message: approval.reason,
    },
  ]
}

/** Names that somebody else in the group has are not to be had; what was accepted before stays. */
function acceptNames(
  { spec, status }: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
): { names: CustomResourceDefinitionNames; accepted: Condition } {
  const taken = others.flatMap(o => (o.status?.acceptedNames ? [o.status.acceptedNames] : []))
  const resources = new Set(taken.flatMap(n => [n.plural, n.singular, ...(n.shortNames ?? [])]))
  const kinds = new Set(taken.flatMap(n => [n.kind, n.listKind]))
  const before: CustomResourceDefinitionNames = status?.acceptedNames ?? { plural: '', kind: '' }
  const names = { ...before }
  let accepted: Condition = {
    type: 'NamesAccepted',
    status: 'True',
    reason: 'NoConflicts',
    message: 'no conflicts found',
  }
  const refuse = (reason: string, message: string) => {
    accepted = { type: 'NamesAccepted', status: 'False', reason, message }
  }
  const settle = (
    field: 'plural' | 'singular' | 'kind' | 'listKind',
    used: Set<string | undefined>,
    reason: string,
  ) => {
    const wanted = spec.names[field] ?? ''
    if (wanted !== (before[field] ?? '') && used.has(wanted)) refuse(reason, `"${wanted}" is already in use`)
    else names[field] = wanted
  }
  settle('plural', resources, 'PluralConflict')
  settle('singular', resources, 'SingularConflict')
  const wanted = spec.names.shortNames ?? []
  const clashes = wanted.filter(name => !before.shortNames?.includes(name) && resources.has(name))
  if (clashes.length) {
    const texts = clashes.map(name => `"${name}" is already in use`)
    refuse('ShortNamesConflict', texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`)
  } else if (wanted.length) names.shortNames = wanted
  else delete names.shortNames
  settle('kind', kinds, 'KindConflict')
  settle('listKind', kinds, 'ListKindConflict')
  if (spec.names.categories?.length) names.categories = spec.names.categories
  else delete names.categories
  return { names, accepted }
}
