import { silentLogger } from '../../base/logger.ts'
import { seededRandom } from '../../base/random.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { inProcessTransport } from '../in-process-transport.ts'
import { createInformers } from '../informer-set.ts'
import { createClient } from '../typed-client.ts'
import { createFakeApi } from './fake-api.ts'

export { createFakeApi, type FakeApi } from './fake-api.ts'

/** A fake API with a client, informers and a clock that stands still. */
export function createBench() {
  const api = createFakeApi()
  const clock = new VirtualClock()
  const random = seededRandom(1)
  const client = createClient(inProcessTransport(api.handler, { username: 'test', groups: ['system:masters'] }))
  const informers = createInformers({ client, clock, random, log: silentLogger, freeze: true })
  return { api, clock, random, client, informers, log: silentLogger }
}
