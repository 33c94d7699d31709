import { createApiServer } from '../../../src/apiserver/index.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { systemRandom } from '../../../src/base/random.ts'
import {
  type Client,
  createClient,
  createInformers,
  type InformerSet,
  inProcessTransport,
} from '../../../src/client/index.ts'
import { openMemoryStore } from '../../../src/db/index.ts'
import { EndpointSlice, Service } from '../../../src/models/kinds/index.ts'
import { inFlight } from '../../support/statistics.ts'
import { sliceOf } from './services.ts'

export const outside = { clock: systemClock, random: systemRandom, log: silentLogger }

export interface ControlPlane extends AsyncDisposable {
  client: Client
  informers: InformerSet
}

/** An API server on a store in memory, with so many Services of one endpoint. */
export async function openControlPlane(services: number): Promise<ControlPlane> {
  const store = await openMemoryStore()
  const api = await createApiServer({ store, ...outside })
  const client = createClient(
    inProcessTransport(api.handler, { username: 'admin', groups: ['system:masters', 'system:authenticated'] }),
  )
  const add = async (i: number) => {
    await client.create(Service, {
      metadata: { namespace: 'default', name: `s${i}` },
      spec: { ports: [{ port: 80, protocol: 'TCP' }] },
    })
    await client.create(EndpointSlice, sliceOf(i, [`10.250.${i >> 8}.${i & 255}`]))
  }
  await inFlight(50, services, add)
  const informers = createInformers({ client, ...outside })
  return {
    client,
    informers,
    async [Symbol.asyncDispose]() {
      await informers[Symbol.asyncDispose]()
      await api.close()
      await store[Symbol.asyncDispose]()
    },
  }
}
