import { cidrContains } from '../../../base/ip.ts'
import { holds } from '../../../models/conditions.ts'
import type { Node, Pod } from '../../../models/types/core-v1.ts'
import { troubleOf } from '../install/waits.ts'
import { findLeaks } from '../ipam/leaks.ts'
import { type CalicoObject, encapsulationText, nodeOf, poolOf, usedIn } from '../kinds/index.ts'
import type { IpPool } from '../kinds/ip-pool.ts'
import type { IpamBlock } from '../kinds/ipam-block.ts'
import { bgpProblems, type NodeBgp } from './bgp-sessions.ts'

export interface StatusInput {
  nodes: readonly Node[]
  pods: readonly Pod[]
  pools: readonly CalicoObject<IpPool>[]
  blocks: readonly CalicoObject<IpamBlock>[]
  /** Of the nodes that were asked. */
  bgp: ReadonlyMap<string, NodeBgp>
}

export interface NodeReport {
  node: string
  ready: boolean
  /** As Calico knows it: `10.0.0.1/24`. */
  address: string | undefined
  /** Of its VXLAN or IPIP interface. */
  tunnel: string | undefined
  blocks: string[]
  used: number
  /** Sessions with other routers; undefined where nobody asked. */
  bgp: NodeBgp | undefined
  /** In plain words; empty when all is well. */
  problems: string[]
}

const annotation = (node: Node, name: string) => node.metadata.annotations?.[`projectcalico.org/${name}`]

/** What is to be said about each node. Pure. */
export function nodeReports(input: StatusInput): NodeReport[] {
  const leaks = findLeaks(input.blocks, input.pods, new Set(input.nodes.map(n => n.metadata.name)))
  return input.nodes.map(node => {
    const name = node.metadata.name
    const blocks = input.blocks.filter(b => nodeOf(b.spec) === name)
    const own = blocks.map(b => b.spec.cidr)
    const pod = daemonPod(input.pods, name)
    const leaked = leaks.filter(leak => own.includes(leak.block))
    const problems = [
      ...programProblems(node, pod),
      ...annotationProblems(node, input.pools),
      ...addressProblems(input, name),
      ...bgpProblems(input.bgp.get(name)),
      ...(leaked.length ? [`${leaked.length} addresses are leaked: optiflow calico ipam release`] : []),
    ]
    return {
      node: name,
      ready: isReady(pod),
      address: annotation(node, 'IPv4Address'),
      tunnel: annotation(node, 'IPv4VXLANTunnelAddr') ?? annotation(node, 'IPv4IPIPTunnelAddr'),
      blocks: own,
      used: blocks.reduce((sum, b) => sum + usedIn(b.spec), 0),
      bgp: input.bgp.get(name),
      problems,
    }
  })
}

function daemonPod(pods: readonly Pod[], node: string): Pod | undefined {
  return pods.find(p => p.spec.nodeName === node && p.metadata.labels?.['k8s-app'] === 'calico-node')
}

/** Whether calico-node is there and works, so that it can be asked. Pure. */
export const calicoRunsOn = (pods: readonly Pod[], node: string): boolean => isReady(daemonPod(pods, node))

const isReady = (pod: Pod | undefined): boolean => holds(pod?.status?.conditions, 'Ready')

function programProblems(node: Node, pod: Pod | undefined): string[] {
  if (!pod) return ['calico-node does not run there: see "kubectl describe daemonset -n kube-system calico-node"']
  const unavailable = node.status?.conditions?.find(c => c.type === 'NetworkUnavailable' && c.status === 'True')
  return [
    ...(isReady(pod)
      ? []
      : [troubleOf(pod) ?? `calico-node is not ready: kubectl logs -n kube-system ${pod.metadata.name}`]),
    ...(unavailable ? [`its network is not available: ${unavailable.message ?? unavailable.reason ?? ''}`] : []),
  ]
}

function annotationProblems(node: Node, pools: readonly CalicoObject<IpPool>[]): string[] {
  const address = annotation(node, 'IPv4Address')
  const internal = node.status?.addresses?.find(a => a.type === 'InternalIP')?.address
  const found: string[] = []
  if (!address) found.push('Calico has not written its address: has calico-node started?')
  else if (internal && address.split('/')[0] !== internal)
    found.push(`Calico uses ${address}, the node is known by ${internal}: set IP_AUTODETECTION_METHOD`)
  const tunnelled = pools.filter(p => !p.spec.disabled && encapsulationText(p.spec).startsWith('VXLAN'))
  if (tunnelled.length && address && !annotation(node, 'IPv4VXLANTunnelAddr'))
    found.push(`it has no VXLAN address, although pool ${tunnelled[0]!.metadata.name} needs one`)
  return found
}

function addressProblems({ pods, pools, blocks }: StatusInput, node: string): string[] {
  const here = pods.filter(
    p => p.spec.nodeName === node && !p.spec.hostNetwork && p.status?.podIP && p.status.phase === 'Running',
  )
  return here.flatMap(({ metadata, status }) => {
    const name = `${metadata.namespace}/${metadata.name}`
    const ip = status!.podIP!
    if (!poolOf(pools, ip)) return [`pod ${name} has ${ip}, which is of no pool: make it anew`]
    const block = blocks.find(b => cidrContains(b.spec.cidr, ip))
    if (!block) return [`pod ${name} has ${ip}, which is in no block: make it anew`]
    return []
  })
}
