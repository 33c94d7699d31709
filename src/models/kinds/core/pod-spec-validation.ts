import { isDns1123Label, isDns1123Subdomain, isQualifiedName } from '../../../base/names.ts'
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type {
  HostAlias,
  PodReadinessGate,
  PodResourceClaim,
  PodSchedulingGate,
  PodSpec,
  PodTemplateSpec,
} from '../../types/core-v1.ts'
import type { ObjectMeta } from '../../types/meta-v1.ts'
import { checkIP, checkLabels, checkOptionalName, checkParts, checkRange, type PartChecks, texts } from '../checks.ts'
import { validateLabelsAndSuch } from '../meta.ts'
import { checkContainers } from './container-validation.ts'
import { checkPodAnnotations, checkProfilesAgree } from './pod-annotations.ts'
import { checkResources } from './resource-validation.ts'
import { checkAffinity, checkSpread, checkTolerations } from './scheduling-validation.ts'
import { checkPodSecurityContext } from './security-validation.ts'
import { checkVolumes } from './volume-validation.ts'
import { checkHostProcess, checkLinuxPod, checkWindowsPod } from './windows-validation.ts'

/**
 * What is wrong with a pod's spec, in a pod or in a template, once defaulted.
 * @param field `spec` or `spec.template.spec`
 * @param pod the pod's metadata; undefined in a template
 */
export function validatePodSpec(field: string, spec: PodSpec, pod?: ObjectMeta): FieldError[] {
  const errors: FieldError[] = []
  const volumes = checkVolumes(`${field}.volumes`, spec.volumes ?? [], pod, errors)
  const claims = spec.resourceClaims
  if (claims) errors.push(...checkPodClaims(`${field}.resourceClaims`, claims, pod))
  errors.push(
    ...checkContainers(field, spec, volumes),
    ...checkNodePorts(field, spec, pod !== undefined),
    ...checkPolicy(`${field}.restartPolicy`, spec.restartPolicy, restartPolicies),
    ...checkPolicy(`${field}.dnsPolicy`, spec.dnsPolicy, dnsPolicies),
    ...checkParts(field, spec, placement, spec),
    ...checkDns(field, spec),
    ...checkParts(field, spec, gates, spec),
    ...checkHostProcess(field, spec),
    ...checkHostUsers(field, spec),
    ...checkParts(field, spec, others, spec),
    ...checkSystem(field, spec),
  )
  return errors
}

const restartPolicies = ['Always', 'OnFailure', 'Never']
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const preemptionPolicies = ['PreemptLowerPriority', 'Never']

function checkPolicy(field: string, policy: string | undefined, allowed: readonly string[]): FieldError[] {
  if (!policy) return [required(field)]
  return allowed.includes(policy) ? [] : [notSupported(field, policy, allowed)]
}

const placement: PartChecks<PodSpec, PodSpec> = {
  nodeSelector: checkLabels,
  securityContext: checkPodSecurityContext,
  affinity: checkAffinity,
}

const subdomain = (field: string, name: string) => checkOptionalName(field, name, isDns1123Subdomain)
const label = (field: string, name: string) => checkOptionalName(field, name, isDns1123Label)

const gates: PartChecks<PodSpec, PodSpec> = {
  readinessGates: checkReadinessGates,
  schedulingGates: checkGates,
  topologySpreadConstraints: checkSpread,
}

const others: PartChecks<PodSpec, PodSpec> = {
  serviceAccountName: subdomain,
  nodeName: subdomain,
  activeDeadlineSeconds: (field, seconds) => checkRange(field, seconds, 1, 2 ** 31 - 1),
  hostname: label,
  subdomain: label,
  tolerations: checkTolerations,
  hostAliases: checkHostAliases,
  priorityClassName: subdomain,
  runtimeClassName: (field, name) => texts(field, name, isDns1123Subdomain(name)),
  preemptionPolicy: (field, policy) => checkPolicy(field, policy, preemptionPolicies),
  overhead: (field, limits) => checkResources(field, { limits }),
}

/**
 * A pod template: labels and spec; nothing that only a live pod can have. Kubernetes tells of its labels and annotations
 * without the metadata that they are in.
 */
