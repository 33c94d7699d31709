import { ApiError, badRequest, notFoundError } from '../../models/api-error.ts'
import { Pod, Service } from '../../models/kinds/index.ts'
import type { Core, ResourceCall } from '../core.ts'
import { nodeAddress } from '../nodes/find-node.ts'
import type { NodeAddress } from '../nodes/node-dialer.ts'
import { isProxyable } from '../outgoing/addresses.ts'
import { serviceEndpoint } from '../outgoing/service-endpoint.ts'

/** `https:web:8443` taken apart; what is not said is ''. */
export interface ProxyName {
  scheme: 'http' | 'https' | ''
  name: string
  /** Number or name. */
  port: string
}

/** Who is to be asked: an address, or the agent of a node, whose keys we know. */
export type ProxyTarget = { scheme: 'http' | 'https'; host: string; port: number } | { agent: NodeAddress }

/** `[scheme:]name[:port]` @throws ApiError BadRequest */
export function parseProxyName(text: string, kind: string): ProxyName {
  const parts = text.split(':')
  const [scheme, name, port] = parts.length === 3 ? parts : ['', ...parts, '']
  const known = scheme === '' || scheme === 'http' || scheme === 'https'
  if (parts.length > 3 || !known || !name) throw badRequest(`invalid ${kind} request ${JSON.stringify(text)}`)
  return { scheme, name, port: port ?? '' }
}

/** @throws ApiError BadRequest, NotFound, ServiceUnavailable */
export function proxyTarget({ core, resource, path }: ResourceCall): ProxyTarget {
  const { plural, kind } = resource.kind
  const wanted = parseProxyName(path.name!, kind.toLowerCase())
  if (plural === 'pods') return podTarget(core, path.namespace!, wanted)
  if (plural === 'services') return serviceTarget(core, path.namespace!, wanted)
  return nodeTarget(core, wanted)
}

function podTarget(core: Core, namespace: string, { scheme, name, port }: ProxyName): ProxyTarget {
  const kept = core.cache.get(core.resources.of(Pod), namespace, name)
  if (!kept) throw notFoundError(Pod, name)
  const { spec, status } = core.shared(kept) as any
  const host: string = status?.podIP ?? ''
  if (!host || !isProxyable(host)) throw badRequest('address not allowed')
  const ports: { name?: string; containerPort: number }[] = (spec.containers ?? []).flatMap((c: any) => c.ports ?? [])
  const secure = scheme || 'http'
  if (port === '') return { scheme: secure, host, port: ports[0]?.containerPort ?? (secure === 'https' ? 443 : 80) }
  const number = /^\d+$/.test(port) ? Number(port) : ports.find(p => p.name === port)?.containerPort
  return {
    scheme: secure,
    host,
    port: checkedPort(number, `pod ${JSON.stringify(name)} has no port ${JSON.stringify(port)}`),
  }
}

function serviceTarget(core: Core, namespace: string, { scheme, name, port }: ProxyName): ProxyTarget {
  const kept = core.cache.get(core.resources.of(Service), namespace, name)
  if (!kept) throw notFoundError(Service, name)
  const { spec } = core.shared(kept) as any
  if (spec?.type === 'ExternalName')
    throw new ApiError('ServiceUnavailable', `no endpoints available for service ${JSON.stringify(name)}`)
  const wanted = /^\d+$/.test(port) ? Number(port) : port || (spec?.ports?.[0]?.port as number | undefined)
  return { scheme: scheme || 'http', ...serviceEndpoint(core, namespace, name, wanted ?? '') }
}

/** The agent is asked with our own keys and verified; anything else of the node without them. */
function nodeTarget(core: Core, { scheme, name, port }: ProxyName): ProxyTarget {
  const agent = nodeAddress(core, name)
  if (port === '' || Number(port) === agent.port) return { agent }
  if (!isProxyable(agent.host)) throw badRequest('address not allowed')
  return {
    scheme: scheme || 'http',
    host: agent.host,
    port: checkedPort(Number(port), `invalid port ${JSON.stringify(port)}`),
  }
}

function checkedPort(port: number | undefined, why: string): number {
  if (port === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) throw badRequest(why)
  return port
}
