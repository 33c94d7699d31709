import { poolCondition } from '../../models/address-pool.ts'
import { byAge } from '../../models/age.ts'
import { holds } from '../../models/conditions.ts'
import type { Pod, Service } from '../../models/kinds/index.ts'
import { servedIngress } from '../../models/load-balancer-ports.ts'

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
  for (const service of services.filter(hasPorts).toSorted(byAge))
    for (const { port, as } of portsOf(service, atNodes))
      if (!held.has(port)) held.set(port, `${as} of Service ${service.metadata.namespace}/${service.metadata.name}`)
  return held
}

const hasPorts = ({ spec: { type } }: Service) => type === 'NodePort' || type === 'LoadBalancer'

function portsOf(service: Service, atNodes: boolean): { port: number; as: string }[] {
  const { spec, status } = service
  const tcp = (spec.ports ?? []).filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP')
  const nodePorts = tcp.flatMap(({ nodePort }) => (nodePort ? [{ port: nodePort, as: 'the node port' }] : []))
  const pooled = holds(status?.conditions, poolCondition)
  const balanced = atNodes && spec.type === 'LoadBalancer' && !spec.loadBalancerClass && !pooled
  if (!balanced) return nodePorts
  const served = tcp.filter(port => servedIngress(service, port).length > 0)
  return [...nodePorts, ...served.map(({ port }) => ({ port, as: 'the load balancer' }))]
}

export const hasHostPorts = ({ spec }: Pod): boolean =>
  spec.containers.some(({ ports }) => ports?.some(({ hostPort }) => hostPort))

export interface PortsAsked {
  /** Something is to be served there. */
  asked: Iterable<number>
  /** Those that the machine does not give, with the code of the error. */
  missing: ReadonlyMap<number, string>
  /** Of the machine. */
  pods: readonly Pod[]
  /** Whose a port is that packets never come to us by. */
  taken?: ((port: number) => string | undefined) | undefined
}

/** Whose the ports are that are asked for and do not come to the gateway. Pure. */
export function missingPorts({ asked, missing, pods, taken }: PortsAsked): ReadonlyMap<number, string> {
  const holders = pods.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed')
  const podWith = (port: number, onHost: boolean) =>
    holders.find(({ spec }) => (spec.hostNetwork ?? false) === onHost && hasHostPort(spec.containers, port))
  const found = new Map<number, string>()
  for (const port of asked) {
    // The kernel leads a host port to its pod, whoever listens there; on the host's network the first to listen has it.
    const code = missing.get(port)
    const other = taken?.(port)
    const pod = podWith(port, false) ?? (code && podWith(port, true))
    if (other) found.set(port, other)
    else if (pod) found.set(port, `the host port of Pod ${pod.metadata.namespace}/${pod.metadata.name}`)
    else if (code) found.set(port, strangers[code] ?? `somebody else (${code})`)
  }
  return found
}

const strangers: Record<string, string> = {
  EADDRINUSE: 'another program of the machine (`ss -ltnp` says which)',
  EACCES: 'root, as whom the gateway does not run',
}

const hasHostPort = (containers: Pod['spec']['containers'], port: number) =>
  containers.some(({ ports }) =>
    ports?.some(
      ({ hostPort, hostIP = '', protocol = 'TCP' }) =>
        hostPort === port && protocol === 'TCP' && !hostIP.startsWith('127.'),
    ),
  )
