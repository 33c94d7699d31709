import { isDns1123Subdomain } from '../../../base/names.ts'
import { duplicate, type FieldError, invalid, notSupported, required } from '../../field-error.ts'
import type {
  MutatingWebhook,
  RuleWithOperations,
  ValidatingWebhook,
  WebhookClientConfig,
} from '../../types/admissionregistration-v1.ts'
import { checkPort, texts } from '../checks.ts'
import { checkSelector } from '../selector-checks.ts'
import { checkMatchConditions } from './match-condition-validation.ts'

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
    if (names.has(webhook.name)) errors.push(duplicate(`${at}.name`, webhook.name))
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
  const { name, sideEffects, timeoutSeconds: timeout, admissionReviewVersions: versions = [] } = webhook
  const errors = checkQualifiedName(`${field}.name`, name)
  if (!versions.length)
    errors.push(required(`${field}.admissionReviewVersions`, `must specify one of ${reviewVersions.join(', ')}`))
  else if (!versions.some(v => reviewVersions.includes(v)))
    errors.push(
      invalid(
        `${field}.admissionReviewVersions`,
        versions,
        `must include at least one of ${reviewVersions.join(', ')}`,
      ),
    )
  if (!sideEffects) errors.push(required(`${field}.sideEffects`, 'must specify one of None, NoneOnDryRun'))
  else if (sideEffects === 'Some' || sideEffects === 'Unknown')
    errors.push(notSupported(`${field}.sideEffects`, sideEffects, ['None', 'NoneOnDryRun']))
  if (timeout !== undefined && (timeout < 1 || timeout > 30))
    errors.push(invalid(`${field}.timeoutSeconds`, timeout, 'the timeout value must be between 1 and 30 seconds'))
  for (const [i, rule] of (webhook.rules ?? []).entries()) errors.push(...checkRule(`${field}.rules[${i}]`, rule))
  return [
    ...errors,
    ...checkSelector(`${field}.namespaceSelector`, webhook.namespaceSelector),
    ...checkSelector(`${field}.objectSelector`, webhook.objectSelector),
    ...checkClient(`${field}.clientConfig`, webhook.clientConfig),
  ]
}

/** A name such as `pods.policy.example.com`. */
function checkQualifiedName(field: string, name: string): FieldError[] {
  if (!name) return [required(field)]
  const errors = texts(field, name, isDns1123Subdomain(name))
  if (!errors.length && name.split('.').length < 3)
    errors.push(invalid(field, name, 'should be a domain with at least three segments separated by dots'))
  return errors
}

export function checkRule(field: string, rule: RuleWithOperations): FieldError[] {
  const errors: FieldError[] = []
  for (const list of ['apiGroups', 'apiVersions', 'resources', 'operations'] as const) {
    const values: string[] = rule[list] ?? []
    if (!values.length) errors.push(required(`${field}.${list}`))
    if (list !== 'resources' && values.length > 1 && values.includes('*'))
      errors.push(invalid(`${field}.${list}`, values, "if '*' is present, must not specify other values"))
  }
  return errors
}

/** Where a webhook is called: one of an https URL and a Service. */
export function checkClient(field: string, client: WebhookClientConfig | undefined): FieldError[] {
  const { url, service } = client ?? {}
  if ((url === undefined) === (service === undefined))
    return [required(field, 'exactly one of url or service is required')]
  if (service) {
    const at = `${field}.service`
    return [
      ...(service.name ? [] : [required(`${at}.name`, 'service name is required')]),
      ...(service.namespace ? [] : [required(`${at}.namespace`, 'service namespace is required')]),
      ...(service.port === undefined ? [] : checkPort(`${at}.port`, service.port)),
      ...(service.path && !service.path.startsWith('/')
        ? [invalid(`${at}.path`, service.path, "must start with a '/'")]
        : []),
    ]
  }
  return checkUrl(`${field}.url`, url!)
}

function checkUrl(field: string, text: string): FieldError[] {
  if (!URL.canParse(text)) return [required(field, `url must be a valid URL: ${text}`)]
  const url = new URL(text)
  const errors: FieldError[] = []
  const form = 'desired format: https://host[/path]'
  if (url.protocol !== 'https:')
    errors.push(invalid(field, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme; ${form}`))
  if (url.username) errors.push(invalid(field, url.username, 'user information is not permitted in the URL'))
  if (url.hash) errors.push(invalid(field, url.hash, 'fragments are not permitted in the URL'))
  if (url.search) errors.push(invalid(field, url.search, 'query parameters are not permitted in the URL'))
  return errors
}
