import { createHash } from 'node:crypto'
import { plainAddress } from '../../base/ip.ts'
import type { NftFamily } from '../../base/nft-table.ts'
import type { Namespace, NetworkPolicy, Pod } from '../../models/kinds/index.ts'
import type { Direction } from '../../models/node-network.ts'
import type { NetworkPolicyPeer, NetworkPolicyPort } from '../../models/types/networking-v1.ts'
import { counterOf, type PolicyTable, withoutPolicies } from './counted-rules.ts'
import { PodFinder, type PolicyPod, policyPods } from './policy-pods.ts'

export interface PolicyInput {
  policies: readonly NetworkPolicy[]
  namespaces: readonly Namespace[]
  /** Of all nodes: who may be a peer. */
  pods: readonly Pod[]
  nodeName: string
  /** The pods of this node: `10.244.1.0/24`. Its family is that of the rules. */
  podCidr: string
}

/** One rule of a policy in the form that both directions share: ports, and the other side of the connection. */
interface PeerRule {
  peers: readonly NetworkPolicyPeer[]
  ports: readonly NetworkPolicyPort[]
}

/**
 * The wanted nftables state of one node. No policy anywhere: an empty table, which costs nothing. Otherwise a new
 * connection of a local pod is looked up by the pod's address, first as its source, then as its destination; the chain it
 * finds returns for what some policy of that pod allows and drops the rest. Pods that the same policies select share a
 * chain. A pod of this node that is not known yet neither sends nor gets anything: no open window at its start. What the
 * node itself sends to its pods (probes) is never filtered. Pure.
 * @see https://kubernetes.io/docs/concepts/services-networking/network-policies/
 */
export function planPolicyRules(input: PolicyInput): PolicyTable {
  if (input.policies.length === 0) return withoutPolicies()
  return new Plan(input).table()
}

class Plan {
  readonly #input: PolicyInput
  readonly #pods: PolicyPod[]
  readonly #finder: PodFinder
  readonly #out = withoutPolicies()
  readonly #family: NftFamily
  readonly #type: string

  constructor(input: PolicyInput) {
    this.#input = input
    this.#family = input.podCidr.includes(':') ? 'ip6' : 'ip'
    this.#type = this.#family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'
    this.#pods = policyPods(input.pods, input.nodeName, this.#family)
    this.#finder = new PodFinder(this.#pods, input.namespaces)
  }

  table(): PolicyTable {
    const family = this.#family
    const type = this.#type
    const local = this.#pods.filter(pod => pod.local).map(pod => pod.ip)
    const { sets, maps, chains } = this.#out
    sets.set('local', { type, elements: new Set(local) })
    sets.set('self', { type: `${type} . ${type}`, elements: new Set(local.map(ip => `${ip} . ${ip}`)) })
    for (const direction of ['egress', 'ingress'] as const)
      maps.set(direction, { type: `type ${type} : verdict`, elements: this.#verdicts(direction) })
    const { podCidr } = this.#input
    chains.set('forward', {
      hook: 'type filter hook forward priority filter; policy accept;',
      rules: [
        'ct state established,related accept',
        // Neighbours on a bridge must find each other, whoever may talk to whom.
        ...(family === 'ip6' ? ['icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept'] : []),
        `${family} saddr . ${family} daddr @self accept`,
        `${family} saddr ${podCidr} ${family} saddr != @local drop`,
        `${family} daddr ${podCidr} ${family} daddr != @local drop`,
        `${family} saddr vmap @egress`,
        `${family} daddr vmap @ingress`,
      ],
    })
    return this.#out
  }

  /** The chain that decides for each local pod that some policy isolates. */
  #verdicts(direction: Direction): Map<string, string> {
    const policiesOf = new Map<PolicyPod, NetworkPolicy[]>()
    for (const policy of this.#input.policies) {
      if (!isolates(policy, direction)) continue
      for (const pod of this.#finder.selected(policy)) {
        if (!pod.local) continue
        const list = policiesOf.get(pod)
        if (list) list.push(policy)
        else policiesOf.set(pod, [policy])
      }
    }
    return new Map([...policiesOf].map(([pod, policies]) => [pod.ip, `jump ${this.#chainOf(direction, policies)}`]))
  }

  #chainOf(direction: Direction, policies: NetworkPolicy[]): string {
    const names = policies.map(nameOf).sort()
    const id = `${direction}-${digest(names.join())}`
    if (!this.#out.chains.has(id)) {
      // Of policies that allow the same the first one counts it.
      const counters = new Map<string, string>()
      for (const policy of policies)
        for (const [i, conditions] of this.#rulesOf(policy, direction).entries())
          for (const match of conditions)
            if (!counters.has(match)) counters.set(match, this.#counter(direction, [policy], i))
      const rules = [...counters].map(([match, counter]) => join(match, `counter name ${counter}`, 'return'))
      this.#out.chains.set(id, { rules: [...rules, `counter name ${this.#counter(direction, policies)} drop`] })
    }
    return id
  }

  /** @param rule undefined: what none of the policies allows */
  #counter(direction: Direction, policies: readonly NetworkPolicy[], rule?: number): string {
    const counted = { direction, policies: policies.map(nameOf), rule }
    const counter = counterOf(counted)
    this.#out.counters.add(counter)
    this.#out.counted.set(counter, counted)
    return counter
  }

  /** What each rule of a policy allows, as conditions on a packet; '' is everything. */
  #rulesOf(policy: NetworkPolicy, direction: Direction): string[][] {
    const { spec } = policy
    const rules: PeerRule[] =
      direction === 'ingress'
        ? (spec.ingress ?? []).map(rule => ({ peers: rule.from ?? [], ports: rule.ports ?? [] }))
        : (spec.egress ?? []).map(rule => ({ peers: rule.to ?? [], ports: rule.ports ?? [] }))
    return rules.map(rule => this.#conditions(policy, direction, rule))
  }

  #conditions(policy: NetworkPolicy, direction: Direction, { peers, ports }: PeerRule): string[] {
    const sides: (NetworkPolicyPeer | undefined)[] = peers.length ? [...peers] : [undefined]
    const wanted: (NetworkPolicyPort | undefined)[] = ports.length ? [...ports] : [undefined]
    return sides.flatMap(peer => {
      const side = this.#side(policy, direction, peer)
      if (side === undefined) return []
      return wanted.flatMap(port => {
        if (typeof port?.port !== 'string') return [join(side, portCondition(port))]
        return this.#namedPort(policy, direction, peer, { ...port, port: port.port }, side)
      })
    })
  }

