import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { admin, startTestServer, type TestServer } from '../../apiserver/testing/test-server.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { systemRandom } from '../../base/random.ts'
import {
  type Client,
  createClient,
  createInformers,
  createReconcilerRunner,
  type InformerSet,
  inProcessTransport,
  type ReconcilerRunner,
} from '../../client/index.ts'
import { Event, Ingress, IngressClass, Secret } from '../../models/kinds/index.ts'
import { ensureDefinitions, gatewayDefinitions } from '../kinds/index.ts'
import { acmeAuthority } from './authority.ts'
import { certificateReconciler } from './certificate.ts'
import { challengeAnswers, challengeType } from './challenge-secret.ts'
import { AcmeServer } from './testing/acme-server.ts'

/** The system's, but nobody waits long, and the calendar can be moved. */
let aheadMs = 0
const clock: Clock = {
  now: () => systemClock.now() + aheadMs,
  monotonicMs: () => systemClock.monotonicMs(),
  schedule: (ms, task) => systemClock.schedule(ms > 100_000 ? ms : ms / 100, task),
}

let server: TestServer
let client: Client
let acme: AcmeServer
let informers: InformerSet
let runner: ReconcilerRunner
/** Names that lead to the gateway. */
const here = new Set<string>()

beforeAll(async () => {
  server = await startTestServer()
  client = createClient(inProcessTransport(server.api.handler, admin))
  await ensureDefinitions(client, gatewayDefinitions)
  await client.create(IngressClass, {
    metadata: { name: 'optiflow' },
    spec: { controller: 'optiflow.dev/gateway' },
  } as any)
  acme = await AcmeServer.open(clock, async (name, path) => {
    const { items } = await client.list(Secret, { fieldSelector: `type=${challengeType}` })
    return here.has(name) ? (challengeAnswers(items).get(path) ?? 'nothing') : 'somebody else'
  })
  await start()
})
afterAll(async () => {
  await stop()
  await acme[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(() => {
  acme.limited = undefined
  acme.asked.length = 0
})

async function start(): Promise<void> {
  const outside = { clock, random: systemRandom, log: silentLogger, client }
  informers = createInformers(outside)
  const settings = { directoryUrl: acme.directoryUrl, email: 'ops@example.com' }
  runner = createReconcilerRunner({
    ...{ ...outside, informers, strict: true },
    reconcilers: [certificateReconciler(settings, acmeAuthority)],
  })
  await runner.start()
}

async function stop(): Promise<void> {
  await runner.stop()
  await informers[Symbol.asyncDispose]()
}

const makeIngress = (name: string, ...hosts: string[]) =>
  client.create(Ingress, {
    metadata: { namespace: 'default', name, annotations: { 'optiflow.dev/acme': 'true' } },
    spec: {
      ingressClassName: 'optiflow',
      tls: [{ hosts, secretName: `${name}-tls` }],
      defaultBackend: { service: { name: 'web', port: { number: 80 } } },
    },
  } as any)
async function certificateOf(name: string): Promise<X509Certificate | undefined> {
  const secret = await client.get(Secret, { namespace: 'default', name: `${name}-tls` }).catch(() => undefined)
  const pem = secret?.data?.['tls.crt']
  return pem ? new X509Certificate(Buffer.from(pem, 'base64')) : undefined
}
const told = async (name: string) =>
  (await client.list(Event)).items
    .filter(e => e.involvedObject.name === name)
    .map(e => `${e.reason}: ${e.message}`)
    .at(-1)
const soon = { timeout: 15_000, interval: 10 }

test('a certificate is obtained for the names of an Ingress, and what proved them is gone', async () => {
  here.add('shop.test').add('www.shop.test')
  await makeIngress('shop', 'shop.test', 'www.shop.test')
  await expect
    .poll(async () => (await certificateOf('shop'))?.subjectAltName, soon)
    .toBe('DNS:shop.test, DNS:www.shop.test')
  const secret = await client.get(Secret, { namespace: 'default', name: 'shop-tls' })
  expect(secret.type).toBe('kubernetes.io/tls')
  expect(Buffer.from(secret.data!['tls.key']!, 'base64').toString()).toMatch(/^-----BEGIN (EC )?PRIVATE KEY/)
  await expect
    .poll(() => told('shop'), soon)
    .toBe('CertificateIssued: secret "shop-tls" has a certificate for shop.test, www.shop.test')
  expect((await client.list(Secret, { fieldSelector: `type=${challengeType}` })).items).toEqual([])
  expect(acme.asked.filter(what => what === 'newAccount')).toHaveLength(1)
})

test('it is kept until a third of its life is left, then renewed with the same account', async () => {
  const first = await certificateOf('shop')
  await stop()
  aheadMs += 59 * 86_400_000
  await start()
  await expect.poll(() => informers.for(Secret).synced, soon).toBe(true)
  expect((await certificateOf('shop'))?.serialNumber).toBe(first!.serialNumber)
  expect(acme.asked).toEqual([])
  await stop()
  aheadMs += 2 * 86_400_000
  await start()
  await expect.poll(async () => (await certificateOf('shop'))?.serialNumber, soon).not.toBe(first!.serialNumber)
  expect(acme.asked.filter(what => what === 'newAccount')).toEqual([])
})

test('what fails is told with the reason of the authority, and tried again later, not at once; a restart changes nothing', async () => {
  await makeIngress('lost', 'lost.test')
  await expect
    .poll(() => told('lost'), soon)
    .toMatch(
      /^CertificateFailed: no certificate for lost\.test: lost\.test answered "somebody else".*; tried again at /,
    )
  const orders = () => acme.asked.filter(what => what === 'newOrder').length
  const before = orders()
  await stop()
  await start()
  await client.patch(
    Ingress,
    { namespace: 'default', name: 'lost' },
    { type: 'merge', body: { metadata: { labels: { a: 'b' } } } },
  )
  await makeIngress('after', 'shop.test')
  await expect.poll(() => certificateOf('after'), soon).toBeDefined()
  expect(orders()).toBe(before + 1)
  here.add('lost.test')
  await stop()
  aheadMs += 61_000
  await start()
  await expect.poll(async () => (await certificateOf('lost'))?.subjectAltName, soon).toBe('DNS:lost.test')
})

test('an authority that is asked too often is left alone for as long as it says', async () => {
  here.add('many.test')
  acme.limited = { retryAfter: '7200' }
  const now = clock.now()
  await makeIngress('many', 'many.test')
  await expect.poll(() => told('many'), soon).toContain('too many certificates already issued')
  const again = Date.parse(/tried again at (\S+)/.exec((await told('many'))!)![1]!)
  expect(again - now).toBeGreaterThanOrEqual(7_200_000)
})

test('a Secret that somebody else made is left as it is, and wildcards are refused', async () => {
  here.add('theirs.test')
  const data = { 'tls.crt': btoa('CERT'), 'tls.key': btoa('KEY') }
  const metadata = { namespace: 'default', name: 'theirs-tls' }
  await client.create(Secret, { metadata, type: 'kubernetes.io/tls', data } as any)
  await makeIngress('theirs', 'theirs.test')
  await expect.poll(() => told('theirs'), soon).toContain('secret "theirs-tls" is there already and not ours')
  expect((await client.get(Secret, metadata)).data).toEqual(data)
  await makeIngress('wild', '*.wild.test')
  await expect.poll(() => told('wild'), soon).toContain('*.wild.test is a wildcard')
  expect(acme.asked).toEqual([])
})
