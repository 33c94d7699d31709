import { sameMeaning } from '../../../base/equality.ts'
import { isPathSegmentName } from '../../../base/names.ts'
import { type FieldError, GoText, goQuote, invalid, notSupported, required } from '../../field-error.ts'
import type { LabelSelector } from '../../types/meta-v1.ts'
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from '../../types/rbac-v1.ts'
import { checkName, checkOneOf, texts } from '../checks.ts'
import { checkSelector } from '../selector-checks.ts'
import { rbacGroup } from './binding-defaults.ts'

export function validateRole(role: Role): FieldError[] {
  return (role.rules ?? []).flatMap((rule, i) => checkRule(`rules[${i}]`, rule, true))
}

export function validateClusterRole(role: ClusterRole): FieldError[] {
  const errors = (role.rules ?? []).flatMap((rule, i) => checkRule(`rules[${i}]`, rule, false))
  const at = 'aggregationRule.clusterRoleSelectors'
  if (!role.aggregationRule) return errors
  const selectors = role.aggregationRule.clusterRoleSelectors ?? []
  if (!selectors.length)
    errors.push(required(at, 'at least one clusterRoleSelector required if aggregationRule is non-nil'))
  return [...errors, ...selectors.flatMap((selector, i) => checkPicking(`${at}[${i}]`, selector))]
}

function checkRule(field: string, rule: PolicyRule, namespaced: boolean): FieldError[] {
  const { verbs = [], nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] } = rule
  const errors: FieldError[] = []
  if (!verbs.length) errors.push(required(`${field}.verbs`, 'verbs must contain at least one value'))
  if (nonResourceURLs.length) {
    const at = `${field}.nonResourceURLs`
    if (namespaced) errors.push(invalid(at, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'))
    if (apiGroups.length || resources.length || resourceNames.length)
      errors.push(invalid(at, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'))
    return errors
  }
  if (!apiGroups.length)
    errors.push(required(`${field}.apiGroups`, 'resource rules must supply at least one api group'))
  if (!resources.length) errors.push(required(`${field}.resources`, 'resource rules must supply at least one resource'))
  return errors
}

/** What is wrong in it, and once more as a whole. */
function checkPicking(at: string, selector: LabelSelector): FieldError[] {
  const errors = checkSelector(at, selector)
  return errors.length ? [...errors, invalid(at, new GoText('"null"'), 'invalid label selector.')] : errors
}

type Binding = RoleBinding | ClusterRoleBinding

/** @param kinds of roles that this kind of binding may bind */
export function validateBinding(kinds: string[], next: Binding, previous?: Binding): FieldError[] {
  const { roleRef, subjects = [] } = next
  const errors: FieldError[] = []
  if (roleRef.apiGroup !== rbacGroup) errors.push(notSupported('roleRef.apiGroup', roleRef.apiGroup, [rbacGroup]))
  errors.push(...checkOneOf('roleRef.kind', roleRef.kind, kinds))
  errors.push(...checkName('roleRef.name', roleRef.name, isPathSegmentName))
  const namespaced = next.kind === 'RoleBinding'
  for (const [i, subject] of subjects.entries()) errors.push(...checkSubject(`subjects[${i}]`, subject, namespaced))
  if (previous && !sameMeaning(roleRef, previous.roleRef))
    errors.push(invalid('roleRef', goRoleRef(roleRef), 'cannot change roleRef'))
  return errors
}

function checkSubject(
  field: string,
  { kind, name, namespace, apiGroup = '' }: Subject,
  namespaced: boolean,
): FieldError[] {
  const errors: FieldError[] = []
  if (!name) errors.push(required(`${field}.name`))
  switch (kind) {
    case 'ServiceAccount':
      if (name) errors.push(...texts(`${field}.name`, name, isPathSegmentName(name)))
      if (apiGroup) errors.push(notSupported(`${field}.apiGroup`, apiGroup, ['']))
      if (!namespace && !namespaced) errors.push(required(`${field}.namespace`))
      return errors
    case 'User':
    case 'Group':
      if (apiGroup !== rbacGroup) errors.push(notSupported(`${field}.apiGroup`, apiGroup, [rbacGroup]))
      return errors
    default:
      return [...errors, notSupported(`${field}.kind`, kind, ['ServiceAccount', 'User', 'Group'])]
  }
}

const goRoleRef = ({ apiGroup = '', kind = '', name = '' }: RoleRef) =>
  new GoText(`rbac.RoleRef{APIGroup:${goQuote(apiGroup)}, Kind:${goQuote(kind)}, Name:${goQuote(name)}}`)
