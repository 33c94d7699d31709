import { type Selector, selectorFrom } from '../../base/labels.ts'
import { requiredNodeTest } from '../../models/node-selector.ts'
import { untoleratedTaint } from '../../models/taints.ts'
import type { Pod, TopologySpreadConstraint } from '../../models/types/core-v1.ts'
import { withLabelKeys } from '../affinity-term.ts'
import { defaultSelector } from '../default-selector.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { PodClass, PodInfo } from '../pod-class.ts'
import type { NodeView, Snapshot } from '../snapshot.ts'
import type { PodCounter } from '../topology.ts'

interface Constraint {
  counter: PodCounter
  maxSkew: number
  /** 1 if the pod itself is one of those that are spread. */
  self: number
  /** The smallest count of a domain, or 0 while there are fewer domains than asked for. */
  minimum: number
  topologyKey: string
  /** For scoring: how much a pod in a domain weighs. */
  weight: number
}

interface State {
  hard: Constraint[]
  soft: Constraint[]
  /** Nodes that lack one of the labels are scored by the others. */
  lenient: boolean
}

const hostname = 'kubernetes.io/hostname'
const systemDefaults: readonly TopologySpreadConstraint[] = [
  { topologyKey: hostname, maxSkew: 3, whenUnsatisfiable: 'ScheduleAnyway' },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5, whenUnsatisfiable: 'ScheduleAnyway' },
]

export interface PodTopologySpreadArgs {
  /** Of pods that have none of their own: hosts and zones, softly, unless given. */
  defaultConstraints?: readonly TopologySpreadConstraint[]
}
const mismatch = "node(s) didn't match pod topology spread constraints"

/**
 * Pods spread over the values of a node label: with `DoNotSchedule` no domain may have more than `maxSkew` above the emptiest;
 * with `ScheduleAnyway` emptier domains are better: Σ count·ln(domains + 2) + maxSkew − 1, reversed.
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
 */
export const podTopologySpreadWith = ({
  defaultConstraints = systemDefaults,
}: PodTopologySpreadArgs): SchedulerPlugin<State> => ({
  name: 'PodTopologySpread',
  scope: 'cluster',
  prepare(pod, snapshot, info) {
    const all = pod.spec.topologySpreadConstraints
    if (!all?.length) return byDefault(pod, snapshot, info, defaultConstraints)
    const of = (when: string) => {
      const same = all.filter(c => (c.whenUnsatisfiable ?? 'DoNotSchedule') === when)
      return same.map(c => constraint(pod, c, same, snapshot, info))
    }
    return { hard: of('DoNotSchedule'), soft: of('ScheduleAnyway'), lenient: false }
  },
  refuses: ({ hard }) => hard.length > 0,
  filter({ hard }, { index }) {
    for (const { counter, maxSkew, self, minimum } of hard) {
      const count = counter.at(index)
      if (count < 0) return `${mismatch} (missing required label)`
      if (count + self - minimum > maxSkew) return mismatch
    }
    return undefined
  },
  refuseRows({ hard }, verdicts, numberOf) {
    for (const { counter, maxSkew, self, minimum } of hard) {
      counter.column.refuseMissing(verdicts, numberOf(`${mismatch} (missing required label)`))
      counter.refuseAbove(maxSkew - self + minimum, verdicts, numberOf(mismatch))
    }
  },
  evictionHelps: ({ hard }, { index }) => hard.every(c => c.counter.at(index) >= 0),
  scores: state => state.soft.length > 0,
  prepareScore({ soft, lenient }, fitting) {
    for (const c of soft) c.weight = Math.log(domainsAmong(fitting, c, lenient ? undefined : soft) + 2)
  },
  score({ soft, lenient }, { index }) {
    let sum = 0
    for (const { counter, weight, maxSkew } of soft) {
      const count = counter.at(index)
      if (count < 0 && lenient) continue
      if (count < 0) return -1
      sum += count * weight + (maxSkew - 1)
    }
    return Math.round(sum)
  },
  scoreRows({ soft, lenient }, fitting, scores) {
    for (const { counter, weight, maxSkew } of soft) {
      const { counts } = counter
      const { domainOf } = counter.column
      for (let i = 0; i < fitting.length; i++) {
        const domain = domainOf[fitting[i]!.index]!
        if (domain >= 0) scores[i]! += counts[domain]! * weight + (maxSkew - 1)
        else if (!lenient) scores[i] = Number.NaN
      }
    }
    for (let i = 0; i < fitting.length; i++) scores[i] = Number.isNaN(scores[i]!) ? -1 : Math.round(scores[i]!)
  },
  normalize(_state, scores) {
    let min = Number.POSITIVE_INFINITY
    let max = 0
    for (let i = 0; i < scores.length; i++) {
      if (scores[i]! < 0) continue
      min = Math.min(min, scores[i]!)
      max = Math.max(max, scores[i]!)
    }
    // A node without the labels is in no domain, and worst.
    for (let i = 0; i < scores.length; i++)
      scores[i] = scores[i]! < 0 ? 0 : max === 0 ? 100 : Math.floor((100 * (max + min - scores[i]!)) / max)
  },
  wakes(e, info) {
    if (e.type === 'namespace-changed') return false
    if (e.type === 'node-updated') return e.changed.has('labels') || e.changed.has('taints')
    const counted = ownSelectors(info)
    // By default services and controllers say who belongs together.
    if (!counted.length) return true
    switch (e.type) {
      case 'object-changed':
        return false
      case 'pod-placed':
      case 'pod-removed':
        return counted.some(s => counts(e.pod.class, info.class.namespace, s))
      case 'pod-updated': {
        const { namespace } = info.class
        return counted.some(s => counts(e.pod.class, namespace, s) !== counts(e.old.class, namespace, s))
      }
      default:
        return true
    }
  },
})

