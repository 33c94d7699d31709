import { selectorFrom } from '../../base/labels.ts'
import { quantityToMillis } from '../../base/quantity.ts'
import type {
  Node,
  NodeSelectorTerm,
  Pod,
  PodAffinityTerm,
  TopologySpreadConstraint,
} from '../../models/types/core-v1.ts'

/** A cluster as plain objects. */
export interface PlainCluster {
  nodes: Node[]
  /** With spec.nodeName. */
  pods: Pod[]
  namespaces: Record<string, Record<string, string>>
}

/**
 * Whether the pod may go to the node, told as plainly and slowly as possible from the objects alone: what the fast scheduler
 * is compared with. One container a pod; no init containers.
 */
export function mayRun(pod: Pod, node: Node, cluster: PlainCluster): boolean {
  return (
    (!node.spec.unschedulable || tolerated(pod, { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' })) &&
    taintsAllow(pod, node) &&
    selected(pod, node) &&
    portsFree(pod, node, cluster) &&
    resourcesFree(pod, node, cluster) &&
    affinityAllows(pod, node, cluster) &&
    antiAffinityAllows(pod, node, cluster) &&
    (pod.spec.topologySpreadConstraints ?? [])
      .filter(c => c.whenUnsatisfiable === 'DoNotSchedule')
      .every((c, _, all) => spreadAllows(pod, node, c, all, cluster))
  )
}

const on = (node: Node, { pods }: PlainCluster) => pods.filter(p => p.spec.nodeName === node.metadata.name)

function tolerated(pod: Pod, taint: { key: string; value?: string; effect: string }): boolean {
  for (const t of pod.spec.tolerations ?? []) {
    const effect = !t.effect || t.effect === taint.effect
    const key = t.key ? t.key === taint.key : t.operator === 'Exists'
    const value = t.operator === 'Exists' || (t.value ?? '') === (taint.value ?? '')
    if (effect && key && value) return true
  }
  return false
}

const taintsAllow = (pod: Pod, node: Node) =>
  (node.spec.taints ?? []).every(t => t.effect === 'PreferNoSchedule' || tolerated(pod, t))

function selected(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {}
  for (const [k, v] of Object.entries(pod.spec.nodeSelector ?? {})) if (labels[k] !== v) return false
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return !required || required.nodeSelectorTerms.some(term => termHolds(term, labels))
}

function termHolds(term: NodeSelectorTerm, labels: Record<string, string>): boolean {
  const all = term.matchExpressions ?? []
  return (
    all.length > 0 &&
    all.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      if (operator === 'In') return value !== undefined && values.includes(value)
      if (operator === 'NotIn') return value === undefined || !values.includes(value)
      return operator === 'Exists' ? value !== undefined : value === undefined
    })
  )
}

function portsFree(pod: Pod, node: Node, cluster: PlainCluster): boolean {
  const portsOf = (p: Pod) => p.spec.containers.flatMap(c => c.ports ?? []).filter(p => p.hostPort)
  for (const mine of portsOf(pod))
    for (const theirs of on(node, cluster).flatMap(portsOf)) {
      const one = mine.hostIP ?? '0.0.0.0'
      const two = theirs.hostIP ?? '0.0.0.0'
      const address = one === two || one === '0.0.0.0' || two === '0.0.0.0'
      if (address && mine.hostPort === theirs.hostPort && (mine.protocol ?? 'TCP') === (theirs.protocol ?? 'TCP'))
        return false
    }
  return true
}

function resourcesFree(pod: Pod, node: Node, cluster: PlainCluster): boolean {
  const requests = (p: Pod, name: string) => quantityToMillis(p.spec.containers[0]?.resources?.requests?.[name] ?? '0')
  const there = on(node, cluster)
  if (there.length + 1 > Number(node.status?.allocatable?.['pods'])) return false
  for (const name of Object.keys(pod.spec.containers[0]?.resources?.requests ?? {})) {
    const wanted = requests(pod, name)
    const used = there.reduce((sum, p) => sum + requests(p, name), 0)
    if (wanted > 0 && wanted + used > quantityToMillis(node.status?.allocatable?.[name] ?? '0')) return false
  }
  return true
}

/** Does `term`, written in `owner`, mean `other`? */
function means(owner: Pod, term: PodAffinityTerm, other: Pod, { namespaces }: PlainCluster): boolean {
  const named = term.namespaces ?? []
  const namespace = other.metadata.namespace!
  const here =
    named.includes(namespace) ||
    (term.namespaceSelector && selectorFrom(term.namespaceSelector).matches(namespaces[namespace])) ||
    (!named.length && !term.namespaceSelector && namespace === owner.metadata.namespace)
  return Boolean(here) && selectorFrom(term.labelSelector).matches(other.metadata.labels)
}

function sameDomain(key: string, a: Node, b: Node | undefined): boolean {
  const value = a.metadata.labels?.[key]
  return value !== undefined && value === b?.metadata.labels?.[key]
}

const homeOf = (pod: Pod, { nodes }: PlainCluster) => nodes.find(n => n.metadata.name === pod.spec.nodeName)

function affinityAllows(pod: Pod, node: Node, cluster: PlainCluster): boolean {
  const terms = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  if (terms.some(t => node.metadata.labels?.[t.topologyKey] === undefined)) return false
  const matches = cluster.pods.filter(p => terms.every(t => means(pod, t, p, cluster)))
  if (terms.every(t => matches.some(p => sameDomain(t.topologyKey, node, homeOf(p, cluster))))) return true
  const anywhere = matches.some(p =>
    terms.some(t => homeOf(p, cluster)?.metadata.labels?.[t.topologyKey] !== undefined),
  )
  return !anywhere && terms.every(t => means(pod, t, pod, cluster))
}

function antiAffinityAllows(pod: Pod, node: Node, cluster: PlainCluster): boolean {
  const termsOf = (p: Pod) => p.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  return cluster.pods.every(other => {
    const near = (key: string) => sameDomain(key, node, homeOf(other, cluster))
    return (
      !termsOf(pod).some(t => near(t.topologyKey) && means(pod, t, other, cluster)) &&
      !termsOf(other).some(t => near(t.topologyKey) && means(other, t, pod, cluster))
    )
  })
}

function spreadAllows(
  pod: Pod,
  node: Node,
  c: TopologySpreadConstraint,
  all: readonly TopologySpreadConstraint[],
  cluster: PlainCluster,
): boolean {
  const domain = node.metadata.labels?.[c.topologyKey]
  if (domain === undefined) return false
  const selector = selectorFrom(c.labelSelector)
  const counts = new Map<string, number>()
  for (const n of cluster.nodes) {
    if (all.some(one => n.metadata.labels?.[one.topologyKey] === undefined)) continue
    if (c.nodeAffinityPolicy !== 'Ignore' && !selected(pod, n)) continue
    if (c.nodeTaintsPolicy === 'Honor' && !taintsAllow(pod, n)) continue
    const matches = on(n, cluster).filter(
      p =>
        p.metadata.namespace === pod.metadata.namespace &&
        !p.metadata.deletionTimestamp &&
        selector.matches(p.metadata.labels),
    )
    const value = n.metadata.labels![c.topologyKey]!
    counts.set(value, (counts.get(value) ?? 0) + matches.length)
  }
  const least = counts.size < (c.minDomains ?? 1) ? 0 : Math.min(...counts.values())
  const self = selector.matches(pod.metadata.labels) ? 1 : 0
  return (counts.get(domain) ?? 0) + self - (Number.isFinite(least) ? least : 0) <= c.maxSkew
}
