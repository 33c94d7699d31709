import { canonicalIP, cidrContains, isCIDR, isIP } from '../../base/ip.ts'
import type { Pod } from '../../models/kinds/index.ts'
import { parseCalicoSelector } from '../calico/policy/selector.ts'
import { type End, isOnHost, namespaceLabels, type PolicyWorld } from './connection.ts'

/** What selectors see of a pod or a set of networks. */
export type EndLabels = Readonly<Record<string, string>>

const ofNamespace = 'pcns.'
const ofAccount = 'pcsa.'
const namespaceKey = 'projectcalico.org/namespace'
const accountKey = 'projectcalico.org/serviceaccount'

/** The labels of a pod, and what Calico adds: whose it is, and the labels of its namespace and service account, with a prefix. */
export function labelsOf(world: PolicyWorld, pod: Pod): EndLabels {
  const { namespace } = pod.metadata
  const account = pod.spec.serviceAccountName ?? 'default'
  const found = world.accounts?.find(a => a.metadata.namespace === namespace && a.metadata.name === account)
  return {
    ...inherited(ofNamespace, { ...namespaceLabels(world, pod), 'projectcalico.org/name': namespace! }),
    ...inherited(ofAccount, { ...found?.metadata.labels, 'projectcalico.org/name': account }),
    ...pod.metadata.labels,
    [namespaceKey]: namespace!,
    'projectcalico.org/orchestrator': 'k8s',
    [accountKey]: account,
  }
}

/**
 * All that an address goes by in selectors: its pod, and every set of networks that it is in. Pods in the network of their node, and
 * whoever is outside of the cluster, go by such sets alone.
 */
export function identitiesOf(world: PolicyWorld, end: End): EndLabels[] {
  const { ip, pod } = end
  const sets = (world.calico?.sets ?? []).filter(set => isInAny(set.spec.nets ?? [], ip))
  return [
    ...(pod && !isOnHost(end) ? [labelsOf(world, pod)] : []),
    ...sets.map(({ metadata }) => ({
      ...(metadata.namespace ? inherited(ofNamespace, labelsOfNamespace(world, metadata.namespace)) : {}),
      ...metadata.labels,
      ...(metadata.namespace ? { [namespaceKey]: metadata.namespace } : {}),
    })),
  ]
}

/** Networks may be written as addresses; what is neither is nobody's. */
export const isInAny = (nets: readonly string[], ip: string | undefined): boolean =>
  ip !== undefined &&
  nets.some(net => (isCIDR(net) ? cidrContains(net, ip) : isIP(net) && canonicalIP(net) === canonicalIP(ip)))

/** No selector means everybody. */
export const matchesEnd = (selector: string | undefined, labels: EndLabels): boolean =>
  parseCalicoSelector(selector ?? '').matches(labels)

/** `all()` is whatever belongs to a namespace, `global()` what belongs to none. */
export function matchesNamespace(selector: string | undefined, labels: EndLabels): boolean {
  if (!selector) return true
  const inside = labels[namespaceKey] !== undefined
  return parseCalicoSelector(selector, { all: inside, global: !inside }).matches(stripped(ofNamespace, labels))
}

export function matchesAccount(selector: string | undefined, labels: EndLabels): boolean {
  if (!selector) return true
  const has = labels[accountKey] !== undefined
  return parseCalicoSelector(selector, { all: has, global: !has }).matches(stripped(ofAccount, labels))
}

export const accountOf = (labels: EndLabels): string | undefined => labels[accountKey]
export const isInNamespace = (namespace: string, labels: EndLabels): boolean => labels[namespaceKey] === namespace

function labelsOfNamespace(world: PolicyWorld, name: string): Record<string, string> {
  const found = world.namespaces.find(n => n.metadata.name === name)
  return { ...found?.metadata.labels, 'projectcalico.org/name': name }
}

const inherited = (prefix: string, labels: Record<string, string>): EndLabels =>
  Object.fromEntries(Object.entries(labels).map(([key, value]) => [prefix + key, value]))

const stripped = (prefix: string, labels: EndLabels): EndLabels =>
  Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
    ),
  )