export const podTopologySpread = podTopologySpreadWith({})

const selectors = new WeakMap<PodClass, readonly Selector[]>()

/** Which pods the pod's own hard constraints spread. */
function ownSelectors({ pod, class: c }: PodInfo): readonly Selector[] {
  let found = selectors.get(c)
  if (!found) {
    const hard = (pod.spec.topologySpreadConstraints ?? []).filter(t => t.whenUnsatisfiable !== 'ScheduleAnyway')
    selectors.set(c, (found = hard.map(t => selectorFrom(withLabelKeys(pod, t)))))
  }
  return found
}

const counts = (p: PodClass, namespace: string, selector: Selector) =>
  !p.terminating && p.namespace === namespace && selector.matches(p.labels)

/**
 * How many domains the nodes make up, by hosts each its own. A node in none of those of `others`, if given, does not count;
 * otherwise those without the label are one domain more.
 */
function domainsAmong(
  nodes: readonly NodeView[],
  { counter, topologyKey }: Constraint,
  others?: readonly Constraint[],
) {
  const { domainOf, values } = counter.column
  const seen = new Uint8Array(values.length)
  let counted = 0
  let domains = 0
  let outside = 0
  for (const { index } of nodes) {
    const domain = domainOf[index]!
    if (others?.some(o => o.counter.column.domainOf[index]! < 0)) continue
    counted++
    if (domain < 0) {
      outside = 1
      continue
    }
    if (!seen[domain]) domains++
    seen[domain] = 1
  }
  return topologyKey === hostname ? counted : domains + outside
}

/** For pods that nobody gave constraints, if a service or controller says that they belong together. */
function byDefault(
  pod: Pod,
  snapshot: Snapshot,
  info: PodInfo,
  constraints: readonly TopologySpreadConstraint[],
): State | undefined {
  const selector = constraints.length ? defaultSelector(info.class, snapshot.objects) : undefined
  if (!selector) return undefined
  // Only our own defaults score nodes that lack a label by the others.
  const lenient = constraints === systemDefaults
  const of = (when: string) => {
    const same = constraints.filter(c => c.whenUnsatisfiable === when)
    return same.map(c => constraint(pod, c, lenient ? [] : same, snapshot, info, selector))
  }
  return { hard: of('DoNotSchedule'), soft: of('ScheduleAnyway'), lenient }
}

function constraint(
  pod: Pod,
  c: TopologySpreadConstraint,
  together: readonly TopologySpreadConstraint[],
  snapshot: Snapshot,
  info: PodInfo,
  selector = selectorFrom(withLabelKeys(pod, c)),
): Constraint {
  const { namespace } = info.class
  const any = selector.requirements.length > 0
  const nodeTest = c.nodeAffinityPolicy === 'Ignore' ? undefined : requiredNodeTest(pod)
  const honorTaints = c.nodeTaintsPolicy === 'Honor'
  // A node that lacks one of the labels is out of the count for all of them.
  const keys = [...new Set(together.map(t => t.topologyKey))].filter(k => k !== c.topologyKey)
  const { nodeSelector, affinity, tolerations } = pod.spec
  const key = JSON.stringify([
    'spread',
    c.topologyKey,
    namespace,
    String(selector),
    selector.nothing,
    nodeTest ? [nodeSelector, affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution] : 0,
    honorTaints ? (tolerations ?? []) : 0,
    keys,
  ])
  const eligible = (node: NodeView) =>
    keys.every(k => Object.hasOwn(node.labels, k)) &&
    (!nodeTest || nodeTest(node.node)) &&
    (!honorTaints || !untoleratedTaint(node.taints, tolerations))
  const counter = snapshot.counter(key, {
    topologyKey: c.topologyKey,
    // What selects everything counts nothing, as in Kubernetes.
    weigh: p => (any && !p.terminating && p.namespace === namespace && selector.matches(p.labels) ? 1 : 0),
    ...(nodeTest || honorTaints || keys.length ? { eligible } : {}),
  })
  return {
    counter,
    maxSkew: c.maxSkew,
    self: selector.matches(info.class.labels) ? 1 : 0,
    minimum: counter.size < (c.minDomains ?? 1) ? 0 : counter.minimum(),
    topologyKey: c.topologyKey,
    weight: 1,
  }
}
