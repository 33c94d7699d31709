import { addQuantities } from '../base/quantity.ts'
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

/** What one object uses, under every name by which a quota may limit it. */
export function usageOf(kind: Kind<any>, object: AnyObject): Usage {
  const counted: Usage = { [kind.group ? `count/${kind.plural}.${kind.group}` : `count/${kind.plural}`]: '1' }
  if (kind.group) return counted
  if (kind.plural === 'pods') return podUsage(object as unknown as Pod, counted)
  if (shortCounts.has(kind.plural)) counted[kind.plural] = '1'
  if (kind.plural === 'services') Object.assign(counted, serviceUsage(object as unknown as Service))
  if (kind.plural === 'persistentvolumeclaims')
    Object.assign(counted, claimUsage(object as unknown as PersistentVolumeClaim))
  return counted
}

/** Finished pods use nothing but their object. */
function podUsage(pod: Pod, counted: Usage): Usage {
  if (isPodTerminal(pod)) return counted
  const usage: Usage = { ...counted, pods: '1' }
  for (const [name, amount] of Object.entries(podRequests(pod))) {
    usage[`requests.${name}`] = amount
    if (/^(cpu|memory|ephemeral-storage)$/.test(name) || name.startsWith('hugepages-')) usage[name] = amount
  }
  for (const [name, amount] of Object.entries(podLimits(pod))) usage[`limits.${name}`] = amount
  return usage
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
  const storage = claim.spec?.resources?.requests?.['storage']
  const name = claim.spec?.storageClassName ?? claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class']
  const suffix = '.storageclass.storage.k8s.io'
  return {
    ...(storage ? { 'requests.storage': storage } : {}),
    ...(name ? { [`${name}${suffix}/persistentvolumeclaims`]: '1' } : {}),
    ...(name && storage ? { [`${name}${suffix}/requests.storage`]: storage } : {}),
  }
}

/** Whether a quota with scopes is about this object. Quotas with scopes are about pods only. */
export function quotaApplies(quota: ResourceQuota, kind: Kind<any>, object: AnyObject): boolean {
  const requirements = [
    ...(quota.spec?.scopes ?? []).map(scopeName => ({
      scopeName,
      operator: 'Exists' as const,
      values: [] as string[],
    })),
    ...(quota.spec?.scopeSelector?.matchExpressions ?? []),
  ]
  if (!requirements.length) return true
  if (kind.group || kind.plural !== 'pods') return false
  const pod = object as unknown as Pod
  return requirements.every(({ scopeName, operator, values = [] }) => {
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
  })
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
