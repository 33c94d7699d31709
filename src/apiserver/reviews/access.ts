import { type FieldRequirement, fieldSelectorText, parseFieldSelector } from '../../base/field-selector.ts'
import { InvalidSelector, parseSelector, selectorFrom } from '../../base/labels.ts'
import { type FieldError, invalid, required } from '../../models/field-error.ts'
import type { UserInfo } from '../../models/rest.ts'
import type {
  NonResourceAttributes,
  ResourceAttributes,
  SubjectAccessReviewSpec,
} from '../../models/types/authorization-v1.ts'
import type { LabelSelector } from '../../models/types/meta-v1.ts'
import type { Attributes, AuthorizerChain, Decision } from '../authz/authorizer.ts'

/** What is wrong with the question whether somebody may do something. */
export function checkAccessSpec(spec: SubjectAccessReviewSpec): FieldError[] {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec
  const errors: FieldError[] = []
  if (resource && path) errors.push(invalidPath(path, 'cannot be specified in combination with resourceAttributes'))
  if (!resource && !path)
    errors.push(
      invalid(
        'spec.resourceAttributes',
        'null',
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    )
  for (const name of ['fieldSelector', 'labelSelector'] as const) {
    const selector = resource?.[name]
    const at = `spec.resourceAttributes.${name}`
    if (selector?.rawSelector && selector.requirements?.length)
      errors.push(
        invalid(`${at}.rawSelector`, selector.rawSelector, 'may not specified at the same time as requirements'),
      )
    if (selector && !selector.rawSelector && !selector.requirements?.length)
      errors.push(required(`${at}.requirements`, `when ${at} is specified, requirements or rawSelector is required`))
  }
  return errors
}

/** The value is shown as a server in Go shows it. */
export function invalidPath({ path = '', verb = '' }: NonResourceAttributes, why: string): FieldError {
  const shown = `authorization.NonResourceAttributes{Path:${JSON.stringify(path)}, Verb:${JSON.stringify(verb)}}`
  return {
    field: 'spec.nonResourceAttributes',
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${shown}: ${why}`,
  }
}

/** Whether the user may do what is asked. */
export async function answerAccess(
  authorizer: AuthorizerChain,
  user: UserInfo,
  { resourceAttributes: r, nonResourceAttributes: n }: SubjectAccessReviewSpec,
): Promise<object> {
  if (!r) {
    const decision = await authorizer.authorize({ user, verb: n?.verb ?? '', path: n?.path ?? '' })
    return { ...said(decision), ...('error' in decision ? { evaluationError: decision.error } : {}) }
  }
  const fields = readFields(r)
  const ignored = [...(fields.ignored ? [fields.ignored] : []), ...ignoredLabels(r)]
  const attributes: Attributes = {
    ...{ user, verb: r.verb ?? '', path: '' },
    resource: {
      ...{ group: r.group ?? '', version: r.version || '*', plural: r.resource ?? '' },
      ...{ subresource: r.subresource ?? '', namespace: r.namespace ?? '', name: r.name ?? '' },
    },
    ...(fields.known.length ? { fieldSelector: fieldSelectorText(fields.known) } : {}),
  }
  const decision = await authorizer.authorize(attributes)
  if ('error' in decision && decision.error) ignored.unshift(decision.error)
  return {
    ...said(decision),
    ...(ignored.length ? { evaluationError: ignored.join(', ') } : {}),
  }
}

function said(decision: Decision): object {
  return {
    allowed: decision.allowed,
    ...('denied' in decision ? { denied: true } : {}),
    ...(decision.reason ? { reason: decision.reason } : {}),
  }
}

/** What cannot be read makes the question wider, never narrower. */
function readFields({ fieldSelector }: ResourceAttributes): { known: FieldRequirement[]; ignored?: string } {
  const at = 'spec.resourceAttributes.fieldSelector'
  if (fieldSelector?.rawSelector)
    try {
      return { known: parseFieldSelector(fieldSelector.rawSelector) }
    } catch (error) {
      if (!(error instanceof InvalidSelector)) throw error
      return { known: [], ignored: `${at} ignored due to parse error` }
    }
  const known: FieldRequirement[] = []
  const wanted = fieldSelector?.requirements ?? []
  for (const { key, operator, values = [] } of wanted)
    if ((operator === 'In' || operator === 'NotIn') && values.length === 1)
      known.push({ field: key, operator: operator === 'In' ? '=' : '!=', value: values[0]! })
  if (known.length === wanted.length) return { known }
  return { known, ignored: `${at} ${known.length ? 'partially ignored' : 'ignored'} due to parse error` }
}

function ignoredLabels({ labelSelector }: ResourceAttributes): string[] {
  const at = 'spec.resourceAttributes.labelSelector'
  if (!labelSelector?.rawSelector) {
    const wanted = labelSelector?.requirements ?? []
    const known = wanted.filter(requirement => isReadable({ matchExpressions: [requirement] }))
    if (known.length === wanted.length) return []
    return [`${at} ${known.length ? 'partially ignored' : 'ignored'} due to parse error`]
  }
  try {
    parseSelector(labelSelector.rawSelector)
    return []
  } catch (error) {
    if (!(error instanceof InvalidSelector)) throw error
    return [`${at} ignored due to parse error`]
  }
}

function isReadable(selector: LabelSelector): boolean {
  try {
    selectorFrom(selector)
    return true
  } catch (error) {
    if (!(error instanceof InvalidSelector)) throw error
    return false
  }
}