  /** The condition on the other side's address; undefined where it can never hold (a block of the other family). */
  #side(policy: NetworkPolicy, direction: Direction, peer: NetworkPolicyPeer | undefined): string | undefined {
    if (!peer) return ''
    const address = `${this.#family} ${direction === 'ingress' ? 'saddr' : 'daddr'}`
    if (peer.ipBlock) {
      const { cidr, except = [] } = peer.ipBlock
      if (cidr.includes(':') !== (this.#family === 'ip6')) return undefined
      return [`${address} ${plainAddress(cidr)}`, ...except.map(e => `${address} != ${plainAddress(e)}`)].join(' ')
    }
    const namespace = policy.metadata.namespace!
    const id = `peers-${digest(JSON.stringify([namespace, peer]))}`
    const found = this.#finder.peers(peer, namespace)
    if (!this.#out.sets.has(id))
      this.#out.sets.set(id, { type: this.#type, elements: new Set(found.map(pod => pod.ip)) })
    return `${address} @${id}`
  }

  /** A port's number is the destination's own affair: a set of the destinations' addresses and numbers. */
  #namedPort(
    policy: NetworkPolicy,
    direction: Direction,
    peer: NetworkPolicyPeer | undefined,
    port: NetworkPolicyPort & { port: string },
    side: string,
  ): string[] {
    if (direction === 'egress' && peer?.ipBlock) return []
    const namespace = policy.metadata.namespace!
    const destinations =
      direction === 'ingress'
        ? this.#finder.selected(policy).filter(pod => pod.local)
        : peer
          ? this.#finder.peers(peer, namespace)
          : this.#finder.all()
    const protocol = (port.protocol ?? 'TCP').toLowerCase()
    const elements = new Set(
      destinations.flatMap(pod => {
        const named = pod.ports.get(port.port)
        return named?.protocol === protocol ? [`${pod.ip} . ${protocol} . ${named.port}`] : []
      }),
    )
    const target = direction === 'ingress' ? policy.spec.podSelector : (peer ?? 'all')
    const id = `ports-${digest(JSON.stringify([direction, namespace, target, port.port, protocol]))}`
    this.#out.sets.set(id, { type: `${this.#type} . inet_proto . inet_service`, elements })
    return [join(direction === 'ingress' ? side : '', `${this.#family} daddr . meta l4proto . th dport @${id}`)]
  }
}

/** Unless it says so, a policy isolates for ingress, and for egress if it has such rules. */
export function isolates({ spec }: NetworkPolicy, direction: Direction): boolean {
  const types = spec.policyTypes
  if (types?.length) return types.includes(direction === 'ingress' ? 'Ingress' : 'Egress')
  return direction === 'ingress' || (spec.egress?.length ?? 0) > 0
}

function portCondition(port: NetworkPolicyPort | undefined): string {
  if (!port) return ''
  const protocol = `meta l4proto ${(port.protocol ?? 'TCP').toLowerCase()}`
  if (port.port === undefined) return protocol
  return `${protocol} th dport ${port.port}${port.endPort && port.endPort !== port.port ? `-${port.endPort}` : ''}`
}

const nameOf = ({ metadata }: NetworkPolicy) => `${metadata.namespace}/${metadata.name}`

const join = (...parts: string[]) => parts.filter(Boolean).join(' ')

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)
