import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ApiServer, createApiServer } from '../apiserver/index.ts'
import { createAuthority, issueCertificate } from '../base/certificates.ts'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemRandom } from '../base/random.ts'
import { openMemoryStore, type Store } from '../db/index.ts'
import { isAlreadyExists, isConflict } from '../models/api-error.ts'
import { ConfigMap, Event, Lease } from '../models/kinds/index.ts'
import type { Client } from './client.ts'
import { createEventRecorder } from './event-recorder.ts'
import { httpTransport } from './http-transport.ts'
import { inProcessTransport } from './in-process-transport.ts'
import { createInformers } from './informer-set.ts'
import { createLeaderElection } from './leader-election.ts'
import { createReconcilerRunner } from './reconciler-runner.ts'
import type { Transport } from './transport.ts'
import { createClient } from './typed-client.ts'

const clock = systemClock
const random = systemRandom
const log = silentLogger
let store: Store
let server: ApiServer
let secure: Transport

beforeAll(async () => {
  store = await openMemoryStore()
  server = await createApiServer({ store, clock, random, log })
  const ca = await createAuthority('test-ca', clock)
  const own = await issueCertificate(ca, { commonName: 'api', ips: ['127.0.0.1'], usages: ['server'] }, clock)
  const subject = { commonName: 'admin', organizations: ['system:masters'] }
  const admin = await issueCertificate(ca, { ...subject, usages: ['client'] }, clock)
  const { url } = await server.listen({ host: '127.0.0.1', port: 0, tls: { ...own, clientCa: ca.cert } })
  secure = httpTransport({ server: url, ca: ca.cert, ...admin })
})

afterAll(async () => {
  await secure[Symbol.asyncDispose]()
  await server.close()
  await store[Symbol.asyncDispose]()
})

const transports: Record<string, () => Transport> = {
  'in process': () => inProcessTransport(server.handler, { username: 'admin', groups: ['system:masters'] }),
  'over TLS with a client certificate': () => secure,
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise(resolve => setTimeout(resolve, 10))
  expect(holds()).toBe(true)
}

describe.each(Object.keys(transports))('the client %s', name => {
  const namespace = 'default'
  const prefix = name.slice(0, 2)
  let client: Client
  beforeAll(() => {
    client = createClient(transports[name]!())
  })

  test('creates, reads, updates optimistically, patches and deletes', async () => {
    const key = { namespace, name: `${prefix}-map` }
    const made = await client.create(ConfigMap, { metadata: key, data: { a: '1' } })
    await expect(client.create(ConfigMap, { metadata: key })).rejects.toSatisfy(isAlreadyExists)
    await client.update(ConfigMap, { ...made, data: { a: '2' } })
    await expect(client.update(ConfigMap, { ...made, data: { a: '3' } })).rejects.toSatisfy(isConflict)
    const patched = await client.patch(ConfigMap, key, { type: 'merge', body: { data: { b: 'ü' } } })
    expect(patched).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '2', b: 'ü' } })
    const { items } = await client.list(ConfigMap, { namespace, fieldSelector: `metadata.name=${key.name}` })
    expect(items).toEqual([patched])
    await client.delete(ConfigMap, key)
    await expect(client.get(ConfigMap, key)).rejects.toMatchObject({ reason: 'NotFound' })
  })

  test('an informer follows what happens, and a reconciler makes what it should', async () => {
    const informers = createInformers({ client, clock, random, log, freeze: true })
    const runner = createReconcilerRunner({
      client,
      informers,
      clock,
      random,
      log,
      strict: true,
      reconcilers: [
        {
          name: 'echo',
          primary: ConfigMap,
          writes: [{ kind: ConfigMap, part: 'owned' }],
          async reconcile(key, { cache, client }) {
            const map = cache.get(ConfigMap, key)
            if (!map?.data?.['say'] || map.data['said'] === map.data['say']) return
            await client.update(ConfigMap, { ...map, data: { ...map.data, said: map.data['say'] } })
          },
        },
      ],
    })
    await runner.start()
    const key = { namespace, name: `${prefix}-echo` }
    await client.create(ConfigMap, { metadata: key, data: { say: 'one' } })
    const said = () => informers.for(ConfigMap).get(key)?.data?.['said']
    await eventually(() => said() === 'one')
    await client.patch(ConfigMap, key, { type: 'merge', body: { data: { say: 'two' } } })
    await eventually(() => said() === 'two')
    await client.delete(ConfigMap, key)
    await eventually(() => informers.for(ConfigMap).get(key) === undefined)
    await runner.stop()
    await informers[Symbol.asyncDispose]()
  })

  test('records events that the server takes', async () => {
    const about = await client.create(ConfigMap, { metadata: { namespace, name: `${prefix}-subject` } })
    const events = createEventRecorder({ client, clock, random, log, component: 'test' })
    for (let i = 0; i < 3; i++) {
      events.warning(about, 'Odd', 'something is odd')
      await events.flush()
    }
    const fieldSelector = `involvedObject.name=${about.metadata.name}`
    const { items } = await client.list(Event, { namespace, fieldSelector })
    expect(items.map(e => [e.reason, e.count])).toEqual([['Odd', 3]])
  })

  test('elects a leader by a Lease', async () => {
    const stop = new AbortController()
    const election = createLeaderElection({
      client,
      clock,
      random,
      log,
      name: `${prefix}-lead`,
      namespace,
      identity: 'me',
    })
    let token = 0
    const running = election.run(async ({ signal, fencingToken }) => {
      token = fencingToken
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
    }, stop.signal)
    await eventually(() => token === 1)
    stop.abort()
    await running
    const lease = await client.get(Lease, { namespace, name: `${prefix}-lead` })
    expect(lease.spec).toMatchObject({ holderIdentity: '', leaseTransitions: 1 })
  })
})
