import { isDns1123Subdomain } from '../../base/names.ts'
import { CelCompileError, type CelProgram, cel, compileCel } from '../../models/cel/index.ts'
import { duplicate, invalid, notSupported, required, tooMany } from '../../models/field-error.ts'
import { ConfigFile } from '../configuration/config-file.ts'
import type { AbacPolicy } from './abac/policies.ts'
import { reviewType } from './webhook/review-request.ts'
import type { WebhookAuthorizerOptions } from './webhook/webhook-authorizer.ts'

/** A webhook as its file describes it: where it is stands in another file. */
export interface WebhookWish extends Omit<WebhookAuthorizerOptions, 'server'> {
  kubeConfigFile: string
}

export const plainAuthorizers = ['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC'] as const
export type PlainAuthorizer = (typeof plainAuthorizers)[number]

/** What metrics call it; the type in small letters unless said otherwise. */
interface Named {
  name?: string
}

/** One of those who are asked what somebody may do: one that every server has, a file of policies, or a webhook. */
export type AuthorizerChoice =
  | ({ type: PlainAuthorizer } & Named)
  | ({ type: 'ABAC'; policies: AbacPolicy[] } & Named)
  | { type: 'Webhook'; webhook: WebhookAuthorizerOptions }

/** The same before the policies and the webhook's kubeconfig are read. */
export type AuthorizerWish = ({ type: PlainAuthorizer | 'ABAC' } & Named) | { type: 'Webhook'; webhook: WebhookWish }

const versions = ['v1', 'v1beta1', 'v1alpha1'].map(v => `apiserver.config.k8s.io/${v} AuthorizationConfiguration`)
const webhookFields = [
  ...['authorizedTTL', 'unauthorizedTTL', 'timeout', 'subjectAccessReviewVersion', 'failurePolicy', 'connectionInfo'],
  ...['matchConditionSubjectAccessReviewVersion', 'matchConditions'],
]
const defaultAuthorizedMs = 300_000
const defaultUnauthorizedMs = 30_000
const longestTimeoutMs = 30_000
const mostConditions = 64

/**
 * An AuthorizationConfiguration, as `--authorization-config` of kube-apiserver names it.
 * @param value the parsed file
 * @throws BadConfiguration
 */
export function readAuthorizationConfiguration(value: unknown): AuthorizerWish[] {
  const file = new ConfigFile()
  const fields = file.object('', value, ['apiVersion', 'kind', 'authorizers'])
  file.kind(fields, versions)
  const entries = file.list('authorizers', fields['authorizers'])
  if (entries.length === 0) file.add(required('authorizers', 'at least one authorization mode must be defined'))
  const types = new Set<string>()
  const names = new Set<string>()
  const wishes = entries.flatMap((entry, i): AuthorizerWish[] => {
    const at = `authorizers[${i}]`
    const { type, name, webhook } = file.object(at, entry, ['type', 'name', 'webhook'])
    const given = file.text(`${at}.type`, type)
    if (!checkType(file, at, given, types)) return []
    const called = file.text(`${at}.name`, name)
    checkName(file, at, called, names)
    if (given !== 'Webhook') {
      if (webhook !== undefined)
        file.add(invalid(`${at}.webhook`, 'non-null', 'may only be specified when type=Webhook'))
      return [{ type: given as PlainAuthorizer | 'ABAC', name: called }]
    }
    if (webhook === undefined) file.add(required(`${at}.webhook`, 'required when type=Webhook'))
    return webhook === undefined
      ? []
      : [{ type: 'Webhook', webhook: readWebhook(file, `${at}.webhook`, webhook, called) }]
  })
  file.done()
  return wishes
}

function checkType(file: ConfigFile, at: string, type: string, seen: Set<string>): boolean {
  const known = ['ABAC', ...plainAuthorizers, 'Webhook']
  if (type === '') file.add(required(`${at}.type`))
  else if (!known.includes(type)) file.add(notSupported(`${at}.type`, type, known))
  else if (seen.has(type) && type !== 'Webhook') file.add(duplicate(`${at}.type`, type))
  else {
    seen.add(type)
    return true
  }
  return false
}

function checkName(file: ConfigFile, at: string, name: string, seen: Set<string>): void {
  const problems = isDns1123Subdomain(name)
  if (name === '') file.add(required(`${at}.name`))
  else if (seen.has(name)) file.add(duplicate(`${at}.name`, name))
  else if (problems.length) file.add(invalid(`${at}.name`, name, `authorizer name is invalid: ${problems.join(', ')}`))
  seen.add(name)
}

