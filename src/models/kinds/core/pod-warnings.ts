import { same } from '../../../base/equality.ts'
import { isWholeQuantity } from '../../../base/quantity.ts'
import type {
  Container,
  ContainerPort,
  EnvVar,
  LocalObjectReference,
  NodeSelectorTerm,
  PodAffinityTerm,
  PodSpec,
  PodTemplateSpec,
} from '../../types/core-v1.ts'
import type { ObjectMeta } from '../../types/meta-v1.ts'
import { pathWarnings } from './path-warnings.ts'

interface PodLike {
  metadata?: Pick<ObjectMeta, 'annotations'>
  spec?: PodSpec
}

const oldLabels: Record<string, string> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
const oldAnnotations: Record<string, string> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
}
/** Volume plugins that are on their way out, or gone. */
export const oldVolumes: Record<string, string> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
}
const emptySelector = 'a null labelSelector results in matching no pod'

/** The warnings of a pod template, unless it stayed as it was. @param field `spec.template` */
export function templateWarnings(
  field: string,
  next: PodTemplateSpec | undefined,
  previous?: PodTemplateSpec,
): string[] {
  if (!next || (previous && same(next, previous))) return []
  return podWarnings(`${field}.`, next)
}

/** What is allowed, but old, or hardly meant. @param at prefix of field names: '' or `spec.template.` */
export function podWarnings(at: string, pod: PodLike): string[] {
  const { spec } = pod
  if (!spec) return []
  const containers = containersWithPaths(at, spec)
  // Every pod that is created comes by: what it does not have is not looked through.
  const found = nodeWarnings(at, spec)
  if (pod.metadata?.annotations) found.push(...annotationWarnings(at, pod, containers))
  if (spec.volumes) found.push(...volumeWarnings(at, spec), ...pathWarnings(spec.volumes))
  if (spec.hostAliases)
    for (const [i, ip] of repeated(spec.hostAliases, a => a.ip))
      found.push(`${at}spec.hostAliases[${i}].ip: duplicate ip ${JSON.stringify(ip)}`)
  if (spec.imagePullSecrets) found.push(...pullSecretWarnings(at, spec.imagePullSecrets))
  if (spec.overhead) wholeBytes(`${at}spec.overhead`, spec.overhead, found)
  for (const [field, container] of containers) containerWarnings(field, container, found)
  found.push(...portWarnings(containers))
  if (spec.affinity) found.push(...affinityWarnings(at, spec))
  found.push(...unsupportedWarnings(at, spec))
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0)
    found.push(
      `${at}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
    )
  return found
}

/** Kubernetes 1.32 leaves these fields out without a word, and so runs such a pod; whoever relies on one had better know. */
function unsupportedWarnings(at: string, { hostUsers, resources, securityContext }: PodSpec): string[] {
  const found: string[] = []
  if (hostUsers === false)
    found.push(
      `${at}spec.hostUsers: user namespaces are not supported yet; containers run with the users of their node`,
    )
  if (resources && Object.values(resources).some(amounts => Object.keys(amounts ?? {}).length))
    found.push(
      `${at}spec.resources: resources of a whole pod are not supported yet and bound nothing; set those of its containers`,
    )
  if (securityContext?.supplementalGroupsPolicy === 'Strict')
    found.push(
      `${at}spec.securityContext.supplementalGroupsPolicy: Strict is not supported yet; processes have the groups of their image too`,
    )
  return found
}

function pullSecretWarnings(at: string, secrets: LocalObjectReference[]): string[] {
  const field = `${at}spec.imagePullSecrets`
  return [
    ...repeated(secrets, s => s.name).map(([i, name]) => `${field}[${i}].name: duplicate name ${JSON.stringify(name)}`),
    ...secrets.flatMap(({ name }, i) => (name ? [] : [`${field}[${i}].name: invalid empty name ""`])),
  ]
}

function volumeWarnings(at: string, { volumes = [] }: PodSpec): string[] {
  const found: string[] = []
  for (const [i, volume] of volumes.entries())
    for (const type in volume)
      if (Object.hasOwn(oldVolumes, type))
        found.push(`${at}spec.volumes[${i}].${type === 'storageos' ? 'storageOS' : type}: ${oldVolumes[type]}`)
  return found
}

function nodeWarnings(at: string, { nodeSelector, affinity, topologySpreadConstraints = [] }: PodSpec): string[] {
  if (!nodeSelector && !affinity && topologySpreadConstraints.length === 0) return []
  const base = `${at}spec.affinity.nodeAffinity`
  const {
    requiredDuringSchedulingIgnoredDuringExecution: hard,
    preferredDuringSchedulingIgnoredDuringExecution: soft,
  } = affinity?.nodeAffinity ?? {}
  return [
    ...Object.keys(nodeSelector ?? {}).flatMap(key =>
      old(oldLabels, key, text => `${at}spec.nodeSelector[${key}]: ${text}`),
    ),
    ...(hard?.nodeSelectorTerms ?? []).flatMap((term, i) =>
      nodeTermWarnings(`${base}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`, term),
    ),
    ...(soft ?? []).flatMap(({ preference }, i) =>
      nodeTermWarnings(`${base}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference`, preference),
    ),
    ...topologySpreadConstraints.flatMap(({ topologyKey, labelSelector }, i) => {
      const field = `${at}spec.topologySpreadConstraints[${i}]`
      return [
        ...old(oldLabels, topologyKey, text => `${field}.topologyKey: ${topologyKey} is ${text}`),
        ...(labelSelector ? [] : [`${field}.labelSelector: ${emptySelector}`]),
      ]
    }),
  ]
}

/** Labels of nodes that are called otherwise now. */
export function nodeTermWarnings(field: string, { matchExpressions = [] }: NodeSelectorTerm): string[] {
  return matchExpressions.flatMap(({ key }, i) =>
    old(oldLabels, key, text => `${field}.matchExpressions[${i}].key: ${key} is ${text}`),
  )
}

function annotationWarnings(at: string, { metadata, spec }: PodLike, containers: ContainerAt[]): string[] {
  const annotations = metadata?.annotations
  if (!annotations) return []
  const keys = Object.keys(annotations).flatMap(key =>
    old(oldAnnotations, key, text => `${at}metadata.annotations[${key}]: ${text}`),
  )
  const seccomp = 'seccomp.security.alpha.kubernetes.io/'
  const unused = (key: string, context: { seccompProfile?: unknown } | undefined) =>
    key in annotations && !context?.seccompProfile
      ? [`${at}metadata.annotations[${key}]: non-functional in v1.27+; use the "seccompProfile" field instead`]
      : []
  return [
    ...keys,
    ...unused(`${seccomp}pod`, spec!.securityContext),
    ...containers.flatMap(([, c]) => unused(`container.${seccomp}${c.name}`, c.securityContext)),
  ]
}

const bytes = ['memory', 'ephemeral-storage']

function wholeBytes(field: string, quantities: Record<string, string>, found: string[]): void {
  for (const name of bytes)
    if (isFraction(quantities[name])) found.push(fractionText(`${field}[${name}]`, quantities[name]!))
}

function containerWarnings(field: string, { resources, env }: Container, found: string[]): void {
  if (resources?.limits) wholeBytes(`${field}.resources.limits`, resources.limits, found)
  if (resources?.requests) wholeBytes(`${field}.resources.requests`, resources.requests, found)
  if (!env) return
  const seen = new Set<string>()
  for (const [i, variable] of env.entries()) {
    if (seen.has(variable.name) && !buildsOn(variable))
      found.push(
        `${field}.env[${i}]: hides previous definition of ${JSON.stringify(variable.name)}, which may be dropped when using apply`,
      )
    seen.add(variable.name)
  }
}

/** `PATH=$(PATH):/opt` builds upon what was there. */
function buildsOn({ name, value = '', valueFrom }: EnvVar): boolean {
  const reference = `$(${name})`
  return !valueFrom && value !== reference && value.includes(reference)
}

/** Without a fraction, and not in parts of one: most quantities. */
const plainlyWhole = /^(?:\d{1,15}|\d{1,4}(?:[kMGT]|[KMG]i))$/

const isFraction = (quantity: string | undefined): boolean =>
  quantity !== undefined && !plainlyWhole.test(quantity) && !isWholeQuantity(quantity)

/** Bytes come whole. */
export function fractionWarnings(field: string, quantity: string | undefined): string[] {
  return isFraction(quantity) ? [fractionText(field, quantity!)] : []
}

const fractionText = (field: string, quantity: string) =>
  `${field}: fractional byte value ${JSON.stringify(quantity)} is invalid, must be an integer`

function portWarnings(containers: ContainerAt[]): string[] {
  const found: string[] = []
  if (!containers.some(([, { ports }]) => ports?.length)) return found
  const known = new Map<string, { field: string; port: ContainerPort }[]>()
  for (const [field, { ports = [] }] of containers)
    for (const [i, port] of ports.entries()) {
      const key = `${port.containerPort}/${port.protocol}`
      const others = known.get(key) ?? []
      const own = `${field}.ports[${i}]`
      if (port.hostIP && !port.hostPort) found.push(`${own}: hostIP set without hostPort: ${goPort(port)}`)
      for (const other of others) found.push(...overlap(own, port, other.field, other.port))
      known.set(key, [...others, { field: own, port }])
    }
  return found
}

const goPort = ({ name = '', containerPort, protocol, hostIP }: ContainerPort) =>
  `{Name:${name} HostPort:0 ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`

function overlap(field: string, a: ContainerPort, other: string, b: ContainerPort): string[] {
  const [ipA, ipB] = [a.hostIP ?? '', b.hostIP ?? '']
  const [portA, portB] = [a.hostPort ?? 0, b.hostPort ?? 0]
  if (ipA === ipB && portA === portB) return [`${field}: duplicate port definition with ${other}`]
  if (portA === 0 || portB === 0) return [`${field}: overlapping port definition with ${other}`]
  const ambiguous = portA === portB && (ipA === '') !== (ipB === '')
  return ambiguous ? [`${field}: dangerously ambiguous port definition with ${other}`] : []
}

function affinityWarnings(at: string, { affinity }: PodSpec): string[] {
  const of = (field: string, term: PodAffinityTerm) =>
    term.labelSelector ? [] : [`${field}.labelSelector: ${emptySelector}`]
  return (['podAffinity', 'podAntiAffinity'] as const).flatMap(which => {
    const field = `${at}spec.affinity.${which}`
    const {
      requiredDuringSchedulingIgnoredDuringExecution: hard,
      preferredDuringSchedulingIgnoredDuringExecution: soft,
    } = affinity?.[which] ?? {}
    return [
      ...(hard ?? []).flatMap((term, i) => of(`${field}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`, term)),
      ...(soft ?? []).flatMap(({ podAffinityTerm }, i) =>
        of(`${field}.preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm`, podAffinityTerm),
      ),
    ]
  })
}

type ContainerAt = [field: string, container: Container]

function containersWithPaths(at: string, spec: PodSpec): ContainerAt[] {
  const found: ContainerAt[] = []
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const)
    spec[list]?.forEach((container, i) => void found.push([`${at}spec.${list}[${i}]`, container as Container]))
  return found
}

function old(table: Record<string, string>, key: string, say: (text: string) => string): string[] {
  return Object.hasOwn(table, key) ? [say(table[key]!)] : []
}

/** Where a value comes a second time. */
function repeated<T>(list: T[] | undefined, value: (item: T) => string | undefined): [index: number, value: string][] {
  if (!list) return []
  const seen = new Set<string>()
  return list.flatMap((item, i): [number, string][] => {
    const text = value(item) ?? ''
    if (seen.has(text)) return [[i, text]]
    seen.add(text)
    return []
  })
}
