import { plainAddress } from '../base/ip.ts'
import type { Pod } from './kinds/index.ts'

/** A port of a node that leads to one of its pods. */
export interface HostPort {
  protocol: 'TCP' | 'UDP' | 'SCTP'
  /** At which address of the node; '' for all. */
  hostIp: string
  hostPort: number
  containerPort: number
}

/** None on the node's own network: there a pod listens itself. */
export function hostPortsOf({ spec }: Pod): HostPort[] {
  if (spec.hostNetwork) return []
  return [...(spec.initContainers ?? []), ...spec.containers].flatMap(({ ports = [] }) =>
    ports.flatMap(({ protocol = 'TCP', hostIP = '', hostPort, containerPort }) =>
      hostPort
        ? [{ protocol: protocol as HostPort['protocol'], hostIp: plainAddress(hostIP), hostPort, containerPort }]
        : [],
    ),
  )
}

/** Leads a pod's ports of the node to these addresses of it. Resolves when the kernel does so. */
export type OpenHostPorts = (pod: Pod, podIps: readonly string[]) => Promise<void>