export function validatePodTemplate(field: string, template: PodTemplateSpec | undefined): FieldError[] {
  if (!template) return [required(field)]
  const { annotations, labels } = template.metadata ?? {}
  const spec: PodSpec = template.spec ?? { containers: [] }
  const errors = [
    ...(labels ? validateLabelsAndSuch({ labels }, field) : []),
    ...(annotations ? validateLabelsAndSuch({ annotations }, field) : []),
    ...checkPodAnnotations(`${field}.annotations`, annotations, spec),
    ...validatePodSpec(`${field}.spec`, spec),
    ...checkProfilesAgree(`${field}.spec`, annotations, spec),
  ]
  if (spec.ephemeralContainers?.length)
    errors.push(forbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'))
  return errors
}

/** With the node's network, a port of a container is that of the node. */
function checkNodePorts(field: string, { hostNetwork, containers = [] }: PodSpec, isPod: boolean): FieldError[] {
  if (!hostNetwork) return []
  return containers.flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort = 0, containerPort = 0 }, j) => {
      if (hostPort === containerPort || (!isPod && !hostPort)) return []
      const text = 'must match `containerPort` when `hostNetwork` is true'
      return [invalid(`${field}.containers[${i}].ports[${j}].hostPort`, hostPort, text)]
    }),
  )
}

function checkHostUsers(field: string, spec: PodSpec): FieldError[] {
  if (spec.hostUsers !== false) return []
  const never = (name: string) => forbidden(`${field}.${name}`, 'when `pod.Spec.HostUsers` is false')
  return [
    ...(spec.hostNetwork ? [never('hostNetwork')] : []),
    ...(spec.hostPID ? [never('HostPID')] : []),
    ...(spec.hostIPC ? [never('HostIPC')] : []),
  ]
}

const systems = ['linux', 'windows']

function checkSystem(field: string, spec: PodSpec): FieldError[] {
  if (!spec.os) return []
  const { name } = spec.os
  if (!name) return [required(`${field}.os.name`, 'cannot be empty')]
  if (!systems.includes(name)) return [notSupported(`${field}.os`, name, systems)]
  return name === 'linux' ? checkLinuxPod(field, spec) : checkWindowsPod(field, spec)
}

/** Devices that the pod claims, or gets a claim for. */
function checkPodClaims(field: string, claims: PodResourceClaim[], pod: ObjectMeta | undefined): FieldError[] {
  const seen = new Set<string>()
  return claims.flatMap((claim, i) => {
    const at = `${field}[${i}]`
    const { name, resourceClaimName: existing, resourceClaimTemplateName: made } = claim
    if (pod?.annotations?.['kubernetes.io/config.mirror'] !== undefined)
      return [forbidden('', 'static pods do not support resource claims')]
    const errors: FieldError[] = []
    if (!name) errors.push(required(`${at}.name`))
    else if (seen.has(name)) errors.push(duplicate(`${at}.name`, name))
    else errors.push(...texts(`${at}.name`, name, isDns1123Label(name)))
    seen.add(name)
    if (existing !== undefined && made !== undefined)
      errors.push(
        invalid(at, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'),
      )
    if (existing === undefined && made === undefined)
      errors.push(invalid(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'))
    if (existing !== undefined) errors.push(...texts(`${at}.resourceClaimName`, existing, isDns1123Subdomain(existing)))
    if (made !== undefined) errors.push(...texts(`${at}.resourceClaimTemplateName`, made, isDns1123Subdomain(made)))
    return errors
  })
}

function checkDns(field: string, { dnsPolicy, dnsConfig }: PodSpec): FieldError[] {
  if (!dnsConfig && dnsPolicy !== 'None') return []
  const at = `${field}.dnsConfig`
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {}
  const errors: FieldError[] = []
  if (dnsPolicy === 'None') {
    if (!dnsConfig) return [required(at, 'must provide `dnsConfig` when `dnsPolicy` is None')]
    if (!nameservers.length)
      return [required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')]
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
    errors.push(...texts(`${at}.searches[${i}]`, name, isDns1123Subdomain(name)))
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
    ...hostnames.flatMap((name, j) => texts(`${field}[${i}].hostnames[${j}]`, name, isDns1123Subdomain(name))),
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
