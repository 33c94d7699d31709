import { selectorFrom } from '../../base/labels.ts'
import { quantityToMillis } from '../../base/quantity.ts'
import type {
  Container,
  Node,
  NodeSelectorTerm,
  Pod,
  PodAffinityTerm,
  TopologySpreadConstraint,
} from '../../models/types/core-v1.ts'
import type { StorageSketch } from './storage.ts'
import { storageAllows } from './storage-reference.ts'

type LabelKeys = { matchLabelKeys?: string[]; mismatchLabelKeys?: string[] }

/** A cluster as plain objects. */
export interface PlainCluster {
  nodes: Node[]
  /** With spec.nodeName. */
  pods: Pod[]
  namespaces: Record<string, Record<string, string>>
  storage: Partial<StorageSketch>
}

/**
 * Whether the pod may go to the node, told as plainly and slowly as possible from the objects alone: what the fast scheduler
 * is compared with. One container a pod.
 */
export function mayRun(pod: Pod, node: Node, cluster: PlainCluster): boolean {
  return (
    (!node.spec.unschedulable || tolerated(pod, { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' })) &&
    taintsAllow(pod, node) &&
    selected(pod, node) &&
    portsFree(pod, node, cluster) &&
    resourcesFree(pod, node, cluster) &&
    storageAllows(pod, node, cluster.storage, on(node, cluster), cluster.pods) &&
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
  return !required || required.nodeSelectorTerms.some(term => termHolds(term, node))
}

function termHolds(term: NodeSelectorTerm, node: Node): boolean {
  const labels = node.metadata.labels ?? {}
  const fields = term.matchFields ?? []
  const all = term.matchExpressions ?? []
  return (
    all.length + fields.length > 0 &&
    fields.every(f => f.values!.includes(node.metadata.name) === (f.operator === 'In')) &&
    all.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      if (operator === 'Gt') return value !== undefined && Number(value) > Number(values[0])
      if (operator === 'Lt') return value !== undefined && Number(value) < Number(values[0])
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
  const there = on(node, cluster)
  if (there.length + 1 > Number(node.status?.allocatable?.['pods'])) return false
  for (const name of ['cpu', 'x.io/gpu']) {
    const wanted = requests(pod, name)
    const used = there.reduce((sum, p) => sum + requests(p, name), 0)
    if (wanted > 0 && wanted + used > quantityToMillis(node.status?.allocatable?.[name] ?? '0')) return false
  }
  return true
}

/** The most that the pod needs at any moment: step by step through its start-up, then all that stays. */
function requests({ spec }: Pod, name: string): number {
  const of = (c: Container) => quantityToMillis(c.resources?.requests?.[name] ?? '0')
  let running = 0
  let most = 0
  for (const c of spec.initContainers ?? []) {
    most = Math.max(most, running + of(c))
    if (c.restartPolicy === 'Always') running += of(c)
  }
  return Math.max(most, running + of(spec.containers[0]!)) + quantityToMillis(spec.overhead?.[name] ?? '0')
}

/** Does `term`, written in `owner`, mean `other`? */
function means(owner: Pod, term: PodAffinityTerm, other: Pod, { namespaces }: PlainCluster): boolean {
  const named = term.namespaces ?? []
  const namespace = other.metadata.namespace!
  const here =
    named.includes(namespace) ||
    (term.namespaceSelector && selectorFrom(term.namespaceSelector).matches(namespaces[namespace])) ||
    (!named.length && !term.namespaceSelector && namespace === owner.metadata.namespace)
  return (
    Boolean(here) && selectorFrom(term.labelSelector).matches(other.metadata.labels) && keysAgree(owner, term, other)
  )
}

function keysAgree(owner: Pod, { matchLabelKeys = [], mismatchLabelKeys = [] }: LabelKeys, other: Pod): boolean {
  const mine = owner.metadata.labels ?? {}
  const theirs = other.metadata.labels ?? {}
  return (
    matchLabelKeys.every(k => mine[k] === undefined || mine[k] === theirs[k]) &&
    mismatchLabelKeys.every(k => mine[k] === undefined || mine[k] !== theirs[k])
  )
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
        selector.requirements.length > 0 &&
        selector.matches(p.metadata.labels) &&
        keysAgree(pod, c, p),
    )
    const value = n.metadata.labels![c.topologyKey]!
    counts.set(value, (counts.get(value) ?? 0) + matches.length)
  }
  const least = counts.size < (c.minDomains ?? 1) ? 0 : Math.min(...counts.values())
  const self = selector.matches(pod.metadata.labels) ? 1 : 0
  return (counts.get(domain) ?? 0) + self - (Number.isFinite(least) ? least : 0) <= c.maxSkew
}
