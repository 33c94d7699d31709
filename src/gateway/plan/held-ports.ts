import { poolCondition } from '../../models/address-pool.ts'
import { byAge } from '../../models/age.ts'
import { holds } from '../../models/conditions.ts'
import type { Pod, Service } from '../../models/kinds/index.ts'
import { servedIngress } from '../../models/load-balancer-ports.ts'
import { isUdpPlace, placeOfPort, portAt } from '../port-space.ts'

/** Who has a port of the gateway's machine, by its place (see port-space.ts), for something else, while there are these Services. */
export type PortTaken = (services: readonly Service[]) => (place: number) => string | undefined

/**
 * What Services have of the nodes' own addresses: the kernel leads packets for their ports on, and no listener of the gateway
 * ever sees them. Pure.
 * @param atNodes load balancers have the nodes' addresses, unless they say otherwise
 * @returns by the place of the port (see port-space.ts)
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
  const ports = (spec.ports ?? []).filter(({ protocol }) => protocol !== 'SCTP')
  const nodePorts = ports.flatMap(({ nodePort, protocol }) =>
    nodePort ? [{ port: placeOfPort(nodePort, protocol), as: 'the node port' }] : [],
  )
  const pooled = holds(status?.conditions, poolCondition)
  const balanced = atNodes && spec.type === 'LoadBalancer' && !spec.loadBalancerClass && !pooled
  if (!balanced) return nodePorts
  const served = ports.filter(port => servedIngress(service, port).length > 0)
  return [
    ...nodePorts,
    ...served.map(({ port, protocol }) => ({ port: placeOfPort(port, protocol), as: 'the load balancer' })),
  ]
}

export const hasHostPorts = ({ spec }: Pod): boolean =>
  spec.containers.some(({ ports }) => ports?.some(({ hostPort }) => hostPort))

/** Of the places of ports (see port-space.ts). */
export interface PortsAsked {
  /** Something is to be served there. */
  asked: Iterable<number>
  /** Those that the machine does not give, with the code of the error. */
  missing: ReadonlyMap<number, string>
  /** Of the machine. */
  pods: readonly Pod[]
  /** Whose a port is that packets never come to us by. */
  taken?: ((place: number) => string | undefined) | undefined
}

/** Whose the ports are that are asked for and do not come to the gateway. Pure. */
export function missingPorts({ asked, missing, pods, taken }: PortsAsked): ReadonlyMap<number, string> {
  const holders = pods.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed')
  const podWith = (place: number, onHost: boolean) =>
    holders.find(({ spec }) => (spec.hostNetwork ?? false) === onHost && hasHostPort(spec.containers, place))
  const found = new Map<number, string>()
  for (const place of asked) {
    // The kernel leads a host port to its pod, whoever listens there; on the host's network the first to listen has it.
    const code = missing.get(place)
    const other = taken?.(place)
    const pod = podWith(place, false) ?? (code && podWith(place, true))
    if (other) found.set(place, other)
    else if (pod) found.set(place, `the host port of Pod ${pod.metadata.namespace}/${pod.metadata.name}`)
    else if (code) found.set(place, strangerOf(code, isUdpPlace(place)))
  }
  return found
}

/** The code of an entrance that is held from the start, and not for what is asked for. */
export const heldForWeb = 'HELD'

function strangerOf(code: string, isUdp: boolean): string {
  switch (code) {
    case 'EADDRINUSE':
      return `another program of the machine (\`ss -l${isUdp ? 'u' : 't'}np\` says which)`
    case 'EACCES':
      return 'root, as whom the gateway does not run'
    case heldForWeb:
      return 'HTTP or HTTPS, for which --gateway holds it'
    default:
      return `somebody else (${code})`
  }
}

const hasHostPort = (containers: Pod['spec']['containers'], place: number) =>
  containers.some(({ ports }) =>
    ports?.some(
      ({ hostPort, hostIP = '', protocol = 'TCP' }) =>
        hostPort === portAt(place) && protocol === (isUdpPlace(place) ? 'UDP' : 'TCP') && !hostIP.startsWith('127.'),
    ),
  )