function readWebhook(file: ConfigFile, at: string, value: unknown, name: string): WebhookWish {
  const fields = file.object(at, value, webhookFields)
  const version = file.text(`${at}.subjectAccessReviewVersion`, fields['subjectAccessReviewVersion'])
  const failurePolicy = file.text(`${at}.failurePolicy`, fields['failurePolicy'])
  oneOf(file, `${at}.subjectAccessReviewVersion`, version, ['v1', 'v1beta1'])
  oneOf(file, `${at}.failurePolicy`, failurePolicy, ['NoOpinion', 'Deny'])
  return {
    name,
    authorizedMs: readAge(file, `${at}.authorizedTTL`, fields['authorizedTTL'], defaultAuthorizedMs),
    unauthorizedMs: readAge(file, `${at}.unauthorizedTTL`, fields['unauthorizedTTL'], defaultUnauthorizedMs),
    timeoutMs: readTimeout(file, `${at}.timeout`, fields['timeout']),
    version: version as WebhookWish['version'],
    failurePolicy: failurePolicy as WebhookWish['failurePolicy'],
    kubeConfigFile: readConnection(file, `${at}.connectionInfo`, fields['connectionInfo']),
    conditions: readConditions(file, at, fields),
  }
}

function oneOf(file: ConfigFile, at: string, value: string, known: string[]): void {
  if (value === '') file.add(required(at))
  else if (!known.includes(value)) file.add(notSupported(at, value, known))
}

function readAge(file: ConfigFile, at: string, value: unknown, usual: number): number {
  const ms = file.durationMs(at, value) || usual
  if (ms < 0) file.add(invalid(at, value, 'must be > 0s'))
  return ms
}

function readTimeout(file: ConfigFile, at: string, value: unknown): number {
  const ms = file.durationMs(at, value)
  if (!ms) {
    if (value === undefined || ms === 0) file.add(required(at))
    return 0
  }
  if (ms < 0 || ms > longestTimeoutMs) file.add(invalid(at, value, 'must be > 0s and <= 30s'))
  return ms
}

function readConnection(file: ConfigFile, at: string, value: unknown): string {
  const { type, kubeConfigFile } = file.object(at, value, ['type', 'kubeConfigFile'])
  const given = file.text(`${at}.type`, type)
  const path = file.text(`${at}.kubeConfigFile`, kubeConfigFile)
  if (given === 'InClusterConfig')
    file.add(invalid(`${at}.type`, given, 'this server would ask itself; use KubeConfigFile'))
  else oneOf(file, `${at}.type`, given, ['KubeConfigFile'])
  if (given !== 'KubeConfigFile') return path
  if (path === '') file.add(required(`${at}.kubeConfigFile`))
  else if (!path.startsWith('/')) file.add(invalid(`${at}.kubeConfigFile`, path, 'must be an absolute path'))
  return path
}

function readConditions(file: ConfigFile, at: string, fields: Record<string, unknown>): CelProgram[] {
  const versionAt = `${at}.matchConditionSubjectAccessReviewVersion`
  const version = file.text(versionAt, fields['matchConditionSubjectAccessReviewVersion'])
  const entries = file.list(`${at}.matchConditions`, fields['matchConditions'])
  if (version === '' && entries.length) file.add(required(versionAt, 'required if match conditions are specified'))
  if (version !== '') oneOf(file, versionAt, version, ['v1'])
  if (entries.length > mostConditions) {
    file.add(tooMany(`${at}.matchConditions`, entries.length, mostConditions))
    return []
  }
  const seen = new Set<string>()
  return entries.flatMap((entry, i) => {
    const { expression } = file.object(`${at}.matchConditions[${i}]`, entry, ['expression'])
    const place = `${at}.matchConditions[${i}].expression`
    const text = file.text(place, expression)
    if (text.trim() === '') file.add(required(place))
    else if (seen.has(text)) file.add(duplicate(place, text))
    else {
      seen.add(text)
      return compiled(file, place, text)
    }
    return []
  })
}

function compiled(file: ConfigFile, at: string, text: string): CelProgram[] {
  try {
    return [compileCel(text, { variables: { request: reviewType }, result: cel.bool })]
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error
    file.add(invalid(at, text, error.message))
    return []
  }
}
