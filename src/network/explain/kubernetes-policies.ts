import { cidrContains } from '../../base/ip.ts'
import { selectorFrom } from '../../base/labels.ts'
import type { NetworkPolicy, Pod } from '../../models/kinds/index.ts'
import type { Direction } from '../../models/node-network.ts'
import type { NetworkPolicyPeer, NetworkPolicyPort } from '../../models/types/networking-v1.ts'
import { isolates } from '../policy/policy-rules.ts'
import { type Connection, type End, namespaceLabels, type PolicyVerdict, type PolicyWorld } from './connection.ts'

/** The policies that are about this end in this direction. Pure. */
export function policiesAbout(world: PolicyWorld, pod: Pod, direction: Direction): NetworkPolicy[] {
  return world.policies.filter(
    policy =>
      policy.metadata.namespace === pod.metadata.namespace &&
      isolates(policy, direction) &&
      selectorFrom(policy.spec.podSelector ?? {}).matches(pod.metadata.labels ?? {}),
  )
}

/** What one NetworkPolicy says of a connection: it allows or is silent. Pure. */
export function judge(
  world: PolicyWorld,
  policy: NetworkPolicy,
  connection: Connection,
  direction: Direction,
): PolicyVerdict {
  const name = `NetworkPolicy ${policy.metadata.namespace}/${policy.metadata.name}`
  const rules =
    direction === 'ingress'
      ? (policy.spec.ingress ?? []).map(rule => ({ peers: rule.from ?? [], ports: rule.ports ?? [] }))
      : (policy.spec.egress ?? []).map(rule => ({ peers: rule.to ?? [], ports: rule.ports ?? [] }))
  if (!rules.length)
    return { policy: name, verdict: 'does not match', detail: `it has no ${direction} rule, so it allows nothing` }
  const misses: string[] = []
  for (const [i, { peers, ports }] of rules.entries()) {
    const rule = `${direction}[${i}]`
    const miss = peerMiss(world, policy, peers, otherEnd(connection, direction)) ?? portMiss(ports, connection)
    if (miss === undefined) return { policy: name, verdict: 'allows', rule, detail: ruleText(peers, ports, direction) }
    misses.push(`${rule}: ${miss}`)
  }
  return { policy: name, verdict: 'does not match', detail: misses.join('; ') }
}

const otherEnd = (connection: Connection, direction: Direction): End =>
  direction === 'ingress' ? connection.from : connection.to

/** Why none of the peers is the other end; undefined: one is, or all are meant. */
function peerMiss(
  world: PolicyWorld,
  policy: NetworkPolicy,
  peers: readonly NetworkPolicyPeer[],
  other: End,
): string | undefined {
  if (!peers.length || peers.some(peer => isPeer(world, policy, peer, other))) return undefined
  return `${other.name} is none of its peers (${peers.map(peerText).join(' or ')})`
}

function isPeer(world: PolicyWorld, policy: NetworkPolicy, peer: NetworkPolicyPeer, { pod, ip }: End): boolean {
  if (peer.ipBlock) {
    const { cidr, except = [] } = peer.ipBlock
    return !!ip && cidrContains(cidr, ip) && !except.some(block => cidrContains(block, ip))
  }
  if (!pod || pod.spec.hostNetwork) return false
  const inNamespace = peer.namespaceSelector
    ? selectorFrom(peer.namespaceSelector).matches(namespaceLabels(world, pod))
    : pod.metadata.namespace === policy.metadata.namespace
  return inNamespace && selectorFrom(peer.podSelector ?? {}).matches(pod.metadata.labels ?? {})
}

function portMiss(ports: readonly NetworkPolicyPort[], { to, port, protocol }: Connection): string | undefined {
  if (!ports.length) return undefined
  const fits = ports.some(wanted => {
    if ((wanted.protocol ?? 'TCP') !== protocol) return false
    if (wanted.port === undefined) return true
    if (typeof wanted.port === 'string') return namedPort(to.pod, wanted.port, protocol) === port
    return port >= wanted.port && port <= (wanted.endPort ?? wanted.port)
  })
  return fits ? undefined : `${port}/${protocol} is none of its ports (${ports.map(portText).join(', ')})`
}

function namedPort(pod: Pod | undefined, name: string, protocol: string): number | undefined {
  const ports = (pod?.spec.containers ?? []).flatMap(container => container.ports ?? [])
  return ports.find(p => p.name === name && (p.protocol ?? 'TCP') === protocol)?.containerPort
}

function ruleText(
  peers: readonly NetworkPolicyPeer[],
  ports: readonly NetworkPolicyPort[],
  direction: Direction,
): string {
  const who = peers.length ? peers.map(peerText).join(' or ') : 'anybody'
  const where = ports.length ? ports.map(portText).join(', ') : 'any port'
  return `${direction === 'ingress' ? 'from' : 'to'} ${who} at ${where}`
}

function peerText({ ipBlock, podSelector, namespaceSelector }: NetworkPolicyPeer): string {
  if (ipBlock) return ipBlock.except?.length ? `${ipBlock.cidr} without ${ipBlock.except.join(', ')}` : ipBlock.cidr
  const pods = podSelector ? `pods ${selectorText(podSelector)}` : 'all pods'
  return namespaceSelector ? `${pods} of namespaces ${selectorText(namespaceSelector)}` : `${pods} of its namespace`
}

type LabelSelector = Parameters<typeof selectorFrom>[0]

function selectorText(selector: LabelSelector): string {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {}
  const parts = [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) =>
      [key, operator, values.length ? `(${values.join(',')})` : ''].join(' ').trim(),
    ),
  ]
  return parts.length ? parts.join(',') : '(any)'
}

const portText = ({ port, endPort, protocol }: NetworkPolicyPort): string =>
  `${port ?? 'any'}${endPort ? `-${endPort}` : ''}/${protocol ?? 'TCP'}`
