import { poolCondition } from '../../models/address-pool.ts'
import { holds } from '../../models/conditions.ts'
import type { Service } from '../../models/kinds/index.ts'
import { byAge } from './backends.ts'

/** Who has a port of the gateway's machine for something else, while there are these Services. */
export type PortTaken = (services: readonly Service[]) => (port: number) => string | undefined

/**
 * What Services have of the nodes' own addresses: the kernel leads packets for their ports on, and no listener of the gateway
 * ever sees them. Pure.
 * @param atNodes load balancers have the nodes' addresses, unless they say otherwise
 */
export function portsOfServices(services: readonly Service[], atNodes: boolean): ReadonlyMap<number, string> {
  const held = new Map<number, string>()
  // Of thousands mostly a few: only these are put in order.
  for (const service of byAge(services.filter(hasPorts)))
    for (const { port, as } of portsOf(service, atNodes))
      if (!held.has(port)) held.set(port, `${as} of Service ${service.metadata.namespace}/${service.metadata.name}`)
  return held
}

const hasPorts = ({ spec: { type } }: Service) => type === 'NodePort' || type === 'LoadBalancer'

function portsOf({ spec, status }: Service, atNodes: boolean): { port: number; as: string }[] {
  const tcp = (spec.ports ?? []).filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP')
  const nodePorts = tcp.flatMap(({ nodePort }) => (nodePort ? [{ port: nodePort, as: 'the node port' }] : []))
  const pooled = holds(status?.conditions, poolCondition)
  const balanced = atNodes && spec.type === 'LoadBalancer' && !spec.loadBalancerClass && !pooled
  if (!balanced || !status?.loadBalancer?.ingress?.length) return nodePorts
  return [...nodePorts, ...tcp.map(({ port }) => ({ port, as: 'the load balancer' }))]
}
