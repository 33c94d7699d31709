import { isDns1123Label, isDns1123Subdomain } from '../../../base/names.ts'
import { type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from '../../types/flowcontrol-v1.ts'
import { checkName, texts } from '../checks.ts'

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']
const most = 10_000

export function validateFlowSchema({ metadata, spec }: FlowSchema): FieldError[] {
  const precedence = spec.matchingPrecedence ?? 0
  const at = 'spec.matchingPrecedence'
  const errors: FieldError[] = []
  if (precedence <= 0) errors.push(invalid(at, precedence, 'must be a positive value'))
  if (precedence > most) errors.push(invalid(at, precedence, `must not be greater than ${most}`))
  if (precedence === 1 && metadata.name !== 'exempt')
    errors.push(invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"))
  const method = spec.distinguisherMethod
  if (method && !['ByNamespace', 'ByUser'].includes(method.type))
    errors.push(notSupported('spec.distinguisherMethod.type', method, ['ByNamespace', 'ByUser']))
  const level = spec.priorityLevelConfiguration?.name
  const levelAt = 'spec.priorityLevelConfiguration.name'
  errors.push(
    ...(level
      ? texts(levelAt, level, isDns1123Subdomain(level))
      : [required(levelAt, 'must reference a priority level')]),
  )
  return [...errors, ...(spec.rules ?? []).flatMap((rule, i) => checkRules(`spec.rules[${i}]`, rule))]
}

function checkRules(field: string, rule: PolicyRulesWithSubjects): FieldError[] {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule
  const errors: FieldError[] = subjects.length
    ? subjects.flatMap((subject, i) => checkSubject(`${field}.subjects[${i}]`, subject))
    : [required(`${field}.subjects`, 'subjects must contain at least one value')]
  if (!resourceRules.length && !nonResourceRules.length)
    errors.push(required(field, 'at least one of resourceRules and nonResourceRules has to be non-empty'))
  return [
    ...errors,
    ...resourceRules.flatMap((r, i) => checkResourceRule(`${field}.resourceRules[${i}]`, r)),
    ...nonResourceRules.flatMap((r, i) => checkPathRule(`${field}.nonResourceRules[${i}]`, r)),
  ]
}

const subjectFields = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const

function checkSubject(field: string, subject: Subject): FieldError[] {
  const kinds = Object.keys(subjectFields) as (keyof typeof subjectFields)[]
  const kind = kinds.find(name => name === subject.kind)
  if (!kind) return [notSupported(`${field}.kind`, subject.kind, [...kinds].sort())]
  const own = subjectFields[kind]
  const errors = kinds
    .filter(other => other !== kind && subject[subjectFields[other]])
    .map(other => {
      const name = subjectFields[other]
      return forbidden(`${field}.${name}`, `${name} is forbidden when subject kind is not '${other}'`)
    })
  const value = subject[own]
  const at = `${field}.${own}`
  if (!value) return [...errors, required(at, `${own} is required when subject kind is '${kind}'`)]
  if (!value.name) errors.push(required(`${at}.name`))
  if (!subject.serviceAccount || kind !== 'ServiceAccount') return errors
  const { name, namespace } = subject.serviceAccount
  if (name && name !== '*') errors.push(...texts(`${at}.name`, name, isDns1123Subdomain(name)))
  if (!namespace) return [...errors, required(`${at}.namespace`, 'must specify namespace for service account')]
  return [...errors, ...checkName(`${at}.namespace`, namespace, isDns1123Label)]
}

function checkVerbs(field: string, list: string[] = []): FieldError[] {
  if (!list.length) return [required(field, 'verbs must contain at least one value')]
  if (list.includes('*')) return alone(field, list, 'verbs')
  return list.every(verb => verbs.includes(verb)) ? [] : [notSupported(field, list, verbs)]
}

/** `*` says everything, and stands for itself. */
function alone(field: string, list: string[], what: string): FieldError[] {
  if (list.length < 2 || !list.includes('*')) return []
  return [invalid(field, list, `if '*' is present, must not specify other ${what}`)]
}

function checkResourceRule(field: string, rule: ResourcePolicyRule): FieldError[] {
  const { apiGroups = [], resources = [], clusterScope } = rule
  const namespaces = rule.namespaces ?? []
  const need = (name: string, list: string[], what: string, why: string) =>
    list.length ? alone(`${field}.${name}`, list, what) : [required(`${field}.${name}`, why)]
  return [
    ...checkVerbs(`${field}.verbs`, rule.verbs),
    ...need('apiGroups', apiGroups, 'api groups', 'resource rules must supply at least one api group'),
    ...need('resources', resources, 'resources', 'resource rules must supply at least one resource'),
    ...(clusterScope && !namespaces.length
      ? []
      : need(
          'namespaces',
          namespaces,
          'namespaces',
          'resource rules that are not cluster scoped must supply at least one namespace',
        )),
    ...namespaces.flatMap((name, i) =>
      name === '*'
        ? []
        : isDns1123Label(name).map(text =>
            invalid(
              `${field}.namespaces[${i}]`,
              name,
              `each member of this list must be '*' or a DNS-1123 label; ${text}`,
            ),
          ),
    ),
  ]
}

function checkPathRule(field: string, { verbs: list, nonResourceURLs = [] }: NonResourcePolicyRule): FieldError[] {
  const at = `${field}.nonResourceURLs`
  return [
    ...checkVerbs(`${field}.verbs`, list),
    ...(nonResourceURLs.length ? [] : [required(at, 'nonResourceURLs must contain at least one value')]),
    ...alone(at, nonResourceURLs, 'non-resource URLs'),
    ...nonResourceURLs.flatMap((url, i) => (url === '*' ? [] : checkUrl(`${at}[${i}]`, url))),
  ]
}

function checkUrl(field: string, url: string): FieldError[] {
  if (!url) return [invalid(field, url, 'must not be empty')]
  if (url === '/') return []
  if (!url.startsWith('/')) return [invalid(field, url, 'must start with slash')]
  if (url.includes(' ')) return [invalid(field, url, 'must not contain white-space')]
  if (url.includes('//')) return [invalid(field, url, 'must not contain double slash')]
  const body = url.endsWith('/*') ? url.slice(0, -2) : url
  if (body.includes('*')) return [invalid(field, url, 'wildcard can only do suffix matching')]
  return []
}
