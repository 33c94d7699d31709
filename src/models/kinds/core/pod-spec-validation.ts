import { isDns1123Label, isDns1123Subdomain, isQualifiedName } from '../../../base/names.ts'
import { duplicate, type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { Quantity } from '../../scalars.ts'
import type { HostAlias, PodReadinessGate, PodSchedulingGate, PodSpec, PodTemplateSpec } from '../../types/core-v1.ts'
import { checkIP, checkLabels, checkOptionalName, checkParts, checkRange, type PartChecks, texts } from '../checks.ts'
import { validateLabelsAndSuch } from '../meta.ts'
import { checkContainers } from './container-validation.ts'
import { checkAmount, checkResourceName } from './resource-validation.ts'
import { checkAffinity, checkSpread, checkTolerations } from './scheduling-validation.ts'
import { checkPodSecurityContext } from './security-validation.ts'
import { checkVolumes } from './volume-validation.ts'

/** What is wrong with a pod's spec, in a pod or in a template, once defaulted. @param field `spec` or `spec.template.spec` */
export function validatePodSpec(field: string, spec: PodSpec): FieldError[] {
  return [
    ...(spec.volumes ? checkVolumes(`${field}.volumes`, spec.volumes) : []),
    ...checkContainers(field, spec),
    ...checkBasics(field, spec),
    ...checkParts(field, spec, placement, spec),
    ...checkDns(field, spec),
    ...checkParts(field, spec, others, spec),
  ]
}

const placement: PartChecks<PodSpec, PodSpec> = {
  nodeSelector: checkLabels,
  shareProcessNamespace: (_, shared, spec) => checkSharedProcesses(shared, spec),
  securityContext: checkPodSecurityContext,
  affinity: checkAffinity,
}

const subdomain = (field: string, name: string) => checkOptionalName(field, name, isDns1123Subdomain)
const label = (field: string, name: string) => checkOptionalName(field, name, isDns1123Label)

const others: PartChecks<PodSpec, PodSpec> = {
  readinessGates: checkReadinessGates,
  topologySpreadConstraints: checkSpread,
  serviceAccountName: subdomain,
  nodeName: subdomain,
  priorityClassName: subdomain,
  runtimeClassName: subdomain,
  hostname: label,
  subdomain: label,
  tolerations: checkTolerations,
  hostAliases: checkHostAliases,
  schedulingGates: checkGates,
  overhead: checkOverhead,
}

/** A pod template: labels and spec; nothing that only a live pod can have. */
export function validatePodTemplate(field: string, template: PodTemplateSpec | undefined): FieldError[] {
  if (!template) return [required(field)]
  const spec = template.spec
  const errors = validateLabelsAndSuch(template.metadata ?? {}, `${field}.metadata`)
  if (!spec) return [...errors, required(`${field}.spec.containers`)]
  errors.push(...validatePodSpec(`${field}.spec`, spec))
  if (spec.ephemeralContainers?.length)
    errors.push(forbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'))
  return errors
}

function checkBasics(field: string, spec: PodSpec): FieldError[] {
  return [
    ...(spec.restartPolicy ? [] : [required(`${field}.restartPolicy`)]),
    ...(spec.dnsPolicy ? [] : [required(`${field}.dnsPolicy`)]),
    ...(spec.schedulerName ? [] : [required(`${field}.schedulerName`)]),
    ...checkRange(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, 2 ** 31 - 1),
  ]
}

function checkSharedProcesses(shared: boolean, { hostPID }: PodSpec): FieldError[] {
  return shared && hostPID
    ? [invalid('shareProcessNamespace', true, 'ShareProcessNamespace and HostPID cannot both be enabled')]
    : []
}

function checkDns(field: string, { dnsPolicy, dnsConfig }: PodSpec): FieldError[] {
  if (!dnsConfig && dnsPolicy !== 'None') return []
  const at = `${field}.dnsConfig`
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {}
  const errors: FieldError[] = []
  if (dnsPolicy === 'None') {
    if (!dnsConfig) return [required(at, 'must provide `dnsConfig` when `dnsPolicy` is None')]
    if (!nameservers.length)
      errors.push(required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
  }
  if (nameservers.length > 3)
    errors.push(invalid(`${at}.nameservers`, nameservers, 'must not have more than 3 nameservers'))
  for (const [i, server] of nameservers.entries()) errors.push(...checkIP(`${at}.nameservers[${i}]`, server))
  if (searches.length > 32) errors.push(invalid(`${at}.searches`, searches, 'must not have more than 32 search paths'))
  if (searches.join(' ').length > 2048)
    errors.push(
      invalid(
        `${at}.searches`,
        searches,
        'must not have more than 2048 characters (including spaces) in the search list',
      ),
    )
  for (const [i, search] of searches.entries()) {
    const name = search.replace(/\.$/, '')
    if (name) errors.push(...texts(`${at}.searches[${i}]`, search, isDns1123Subdomain(name)))
  }
  for (const [i, { name }] of options.entries())
    if (!name) errors.push(required(`${at}.options[${i}]`, 'must not be empty'))
  return errors
}

function checkReadinessGates(field: string, readinessGates: PodReadinessGate[]): FieldError[] {
  return readinessGates.flatMap(({ conditionType: type }, i) =>
    texts(`${field}[${i}].conditionType`, type, isQualifiedName(type)),
  )
}

function checkHostAliases(field: string, hostAliases: HostAlias[]): FieldError[] {
  return hostAliases.flatMap(({ ip, hostnames = [] }, i) => [
    ...checkIP(`${field}[${i}].ip`, ip),
    ...hostnames.flatMap(name => texts(`${field}[${i}].hostnames`, name, isDns1123Subdomain(name))),
  ])
}

function checkGates(field: string, schedulingGates: PodSchedulingGate[]): FieldError[] {
  const seen = new Set<string>()
  return schedulingGates.flatMap(({ name }, i) => {
    const errors = texts(`${field}[${i}]`, name, isQualifiedName(name))
    if (seen.has(name)) errors.push(duplicate(`${field}[${i}]`, name))
    seen.add(name)
    return errors
  })
}

function checkOverhead(field: string, overhead: Record<string, Quantity>): FieldError[] {
  return Object.entries(overhead).flatMap(([name, quantity]) => [
    ...checkResourceName(`${field}[${name}]`, name),
    ...checkAmount(`${field}[${name}]`, name, quantity),
  ])
}
