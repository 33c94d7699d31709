import type { Column } from '../../kind.ts'
import type { Service } from '../../types/core-v1.ts'
import { age, labelsCell, text } from '../columns.ts'

/** The addresses that a load balancer gave, sorted and without repeats; '' when there are none. */
export function ingressAddresses(status: { ingress?: { ip?: string; hostname?: string }[] } | undefined): string {
  const all = (status?.ingress ?? []).map(i => i.ip || i.hostname || '').filter(Boolean)
  return [...new Set(all)].sort().join(',')
}

function externalIP({ spec, status }: Service): string {
  const own = spec.externalIPs ?? []
  switch (spec.type) {
    case 'ExternalName':
      return spec.externalName ?? ''
    case 'LoadBalancer':
      return [ingressAddresses(status?.loadBalancer), ...own].filter(Boolean).join(',') || '<pending>'
    case 'ClusterIP':
    case 'NodePort':
      return own.join(',') || '<none>'
    default:
      return '<unknown>'
  }
}

function portsText({ spec }: Service): string {
  const ports = (spec.ports ?? []).map(p => `${p.port}${p.nodePort ? `:${p.nodePort}` : ''}/${p.protocol}`)
  return ports.join(',') || '<none>'
}

export const serviceColumns: Column<Service>[] = [
  text('Type', service => service.spec.type ?? ''),
  text('Cluster-IP', service => service.spec.clusterIPs?.[0] ?? '<none>'),
  text('External-IP', externalIP),
  text('Port(s)', portsText),
  age,
  text('Selector', service => labelsCell(service.spec.selector), 'wide'),
]
