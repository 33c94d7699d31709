import { OptiFlowError } from '../../base/errors.ts'

// What is recorded, as a policy file of audit.k8s.io/v1 says it.

export const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const
export type Level = (typeof levels)[number]

export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const
export type Stage = (typeof stages)[number]

export interface GroupResources {
  /** '' unless given. */
  group?: string
  /** `pods`, `pods/log`, `pods/*` (with all below it), a star and `/status` (of any), `*`; none: all of the group. */
  resources?: string[]
  resourceNames?: string[]
}

export interface AuditRule {
  level: Level
  users?: string[]
  userGroups?: string[]
  verbs?: string[]
  resources?: GroupResources[]
  /** '' for what is of no namespace. */
  namespaces?: string[]
  /** `*` at the end stands for anything. */
  nonResourceURLs?: string[]
  omitStages?: Stage[]
  omitManagedFields?: boolean
}

export interface AuditPolicy {
  /** The first that fits decides. */
  rules: AuditRule[]
  omitStages?: Stage[]
  omitManagedFields?: boolean
}

/** A policy cannot be used; the message names every field that is wrong. */
export class BadAuditPolicy extends OptiFlowError {}

const policyFields = ['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields']
const ruleFields = [
  ...['level', 'users', 'userGroups', 'verbs', 'resources', 'namespaces', 'nonResourceURLs', 'omitStages'],
  'omitManagedFields',
]
const listFields = ['users', 'userGroups', 'verbs', 'namespaces', 'nonResourceURLs'] as const

/** @param value the parsed file. @throws BadAuditPolicy */
export function readAuditPolicy(value: unknown): AuditPolicy {
  const wrong = check(value)
  if (wrong.length)
    throw new BadAuditPolicy(`the audit policy cannot be used: ${wrong.join('; ')}`, {
      hint: 'It is a Policy of audit.k8s.io/v1; docs/audit.md has an example.',
    })
  const { rules, omitStages, omitManagedFields } = value as AuditPolicy
  return { rules, ...(omitStages ? { omitStages } : {}), ...(omitManagedFields ? { omitManagedFields } : {}) }
}

function check(value: unknown): string[] {
  if (!isRecord(value)) return ['it is no object']
  const wrong = unknownFields('', value, policyFields)
  if (value['apiVersion'] !== 'audit.k8s.io/v1' || value['kind'] !== 'Policy')
    wrong.push(`it is ${value['apiVersion']} ${value['kind']}, not audit.k8s.io/v1 Policy`)
  wrong.push(...checkCommon('', value))
  const { rules } = value
  if (!Array.isArray(rules) || rules.length === 0) return [...wrong, 'rules: there are none, nothing would be recorded']
  return [...wrong, ...rules.flatMap((rule, i) => checkRule(`rules[${i}]`, rule))]
}

function checkRule(at: string, rule: unknown): string[] {
  if (!isRecord(rule)) return [`${at}: is no object`]
  const wrong = [...unknownFields(`${at}.`, rule, ruleFields), ...checkCommon(`${at}.`, rule)]
  if (!levels.includes(rule['level'] as Level)) wrong.push(`${at}.level: must be one of ${levels.join(', ')}`)
  for (const field of listFields) if (!isTexts(rule[field])) wrong.push(`${at}.${field}: must be a list of texts`)
  const { resources, namespaces, nonResourceURLs } = rule as Partial<AuditRule>
  if (nonResourceURLs?.length && (resources?.length || namespaces?.length))
    wrong.push(`${at}.nonResourceURLs: cannot stand beside resources or namespaces`)
  for (const url of isTexts(nonResourceURLs) ? (nonResourceURLs ?? []) : [])
    if (url !== '*' && !/^\/[^*]*\*?$/.test(url))
      wrong.push(`${at}.nonResourceURLs: ${JSON.stringify(url)} must begin with / and may have * at its end only`)
  if (resources !== undefined && !Array.isArray(resources)) return [...wrong, `${at}.resources: must be a list`]
  return [...wrong, ...(resources ?? []).flatMap((r, i) => checkResources(`${at}.resources[${i}]`, r))]
}

function checkResources(at: string, entry: unknown): string[] {
  if (!isRecord(entry)) return [`${at}: is no object`]
  const wrong = unknownFields(`${at}.`, entry, ['group', 'resources', 'resourceNames'])
  if (entry['group'] !== undefined && typeof entry['group'] !== 'string') wrong.push(`${at}.group: must be a text`)
  if (!isTexts(entry['resources'])) wrong.push(`${at}.resources: must be a list of texts`)
  if (!isTexts(entry['resourceNames'])) wrong.push(`${at}.resourceNames: must be a list of texts`)
  const { resources, resourceNames } = entry as GroupResources
  if (resourceNames?.length && !resources?.length)
    wrong.push(`${at}.resourceNames: using resourceNames requires at least one resource`)
  return wrong
}

function checkCommon(at: string, { omitStages, omitManagedFields }: Record<string, unknown>): string[] {
  const wrong: string[] = []
  const known = omitStages === undefined || (Array.isArray(omitStages) && omitStages.every(s => stages.includes(s)))
  if (!known) wrong.push(`${at}omitStages: must be a list of ${stages.join(', ')}`)
  if (omitManagedFields !== undefined && typeof omitManagedFields !== 'boolean')
    wrong.push(`${at}omitManagedFields: must be true or false`)
  return wrong
}

function unknownFields(at: string, value: Record<string, unknown>, known: readonly string[]): string[] {
  return Object.keys(value)
    .filter(field => !known.includes(field))
    .map(field => `${at}${field}: is not known`)
}

const isTexts = (value: unknown) =>
  value === undefined || (Array.isArray(value) && value.every(item => typeof item === 'string'))

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
