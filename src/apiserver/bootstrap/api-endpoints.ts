import { ApiError } from '../../models/api-error.ts'
import { EndpointSlice, Endpoints } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { serviceNameLabel } from '../../models/usable-endpoints.ts'
import type { Core } from '../core.ts'
import { type Draft, put, remove } from './ensure.ts'

/** Where one API server listens. */
export interface ServerAddress {
  ip: string
  port: number
}

const namespace = 'default'
const service = 'kubernetes'

/**
 * Makes these the endpoints of the `kubernetes` Service, and no others. Of addresses that endpoints cannot have, such as those of the
 * loopback, the log says so: such a server serves all the same, only pods do not find it by that name.
 */
export async function publishAddresses(core: Core, servers: readonly ServerAddress[]): Promise<void> {
  try {
    await publish(core, servers)
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'Invalid') throw error
    core.log.error(
      { error: error.message },
      'the endpoints of Service default/kubernetes are invalid: advertise another address',
    )
  }
}

async function publish(core: Core, servers: readonly ServerAddress[]): Promise<void> {
  const groups = byPort(servers)
  await put(core, Endpoints, {
    metadata: metadata(service, { 'endpointslice.kubernetes.io/skip-mirror': 'true' }),
    subsets: groups.map(({ ips, port }) => ({ addresses: ips.map(ip => ({ ip })), ports: portsOf(port) })),
  })
  const slices = groups.map(({ ips, port }, i) => slice(i === 0 ? service : `${service}-${port}`, ips, port))
  for (const draft of slices) await put(core, EndpointSlice, draft)
  const names = new Set(slices.map(s => s['metadata'].name))
  for (const { name } of core.cache.bucket(core.resources.of(EndpointSlice)).list(namespace))
    if (name.startsWith(`${service}-`) && !names.has(name) && isOurs(core, name))
      await remove(core, EndpointSlice, namespace, name)
}

/** A slice has one set of ports, so servers that listen elsewhere get another slice; the lowest port has the known name. */
function byPort(servers: readonly ServerAddress[]): { port: number; ips: string[] }[] {
  const groups = new Map<number, Set<string>>()
  for (const { ip, port } of servers) groups.set(port, (groups.get(port) ?? new Set()).add(ip))
  return [...groups].sort(([a], [b]) => a - b).map(([port, ips]) => ({ port, ips: [...ips].sort() }))
}

function slice(name: string, ips: string[], port: number): Draft {
  return {
    metadata: metadata(name, { [serviceNameLabel]: service }),
    addressType: 'IPv4',
    endpoints: ips.map(ip => ({ addresses: [ip], conditions: { ready: true } })),
    ports: portsOf(port),
  }
}

function isOurs(core: Core, name: string): boolean {
  const kept = core.cache.get(core.resources.of(EndpointSlice), namespace, name)
  return kept !== undefined && core.shared(kept).metadata.labels?.[serviceNameLabel] === service
}

function metadata(name: string, labels: Record<string, string>): AnyObject['metadata'] {
  return { name, namespace, labels } as unknown as AnyObject['metadata']
}

const portsOf = (port: number) => [{ name: 'https', port, protocol: 'TCP' }]
