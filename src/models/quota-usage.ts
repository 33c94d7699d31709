import { addQuantities, compareQuantities, parseQuantity, quantityOf, quantityToNumber } from '../base/quantity.ts'
import type { Kind } from './kind.ts'
import { podQosClass } from './kinds/core/pod-qos.ts'
import { podLimits, podRequests } from './kinds/core/pod-requests.ts'
import type { AnyObject } from './object.ts'
import { isPodTerminal } from './pod-state.ts'
import type { Quantity } from './scalars.ts'
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from './types/core-v1.ts'

/** What objects count for in ResourceQuotas: for the controller that recounts, and for admission that refuses. */

export type Usage = Record<string, Quantity>

/** Names that existed before `count/…`. */
const shortCounts = new Set([
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
])

const storageClassSuffix = '.storageclass.storage.k8s.io/'
const podCompute = new Set(['cpu', 'memory', 'ephemeral-storage'])
const ofPods = new Set([
  'pods',
  ...podCompute,
  ...[...podCompute].flatMap(name => [`requests.${name}`, `limits.${name}`]),
])
const ofServices = new Set(['services', 'services.nodeports', 'services.loadbalancers'])
const ofClaims = ['persistentvolumeclaims', 'requests.storage']

/** `count/pods`, `count/deployments.apps`: the name by which a quota limits the number of objects of a kind. */
export function countName({ group, plural }: { group: string; plural: string }): string {
  return group ? `count/${plural}.${group}` : `count/${plural}`
}

/** Whether objects of the kind may use what a quota limits under this name. */
export function isQuotaNameOf(kind: Kind<any>, name: string): boolean {
  if (name === countName(kind)) return true
  if (kind.group) return false
  switch (kind.plural) {
    case 'pods':
      return ofPods.has(name) || name.startsWith('hugepages-') || isRequestOfOther(name)
    case 'services':
      return ofServices.has(name)
    case 'persistentvolumeclaims':
      return ofClaims.some(own => name === own || name.endsWith(storageClassSuffix + own))
    default:
      return shortCounts.has(kind.plural) && name === kind.plural
  }
}

/** `requests.hugepages-2Mi`, `requests.example.com/dongle`; not `requests.storage`, which claims have. */
function isRequestOfOther(name: string): boolean {
  return name.startsWith('requests.hugepages-') || (name.startsWith('requests.') && name.includes('/'))
}

/**
 * What one object uses, under every name by which a quota may limit it.
 * @param nowMs wall time: a pod whose time to end is over uses nothing any more
 */
export function usageOf(kind: Kind<any>, object: AnyObject, nowMs?: number): Usage {
  const counted: Usage = { [countName(kind)]: '1' }
  if (kind.group) return counted
  if (kind.plural === 'pods') return podUsage(object as unknown as Pod, counted, nowMs)
  if (shortCounts.has(kind.plural)) counted[kind.plural] = '1'
  if (kind.plural === 'services') Object.assign(counted, serviceUsage(object as unknown as Service))
  if (kind.plural === 'persistentvolumeclaims')
    Object.assign(counted, claimUsage(object as unknown as PersistentVolumeClaim))
  return counted
}

/** Finished pods use nothing but their object. */
function podUsage(pod: Pod, counted: Usage, nowMs?: number): Usage {
  if (isPodTerminal(pod) || isOverdue(pod, nowMs)) return counted
  const usage: Usage = { ...counted, pods: '1' }
  for (const [name, amount] of Object.entries(podRequests(pod))) {
    const hugePages = name.startsWith('hugepages-')
    if (podCompute.has(name) || hugePages) usage[name] = amount
    if (podCompute.has(name) || hugePages || name.includes('/')) usage[`requests.${name}`] = amount
  }
  for (const [name, amount] of Object.entries(podLimits(pod)))
    if (podCompute.has(name)) usage[`limits.${name}`] = amount
  return usage
}

/** Should have gone by now: its node is not heard of. */
function isOverdue({ metadata }: Pod, nowMs: number | undefined): boolean {
  if (nowMs === undefined || !metadata.deletionTimestamp) return false
  return nowMs > Date.parse(metadata.deletionTimestamp) + (metadata.deletionGracePeriodSeconds ?? 0) * 1000
}

/**
 * What the containers of a pod lack that a quota wants to be said, by the names that it limits.
 * @returns `must specify limits.cpu for: app,db; memory for: app`, or undefined
 */
