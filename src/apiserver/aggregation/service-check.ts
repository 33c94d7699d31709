import { EndpointSlice, Endpoints, Service } from '../../models/kinds/index.ts'
import type { APIServiceCondition } from '../../models/types/apiregistration-v1.ts'
import { serviceNameLabel } from '../../models/usable-endpoints.ts'
import { type Lookup, readyAddresses } from '../outgoing/service-endpoint.ts'
import type { RemoteVersion } from './remote-versions.ts'

export type Condition = Omit<APIServiceCondition, 'lastTransitionTime'>

const unavailable = (reason: string, message: string): Condition => ({
  ...{ type: 'Available', status: 'False', reason, message },
})

export const passed: Condition = {
  ...{ type: 'Available', status: 'True', reason: 'Passed', message: 'all checks passed' },
}

export const failedDiscovery = (url: string, why: string): Condition =>
  unavailable('FailedDiscoveryCheck', `failing or missing response from ${url}: ${why}`)

/** What the Service of a version lacks before anybody can be asked, with the reasons that Kubernetes gives; undefined: nothing. */
export function missingService(core: Lookup, { destination }: RemoteVersion): Condition | undefined {
  const { namespace, name, port } = destination.service
  const where = `service/${name} in ${JSON.stringify(namespace)}`
  const kept = core.cache.get(core.resources.of(Service), namespace, name)
  if (!kept) return unavailable('ServiceNotFound', `${where} is not present`)
  const spec: Service['spec'] = core.shared(kept)['spec'] ?? {}
  if (spec?.type === 'ExternalName') return undefined
  const chosen = spec?.ports?.find(p => p.port === port)
  if (!chosen) return unavailable('ServicePortError', `${where} is not listening on port ${port}`)
  if (!hasEndpoints(core, namespace, name))
    return unavailable('EndpointsNotFound', `cannot find endpoints for ${where}`)
  if (readyAddresses(core, namespace, name, chosen.name ?? '').length) return undefined
  return unavailable(
    'MissingEndpoints',
    `endpoints for ${where} have no addresses with port name ${JSON.stringify(chosen.name ?? '')}`,
  )
}

function hasEndpoints({ cache, resources }: Lookup, namespace: string, name: string): boolean {
  if (cache.get(resources.of(Endpoints), namespace, name)) return true
  const slices = resources.of(EndpointSlice)
  return cache
    .bucket(slices)
    .list(namespace)
    .some(kept => kept.facts(slices.stored).labels?.[serviceNameLabel] === name)
}
