import type { Pod } from '../../models/kinds/index.ts'
import type { Direction } from '../../models/node-network.ts'
import type { CalicoObject } from '../calico/kinds/calico-kind.ts'
import type { CalicoPolicy } from '../calico/kinds/policy-rules.ts'
import { labelsOf, matchesAccount, matchesEnd, matchesNamespace } from './calico-labels.ts'
import { ruleMiss } from './calico-rules.ts'
import { asCalicoPolicy } from './cluster-policies.ts'
import type { Connection, PolicyVerdict, PolicyWorld, SideVerdict } from './connection.ts'
import { judge, policiesAbout } from './kubernetes-policies.ts'

/** Calico gives the policies of Kubernetes this order, in the tier `default`. */
const kubernetesOrder = 1000

interface Candidate {
  tier: string
  order: number
  /** Of policies with one order the first by name is asked first, then by namespace and kind. */
  key: string
  judge(): PolicyVerdict
}

/**
 * What Calico makes of one side of a connection: tier by tier, and in each the policies about this end by their order; the first
 * rule that matches decides, `Pass` goes on to the next tier, and what nothing decides in a tier is its default action. Pure.
 * @see https://docs.tigera.io/calico/latest/network-policy/policy-tiers/tiered-policy
 */
export function judgeByCalico(world: PolicyWorld, connection: Connection, pod: Pod, direction: Direction): SideVerdict {
  const { tiers } = world.calico!
  const candidates = candidatesOf(world, connection, pod, direction)
  const said: PolicyVerdict[] = []
  const done = (allowed: boolean, reason: string): SideVerdict => ({ direction, allowed, reason, policies: said })
  const ordered = [...tiers].sort(
    (a, b) => orderOf(a.spec.order) - orderOf(b.spec.order) || compare(a.metadata.name, b.metadata.name),
  )
  const names = new Set([...ordered.map(t => t.metadata.name), 'default'])
  for (const tier of names) {
    const inTier = candidates.filter(c => c.tier === tier).sort((a, b) => a.order - b.order || compare(a.key, b.key))
    if (!inTier.length) continue
    const decided = firstDecision(inTier, said)
    if (decided?.verdict === 'allows') return done(true, `${decided.policy} allows it (${decided.rule})`)
    if (decided?.verdict === 'denies') return done(false, `${decided.policy} denies it (${decided.rule})`)
    if (decided) continue
    const action = ordered.find(t => t.metadata.name === tier)?.spec.defaultAction ?? 'Deny'
    if (action === 'Deny') return done(false, `no rule of tier ${tier} decides, and the tier denies what is left`)
  }
  return done(
    true,
    said.length ? 'every tier passes it on, and the namespace allows it' : 'no policy is about this end',
  )
}

function firstDecision(candidates: readonly Candidate[], said: PolicyVerdict[]): PolicyVerdict | undefined {
  for (const candidate of candidates) {
    const verdict = candidate.judge()
    said.push(verdict)
    if (verdict.verdict !== 'does not match') return verdict
  }
  return undefined
}

function candidatesOf(world: PolicyWorld, connection: Connection, pod: Pod, direction: Direction): Candidate[] {
  const { global, namespaced, cluster = [] } = world.calico!
  const own = (kind: string, title: string, policies: readonly CalicoObject<CalicoPolicy>[]): Candidate[] =>
    policies
      .filter(policy => isAbout(world, policy, pod, direction))
      .map(policy => {
        const { name, namespace = '' } = policy.metadata
        const full = `${title} ${namespace ? `${namespace}/` : ''}${name}`
        return {
          tier: policy.spec.tier ?? 'default',
          order: orderOf(policy.spec.order),
          key: `${name}/${namespace}/${kind}`,
          judge: () => judgeRules(world, full, policy, connection, direction),
        }
      })
  return [
    ...own('GlobalNetworkPolicy', 'GlobalNetworkPolicy', global),
    ...own('NetworkPolicy', "Calico's NetworkPolicy", namespaced),
    ...own('KubernetesClusterNetworkPolicy', 'ClusterNetworkPolicy', cluster.map(asCalicoPolicy)),
    ...policiesAbout(world, pod, direction).map(policy => ({
      tier: 'default',
      order: kubernetesOrder,
      key: `${policy.metadata.name}/${policy.metadata.namespace}/KubernetesNetworkPolicy`,
      judge: () => judge(world, policy, connection, direction),
    })),
  ]
}

function isAbout(
  world: PolicyWorld,
  { metadata, spec }: CalicoObject<CalicoPolicy>,
  pod: Pod,
  direction: Direction,
): boolean {
  if (metadata.namespace && metadata.namespace !== pod.metadata.namespace) return false
  // Those are about interfaces of nodes, before and beside the pods' own rules.
  if (spec.doNotTrack || spec.preDNAT) return false
  // Written past calicoctl a policy may have none: Felix then holds both directions to it.
  const types = spec.types?.length ? spec.types : ['Ingress', 'Egress']
  if (!types.includes(direction === 'ingress' ? 'Ingress' : 'Egress')) return false
  const labels = labelsOf(world, pod)
  return (
    matchesEnd(spec.selector, labels) &&
    matchesNamespace(spec.namespaceSelector, labels) &&
    matchesAccount(spec.serviceAccountSelector, labels)
  )
}

function judgeRules(
  world: PolicyWorld,
  policy: string,
  { metadata, spec }: CalicoObject<CalicoPolicy>,
  connection: Connection,
  direction: Direction,
): PolicyVerdict {
  const verdicts = { Allow: 'allows', Deny: 'denies', Pass: 'passes' } as const
  const rules = spec[direction] ?? []
  const misses: string[] = []
  for (const [i, rule] of rules.entries()) {
    const name = `${direction}[${i}]`
    const miss = rule.action === 'Log' ? 'it only logs' : ruleMiss(world, rule, metadata.namespace, connection)
    if (miss === undefined && rule.action !== 'Log')
      return { policy, verdict: verdicts[rule.action], rule: name, detail: JSON.stringify(rule) }
    misses.push(`${name}: ${miss}`)
  }
  const detail = misses.join('; ') || `it has no ${direction} rule`
  return { policy, verdict: 'does not match', detail }
}

const orderOf = (order: number | undefined) => order ?? Number.POSITIVE_INFINITY
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