export function missingForQuota(kind: Kind<any>, object: AnyObject, names: string[]): string | undefined {
  if (kind.group || kind.plural !== 'pods') return undefined
  const { spec } = object as unknown as Pod
  const texts = names
    .filter(name => /^((requests|limits)\.)?(cpu|memory)$/.test(name))
    .sort()
    .flatMap(name => {
      const [which, resource] = name.includes('.')
        ? (name.split('.') as ['requests' | 'limits', string])
        : (['requests', name] as const)
      const lacking = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
        .filter(container => container.resources?.[which]?.[resource] === undefined)
        .map(container => container.name)
      return lacking.length ? [`${name} for: ${[...new Set(lacking)].sort().join(',')}`] : []
    })
  return texts.length ? `must specify ${texts.join('; ')}` : undefined
}

function serviceUsage({ spec }: Service): Usage {
  const ports = String(spec?.ports?.length ?? 0)
  if (spec?.type === 'NodePort') return { 'services.nodeports': ports }
  if (spec?.type !== 'LoadBalancer') return {}
  const noPorts = spec.allocateLoadBalancerNodePorts === false
  const given = String((spec.ports ?? []).filter(p => p.nodePort).length)
  return { 'services.loadbalancers': '1', 'services.nodeports': noPorts ? given : ports }
}

function claimUsage(claim: PersistentVolumeClaim): Usage {
  const storage = claimedStorage(claim)
  const name = claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec?.storageClassName
  return {
    ...(storage ? { 'requests.storage': storage } : {}),
    ...(name ? { [`${name}${storageClassSuffix}persistentvolumeclaims`]: '1' } : {}),
    ...(name && storage ? { [`${name}${storageClassSuffix}requests.storage`]: storage } : {}),
  }
}

/** Whole bytes: of what is asked for and what is already given, the larger. */
function claimedStorage({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const wanted = spec?.resources?.requests?.['storage']
  if (wanted === undefined) return undefined
  const given = status?.allocatedResources?.['storage']
  const larger = given !== undefined && compareQuantities(given, wanted) > 0 ? given : wanted
  const { nano, format } = parseQuantity(larger)
  return nano % 1_000_000_000n === 0n ? larger : quantityOf(quantityToNumber(larger), format)
}

/** Whether a quota with scopes is about this object. Quotas with scopes are about pods only. */
export function quotaApplies(quota: ResourceQuota, kind: Kind<any>, object: AnyObject): boolean {
  const requirements = scopesOf(quota)
  if (!requirements.length) return true
  if (kind.group || kind.plural !== 'pods') return false
  return requirements.every(requirement => scopeApplies(requirement, object as unknown as Pod))
}

/** One condition of a scope selector, as quotas and the settings of the plugin have it. */
export interface ScopeRequirement {
  scopeName: string
  operator: string
  values?: string[]
}

/** All that a quota's scopes ask of pods. */
export function scopesOf({ spec }: ResourceQuota): ScopeRequirement[] {
  const named = (spec?.scopes ?? []).map(scopeName => ({ scopeName, operator: 'Exists', values: [] }))
  return [...named, ...(spec?.scopeSelector?.matchExpressions ?? [])]
}

/** Whether a pod is one of those that a scope is about. */
export function scopeApplies({ scopeName, operator, values = [] }: ScopeRequirement, pod: Pod): boolean {
  switch (scopeName) {
    case 'Terminating':
      return (pod.spec.activeDeadlineSeconds ?? -1) >= 0
    case 'NotTerminating':
      return pod.spec.activeDeadlineSeconds === undefined
    case 'BestEffort':
      return podQosClass(pod.spec) === 'BestEffort'
    case 'NotBestEffort':
      return podQosClass(pod.spec) !== 'BestEffort'
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod)
    case 'PriorityClass': {
      const name = pod.spec.priorityClassName ?? ''
      if (operator === 'Exists') return name !== ''
      if (operator === 'DoesNotExist') return name === ''
      return operator === 'In' ? values.includes(name) : !values.includes(name)
    }
    default:
      return false
  }
}

function crossesNamespaces(pod: Pod): boolean {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
  return [podAffinity, podAntiAffinity].some(a =>
    [
      ...(a?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(a?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(p => p.podAffinityTerm),
    ].some(term => term.namespaces?.length || term.namespaceSelector),
  )
}

export function addUsage(a: Usage, b: Usage): Usage {
  const sum = { ...a }
  for (const [name, amount] of Object.entries(b))
    sum[name] = sum[name] === undefined ? amount : addQuantities(sum[name], amount)
  return sum
}
