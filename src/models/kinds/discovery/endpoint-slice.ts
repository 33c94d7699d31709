import { sameMeaning } from '../../../base/equality.ts'
import { defineKind } from '../../kind.ts'
import type * as discovery from '../../types/discovery-v1.ts'
import { firstFew, text } from '../columns.ts'
import { validateEndpointSlice } from './endpoint-slice-validation.ts'

export type EndpointSlice = discovery.EndpointSlice

/** Of the version before this one: its zone has a field of its own now, and nothing else is kept. */
function dropTopology({ endpoints }: discovery.EndpointSlice): void {
  for (const endpoint of endpoints ?? []) delete endpoint.deprecatedTopology
}

export const EndpointSlice = defineKind<discovery.EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  scope: 'Namespaced',
  schema: 'discovery/v1.EndpointSlice',
  unconditionalUpdate: true,
  columns: [
    text('AddressType', slice => slice.addressType),
    text('Ports', slice => firstFew((slice.ports ?? []).map(p => String(p.port ?? p.name ?? '*'))) || '<unset>'),
    text('Endpoints', slice => firstFew((slice.endpoints ?? []).flatMap(e => e.addresses)) || '<unset>'),
  ],
  defaults: slice => {
    for (const port of slice.ports ?? []) {
      port.name ??= ''
      port.protocol ??= 'TCP'
    }
  },
  generationChanged: (next, previous) =>
    !sameMeaning({ ...next, metadata: next.metadata.labels }, { ...previous, metadata: previous.metadata.labels }),
  prepareCreate: dropTopology,
  prepareUpdate: dropTopology,
  validate: validateEndpointSlice,
  warnings: (slice, previous) =>
    !previous && slice.addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : [],
})
