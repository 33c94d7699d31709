import { isDns1035Label, isDns1123Subdomain } from '../../../base/names.ts'
import { duplicate, type FieldError, GoText, goQuote, invalid, notSupported, required } from '../../field-error.ts'
import type { MutatingWebhook, RuleWithOperations, ValidatingWebhook } from '../../types/admissionregistration-v1.ts'
import { texts } from '../checks.ts'
import { checkSelector } from '../selector-checks.ts'
import { checkMatchConditions } from './match-condition-validation.ts'
import { checkClient } from './webhook-client-validation.ts'

const reviewVersions = ['v1', 'v1beta1']

type Webhook = MutatingWebhook | ValidatingWebhook

/** The webhooks of one configuration. Conditions that stay as they are are not compiled again. */
export function validateWebhooks(webhooks: Webhook[] = [], previous?: Webhook[]): FieldError[] {
  const names = new Set<string>()
  const known = previous && sameConditions(webhooks, previous)
  return webhooks.flatMap((webhook, i) => {
    const at = `webhooks[${i}]`
    const errors = checkWebhook(at, webhook)
    if (!known) errors.push(...checkMatchConditions(`${at}.matchConditions`, webhook.matchConditions))
    const none = `must specify one of ${reviewVersions.join(', ')}`
    errors.push(...checkReviewVersions(webhook.admissionReviewVersions ?? [], `${at}.admissionReviewVersions`, none))
    if (webhook.name && names.has(webhook.name)) errors.push(duplicate(`${at}.name`, webhook.name))
    names.add(webhook.name)
    return errors
  })
}

function sameConditions(webhooks: Webhook[], previous: Webhook[]): boolean {
  return (
    webhooks.length === previous.length &&
    webhooks.every((w, i) => JSON.stringify(w.matchConditions) === JSON.stringify(previous[i]!.matchConditions))
  )
}

function checkWebhook(field: string, webhook: Webhook): FieldError[] {
  const { name, sideEffects, timeoutSeconds: timeout } = webhook
  const errors = checkQualifiedName(`${field}.name`, name)
  for (const [i, rule] of (webhook.rules ?? []).entries()) errors.push(...checkRule(`${field}.rules[${i}]`, rule))
  if (sideEffects === undefined) errors.push(required(`${field}.sideEffects`, 'must specify one of None, NoneOnDryRun'))
  else if (sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun')
    errors.push(notSupported(`${field}.sideEffects`, sideEffects, ['None', 'NoneOnDryRun']))
  if (timeout !== undefined && (timeout < 1 || timeout > 30))
    errors.push(invalid(`${field}.timeoutSeconds`, timeout, 'the timeout value must be between 1 and 30 seconds'))
  return [
    ...errors,
    ...checkSelector(`${field}.namespaceSelector`, webhook.namespaceSelector),
    ...checkSelector(`${field}.objectSelector`, webhook.objectSelector),
    ...checkClient(`${field}.clientConfig`, webhook.clientConfig),
  ]
}

/** The versions of the reviews that a webhook understands: one of ours is among them. */
export function checkReviewVersions(versions: string[], at: string, none = ''): FieldError[] {
  if (!versions.length) return [required(at, none)]
  const errors = versions.flatMap((version, i) =>
    versions.indexOf(version) < i
      ? [invalid(`${at}[${i}]`, version, 'duplicate version')]
      : isDns1035Label(version).map(text => invalid(`${at}[${i}]`, version, text)),
  )
  if (!versions.some(v => reviewVersions.includes(v)))
    errors.push(invalid(at, versions, `must include at least one of ${reviewVersions.join(', ')}`))
  return errors
}

/** A name such as `pods.policy.example.com`. */
function checkQualifiedName(field: string, name: string): FieldError[] {
  if (!name) return [required(field)]
  const errors = texts(field, name, isDns1123Subdomain(name))
  if (!errors.length && name.split('.').length < 3)
    errors.push(invalid(field, name, 'should be a domain with at least three segments separated by dots'))
  return errors
}

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
const scopes = ['*', 'Cluster', 'Namespaced']
/** The lists of a rule in which `*` stands alone, and what else it would stand beside. */
const wholes = { operations: 'operations', apiGroups: 'API groups', apiVersions: 'API versions' } as const

export function checkRule(field: string, rule: RuleWithOperations): FieldError[] {
  const errors: FieldError[] = []
  for (const list of ['operations', 'apiGroups', 'apiVersions'] as const) {
    const values: string[] = rule[list] ?? []
    if (!values.length) errors.push(required(`${field}.${list}`))
    if (values.length > 1 && values.includes('*')) {
      const shown = list === 'operations' ? operationsText(values) : values
      errors.push(invalid(`${field}.${list}`, shown, `if '*' is present, must not specify other ${wholes[list]}`))
    }
    values.forEach((value, i) => {
      // Others than these are refused by the schema.
      if (list === 'operations' && !value) errors.push(notSupported(`${field}.operations[${i}]`, value, operations))
      if (list === 'apiVersions' && !value) errors.push(required(`${field}.apiVersions[${i}]`))
    })
  }
  errors.push(...checkResources(`${field}.resources`, rule.resources ?? []))
  if (rule.scope !== undefined && !scopes.includes(rule.scope))
    errors.push(notSupported(`${field}.scope`, rule.scope, scopes))
  return errors
}

const operationsText = (values: string[]) =>
  new GoText(`[]admissionregistration.OperationType{${values.map(goQuote).join(', ')}}`)

// What one resource covers is not said again by another: all subresources of one resource, one subresource of all, all of all.
function checkResources(field: string, resources: string[]): FieldError[] {
  if (!resources.length) return [required(field)]
  const errors: FieldError[] = []
  const [allOf, everyones] = [new Set<string>(), new Set<string>()]
  let plain = false
  for (const [i, text] of resources.entries()) {
    const at = `${field}[${i}]`
    const slash = text.indexOf('/')
    if (!text) errors.push(required(at))
    else if (slash < 0) plain = text !== '*'
    if (slash < 0) continue
    const [resource, sub] = [text.slice(0, slash), text.slice(slash + 1)]
    if (allOf.has(resource)) errors.push(invalid(at, text, `if '${resource}/*' is present, must not specify ${text}`))
    if (everyones.has(sub)) errors.push(invalid(at, text, `if '*/${sub}' is present, must not specify ${text}`))
    if (sub === '*') allOf.add(resource)
    if (resource === '*') everyones.add(sub)
  }
  if (resources.length > 1 && resources.includes('*/*'))
    errors.push(invalid(field, resources, "if '*/*' is present, must not specify other resources"))
  if (resources.includes('*') && plain) {
    const why = "if '*' is present, must not specify other resources without subresources"
    errors.push(invalid(field, resources, why))
  }
  return errors
}
