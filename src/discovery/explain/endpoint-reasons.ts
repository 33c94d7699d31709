import type { EndpointSlice, Pod, Service } from '../../models/kinds/index.ts'
import type { ServicePort } from '../../models/types/core-v1.ts'
import type { Endpoint } from '../../models/types/discovery-v1.ts'
import { chooseEndpoints, isOf, type Viewpoint } from '../endpoint-choice.ts'

/** An address behind a Service. */
export interface ExplainedEndpoint {
  /** `pod shop/db-1`, or the address. */
  name: string
  ip: string
  port: number | undefined
  node: string | undefined
  pod?: Pod
  /** It gets connections from there. */
  used: boolean
  /** Why it does not. */
  why?: string
}

/** All addresses behind one port of a Service in order, and why some get no connections from there. Pure. */
export function explainEndpoints(
  from: Viewpoint,
  service: Service,
  slices: readonly EndpointSlice[],
  port: ServicePort,
  pods: readonly Pod[],
): ExplainedEndpoint[] {
  const choice = chooseEndpoints(from, slices, port)
  const onlyHere = service.spec.internalTrafficPolicy === 'Local'
  const used = new Set((onlyHere ? choice.local : choice.cluster).map(e => e.ip))
  const found = new Map<string, ExplainedEndpoint>()
  for (const slice of slices) {
    const number = slice.ports?.find(
      p => (p.name ?? '') === (port.name ?? '') && (p.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    )?.port
    for (const endpoint of slice.endpoints ?? [])
      for (const ip of endpoint.addresses.filter(address => isOf(from.family ?? 'ip', address))) {
        const pod = podOf(endpoint, service, pods)
        const name = pod ? `pod ${pod.metadata.namespace}/${pod.metadata.name}` : ip
        const what = { name, ip, port: number, node: endpoint.nodeName, ...(pod ? { pod } : {}) }
        if (number && used.has(ip)) found.set(ip, { ...what, used: true })
        else if (!found.has(ip)) found.set(ip, { ...what, used: false, why: reason(endpoint, number) })
      }
  }
  return [...found.values()].sort((a, b) => (a.ip < b.ip ? -1 : 1))

  function reason({ conditions = {}, nodeName, hints }: Endpoint, number: number | undefined): string {
    if (!number) return `it has no port ${port.targetPort ?? port.port}/${port.protocol ?? 'TCP'}`
    if (conditions.terminating && !conditions.serving) return 'it ends, and is not ready'
    if (conditions.ready === false) return conditions.serving ? 'it ends, and others are ready' : 'it is not ready'
    if (onlyHere && nodeName !== from.nodeName)
      return `it is on ${nodeName ?? 'no node'}, and internalTrafficPolicy is Local`
    return `it is meant for ${(hints?.forZones ?? []).map(z => `zone ${z.name}`).join(', ')}`
  }
}

function podOf({ targetRef }: Endpoint, { metadata }: Service, pods: readonly Pod[]): Pod | undefined {
  if (targetRef?.kind !== 'Pod') return undefined
  return pods.find(
    pod =>
      pod.metadata.name === targetRef.name && pod.metadata.namespace === (targetRef.namespace ?? metadata.namespace),
  )
}
