import type { Client } from '../../../client/index.ts'
import { EndpointSlice } from '../../../models/kinds/index.ts'
import { BadManifest } from './manifest.ts'

/** Where nodes reach the API before there are Services. @throws BadManifest when nobody knows */
export async function apiEndpoint(client: Client): Promise<{ host: string; port: number }> {
  const slice = await client.get(EndpointSlice, { namespace: 'default', name: 'kubernetes' })
  const host = slice.endpoints?.[0]?.addresses[0]
  const port = slice.ports?.[0]?.port
  if (!host || !port)
    throw new BadManifest('the Service kubernetes has no endpoint: nodes could not reach the API', {
      hint: 'Say where with --api-server HOST:PORT.',
    })
  return { host, port }
}
