import { type FieldRequirement, parseFieldSelector } from '../../../base/field-selector.ts'
import { InvalidSelector, type Operator, parseSelector, type Requirement } from '../../../base/labels.ts'
import { type CelType, cel } from '../../../models/cel/index.ts'
import type { Attributes } from '../authorizer.ts'

/** The spec of the SubjectAccessReview that a webhook is asked; what is empty is left out. */
export function reviewSpec(attributes: Attributes): Record<string, unknown> {
  const { user } = attributes
  const about = Object.entries(subjectOf(attributes)).map(([name, fields]) => [name, said(fields)])
  return {
    ...Object.fromEntries(about),
    ...said({ user: user.username, groups: user.groups.length ? user.groups : undefined }),
    ...said({ extra: Object.keys(user.extra ?? {}).length ? user.extra : undefined, uid: user.uid }),
  }
}

/** What conditions see as `request`: texts that are empty are there too. */
export function conditionRequest(attributes: Attributes): Record<string, unknown> {
  const { user } = attributes
  return {
    ...subjectOf(attributes),
    ...{ user: user.username, groups: user.groups, extra: user.extra ?? {}, uid: user.uid ?? '' },
  }
}

/** What it is about, under the name that its kind has in a review. */
function subjectOf({ verb, path, resource, fieldSelector, labelSelector }: Attributes): Record<string, object> {
  if (!resource) return { nonResourceAttributes: { path, verb } }
  const { namespace, group, version, plural, subresource, name } = resource
  const selector = selectorOf(fieldSelector)
  const labels = labelsOf(labelSelector)
  return {
    resourceAttributes: {
      ...{ namespace, verb, group, version, resource: plural, subresource, name },
      ...(selector ? { fieldSelector: selector } : {}),
      ...(labels ? { labelSelector: labels } : {}),
    },
  }
}

const requirementType = cel.object('kubernetes.SelectorRequirement', {
  ...{ key: cel.string, operator: cel.string, values: cel.list(cel.string) },
})
const selectorFields = { rawSelector: cel.string, requirements: cel.list(requirementType) }

/** The type of `request` in conditions. */
export const reviewType: CelType = cel.declared('kubernetes.SubjectAccessReviewSpec', {
  resourceAttributes: cel.declared('kubernetes.ResourceAttributes', {
    ...{ namespace: cel.string, verb: cel.string, group: cel.string, version: cel.string, resource: cel.string },
    ...{ subresource: cel.string, name: cel.string },
    fieldSelector: cel.object('kubernetes.FieldSelectorAttributes', selectorFields),
    labelSelector: cel.object('kubernetes.LabelSelectorAttributes', selectorFields),
  }),
  nonResourceAttributes: cel.object('kubernetes.NonResourceAttributes', { path: cel.string, verb: cel.string }),
  user: cel.string,
  groups: cel.list(cel.string),
  extra: cel.map(cel.string, cel.list(cel.string)),
  uid: cel.string,
})

const said = (fields: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''))

/** What cannot be read makes the question wider, never narrower. */
function selectorOf(text: string | undefined): { requirements: object[] } | undefined {
  if (!text) return undefined
  let found: FieldRequirement[]
  try {
    found = parseFieldSelector(text)
  } catch (error) {
    if (error instanceof InvalidSelector) return undefined
    throw error
  }
  const requirements = found.map(({ field, operator, value }) => ({
    ...{ key: field, operator: operator === '!=' ? 'NotIn' : 'In', values: [value] },
  }))
  return requirements.length ? { requirements } : undefined
}

const operators: Partial<Record<Operator, string>> = {
  ...{ '=': 'In', '==': 'In', in: 'In', '!=': 'NotIn', notin: 'NotIn', exists: 'Exists', '!': 'DoesNotExist' },
}

function labelsOf(text: string | undefined): { requirements: object[] } | undefined {
  if (!text) return undefined
  let found: readonly Requirement[]
  try {
    found = parseSelector(text).requirements
  } catch (error) {
    if (error instanceof InvalidSelector) return undefined
    throw error
  }
  const requirements = found.flatMap(({ key, operator, values }) => {
    const known = operators[operator]
    return known ? [{ key, operator: known, ...(values.length ? { values } : {}) }] : []
  })
  return requirements.length ? { requirements } : undefined
}
