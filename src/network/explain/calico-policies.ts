import { cidrContains } from '../../base/ip.ts'
import type { Pod } from '../../models/kinds/index.ts'
import type { Direction } from '../../models/node-network.ts'
import type { CalicoObject } from '../calico/kinds/calico-kind.ts'
import type { CalicoPolicy, CalicoRule, RuleSide } from '../calico/kinds/policy-rules.ts'
import { parseCalicoSelector } from '../calico/policy/selector.ts'
import {
  type Connection,
  type End,
  namespaceLabels,
  type PolicyVerdict,
  type PolicyWorld,
  type SideVerdict,
} from './connection.ts'
import { judge, policiesAbout } from './kubernetes-policies.ts'

/** Calico gives the policies of Kubernetes this order, in the tier `default`. */
const kubernetesOrder = 1000

interface Candidate {
  tier: string
  order: number
  name: string
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
    const inTier = candidates.filter(c => c.tier === tier).sort((a, b) => a.order - b.order || compare(a.name, b.name))
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
  const { global, namespaced } = world.calico!
  const own = (kind: string, policies: readonly CalicoObject<CalicoPolicy>[]): Candidate[] =>
    policies
      .filter(policy => isAbout(world, policy, pod, direction))
      .map(policy => {
        const { name, namespace } = policy.metadata
        const title = `${kind} ${namespace ? `${namespace}/` : ''}${name}`
        return {
          tier: policy.spec.tier ?? 'default',
          order: orderOf(policy.spec.order),
          name,
          judge: () => judgeRules(world, title, policy, connection, direction),
        }
      })
  return [
    ...own('GlobalNetworkPolicy', global),
    ...own("Calico's NetworkPolicy", namespaced),
    ...policiesAbout(world, pod, direction).map(policy => ({
      tier: 'default',
      order: kubernetesOrder,
      name: policy.metadata.name,
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
  const types = spec.types?.length
    ? spec.types
    : [...(spec.ingress || !spec.egress ? ['Ingress'] : []), ...(spec.egress ? ['Egress'] : [])]
  if (!types.includes(direction === 'ingress' ? 'Ingress' : 'Egress')) return false
  return (
    parseCalicoSelector(spec.selector ?? '').matches(labelsOf(pod)) &&
    parseCalicoSelector(spec.namespaceSelector ?? '').matches(withName(world, pod))
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
  for (const [i, rule] of (spec[direction] ?? []).entries()) {
    if (rule.action === 'Log' || !ruleMatches(world, rule, metadata.namespace, connection)) continue
    return { policy, verdict: verdicts[rule.action], rule: `${direction}[${i}]`, detail: JSON.stringify(rule) }
  }
  return {
    policy,
    verdict: 'does not match',
    detail: `none of its ${spec[direction]?.length ?? 0} ${direction} rules matches`,
  }
}

function ruleMatches(
  world: PolicyWorld,
  rule: CalicoRule,
  namespace: string | undefined,
  connection: Connection,
): boolean {
  const { from, to, port, protocol } = connection
  if (rule.protocol !== undefined && !isProtocol(rule.protocol, protocol)) return false
  return (
    sideMatches(world, rule.source, namespace, from, undefined) &&
    sideMatches(world, rule.destination, namespace, to, port)
  )
}

const numbers: Record<string, number> = { TCP: 6, UDP: 17, SCTP: 132 }
const isProtocol = (wanted: string | number, protocol: string) =>
  typeof wanted === 'number' ? wanted === numbers[protocol] : wanted.toUpperCase() === protocol

/** @param port undefined: of the source, which is any */
function sideMatches(
  world: PolicyWorld,
  side: RuleSide | undefined,
  namespace: string | undefined,
  end: End,
  port: number | undefined,
): boolean {
  if (!side) return true
  const { ip, pod } = end
  if (side.nets?.length && !(ip && side.nets.some(net => cidrContains(net, ip)))) return false
  if (ip && side.notNets?.some(net => cidrContains(net, ip))) return false
  if (side.selector || side.notSelector || side.namespaceSelector) {
    if (!pod || pod.spec.hostNetwork) return false
    if (side.selector && !parseCalicoSelector(side.selector).matches(labelsOf(pod))) return false
    if (side.notSelector && parseCalicoSelector(side.notSelector).matches(labelsOf(pod))) return false
    if (side.namespaceSelector) {
      if (!parseCalicoSelector(side.namespaceSelector).matches(withName(world, pod))) return false
    } else if (namespace && pod.metadata.namespace !== namespace) return false
  }
  if (port === undefined) return true
  if (side.ports?.length && !side.ports.some(wanted => isPort(wanted, port, pod))) return false
  return !side.notPorts?.some(wanted => isPort(wanted, port, pod))
}

function isPort(wanted: number | string, port: number, pod: Pod | undefined): boolean {
  const [, from, to] = /^(\d+)(?::(\d+))?$/.exec(String(wanted)) ?? []
  if (from) return port >= Number(from) && port <= Number(to ?? from)
  const ports = (pod?.spec.containers ?? []).flatMap(container => container.ports ?? [])
  return ports.some(p => p.name === wanted && p.containerPort === port)
}

/** What Calico adds to the labels of a pod. */
function labelsOf({ metadata, spec }: Pod): Record<string, string> {
  return {
    ...metadata.labels,
    'projectcalico.org/namespace': metadata.namespace!,
    'projectcalico.org/orchestrator': 'k8s',
    'projectcalico.org/serviceaccount': spec.serviceAccountName ?? 'default',
  }
}

const withName = (world: PolicyWorld, pod: Pod) => ({
  ...namespaceLabels(world, pod),
  'projectcalico.org/name': pod.metadata.namespace!,
})
const orderOf = (order: number | undefined) => order ?? Number.POSITIVE_INFINITY
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
