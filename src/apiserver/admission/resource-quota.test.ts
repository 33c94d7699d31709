import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const ns = '/api/v1/namespaces/default'
const pod = (name: string, resources: object = {}, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec },
})
const create = async (plural: string, object: object, query = '') => {
  const { status, body } = await server.call('POST', `${ns}/${plural}${query}`, object)
  return status === 201 ? 'created' : (body.message as string)
}

/** A quota of which nothing is used yet, as its controller would say. */
async function quota(name: string, hard: Record<string, string>, spec: object = {}): Promise<void> {
  const made = await server.call('POST', `${ns}/resourcequotas`, { metadata: { name }, spec: { hard, ...spec } })
  const used = Object.fromEntries(Object.keys(hard).map(key => [key, '0']))
  await server.call('PUT', `${ns}/resourcequotas/${name}/status`, { ...made.body, status: { hard, used } })
}
const used = async (name: string) => (await server.call('GET', `${ns}/resourcequotas/${name}`)).body.status.used

test('what exceeds a quota is refused, with what was asked, what is used and what is allowed', async () => {
  await quota('q', { pods: '1', 'requests.cpu': '1500m' })
  const cpu = { requests: { cpu: '1' } }
  expect(await create('pods', pod('a', cpu))).toBe('created')
  expect(await used('q')).toEqual({ pods: '1', 'requests.cpu': '1' })
  expect(await create('pods', pod('b', cpu), '?dryRun=All')).toBe(
    'pods "b" is forbidden: exceeded quota: q, requested: pods=1,requests.cpu=1, used: pods=1,requests.cpu=1, limited: pods=1,requests.cpu=1500m',
  )
  expect(await create('pods', pod('b', cpu))).toMatch(/exceeded quota/)
  expect(await used('q')).toEqual({ pods: '1', 'requests.cpu': '1' })
  expect(await create('configmaps', { metadata: { name: 'free' } })).toBe('created')
})

test('a quota on CPU or memory wants every container to say what it takes', async () => {
  await quota('q', { 'limits.cpu': '4', memory: '1Gi', pods: '9' })
  const two = {
    containers: [
      { name: 'x', image: 'i' },
      { name: 'a', image: 'i' },
    ],
  }
  expect(await create('pods', pod('p', {}, two))).toBe(
    'pods "p" is forbidden: failed quota: q: must specify limits.cpu for: a,x; memory for: a,x',
  )
})

test('a quota whose use nobody has counted yet lets nothing in that it limits', async () => {
  await server.call('POST', `${ns}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard: { pods: '5' } } })
  expect(await create('pods', pod('before'))).toBe('created')
  const { body } = await server.call('GET', `${ns}/resourcequotas/q`)
  await server.call('PUT', `${ns}/resourcequotas/q/status`, { ...body, status: { hard: { pods: '5' }, used: {} } })
  expect(await create('pods', pod('p'))).toBe('pods "p" is forbidden: status unknown for quota: q, resources: pods')
})

test('of one namespace many create at once: the quota lets in exactly as many as it says, and counts them', async () => {
  await quota('q', { pods: '7', 'count/pods': '9' })
  const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => create('pods', pod(`p${i}`))))
  expect(answers.filter(a => a === 'created')).toHaveLength(7)
  expect(await used('q')).toEqual({ pods: '7', 'count/pods': '7' })
  const { body } = await server.call('GET', `${ns}/pods`)
  expect(body.items).toHaveLength(7)
})

test('whatever is created in whatever order, what is used is what is there and never more than allowed', async () => {
  const step = fc.record({ cpu: fc.integer({ min: 1, max: 900 }), extra: fc.integer({ min: 0, max: 3 }) })
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async steps => {
      const name = `q${run++}`
      await quota(name, { 'requests.cpu': '2', 'requests.example.com/dongle': '5' })
      const made = steps.map(({ cpu, extra }, i) =>
        create(
          'pods',
          pod(`${name}-${i}`, {
            requests: { cpu: `${cpu}m`, 'example.com/dongle': String(extra) },
            limits: { 'example.com/dongle': String(extra) },
          }),
        ),
      )
      const answers = await Promise.all(made)
      const let_in = steps.filter((_, i) => answers[i] === 'created')
      const sum = (pick: (s: (typeof steps)[0]) => number) => let_in.reduce((total, s) => total + pick(s), 0)
      expect(sum(s => s.cpu)).toBeLessThanOrEqual(2000)
      expect(sum(s => s.extra)).toBeLessThanOrEqual(5)
      const shown = await used(name)
      const millis = (text: string) => (text.endsWith('m') ? Number.parseInt(text, 10) : Number(text) * 1000)
      expect(millis(shown['requests.cpu'])).toBe(sum(s => s.cpu))
      expect(Number(shown['requests.example.com/dongle'])).toBe(sum(s => s.extra))
      await server.call('DELETE', `${ns}/resourcequotas/${name}`)
      await server.call('DELETE', `${ns}/pods?gracePeriodSeconds=0`)
    }),
    { numRuns: 15, seed: 7 },
  )
})

test('scopes choose the pods that a quota is about', async () => {
  await quota('best', { pods: '1' }, { scopes: ['BestEffort'] })
  await quota('rest', { pods: '1' }, { scopes: ['NotBestEffort'] })
  const cpu = { requests: { cpu: '1' } }
  expect(await create('pods', pod('a'))).toBe('created')
  expect(await create('pods', pod('b', cpu))).toBe('created')
  expect([await used('best'), await used('rest')]).toEqual([{ pods: '1' }, { pods: '1' }])
  expect(await create('pods', pod('c'))).toMatch(
    /exceeded quota: best, requested: pods=1, used: pods=1, limited: pods=1/,
  )
  expect(await create('pods', pod('c', cpu))).toMatch(/exceeded quota: rest/)
})

test('a Service that becomes a load balancer and a claim that grows are charged for the difference', async () => {
  await quota('q', {
    services: '5',
    'services.loadbalancers': '1',
    'services.nodeports': '2',
    'requests.storage': '3Gi',
  })
  const service = (name: string, type: string, ports: number) => ({
    metadata: { name },
    spec: { type, ports: Array.from({ length: ports }, (_, i) => ({ name: `p${i}`, port: 80 + i })) },
  })
  expect(await create('services', service('a', 'ClusterIP', 2))).toBe('created')
  expect(await used('q')).toMatchObject({ services: '1', 'services.nodeports': '0' })
  const patch = (url: string, body: object) =>
    server.call('PATCH', `${ns}/${url}`, body, { 'content-type': 'application/merge-patch+json' })
  expect((await patch('services/a', { spec: { type: 'LoadBalancer' } })).status).toBe(200)
  expect(await used('q')).toMatchObject({ services: '1', 'services.nodeports': '2', 'services.loadbalancers': '1' })
  expect((await patch('services/a', { metadata: { labels: { x: 'y' } } })).status).toBe(200)
  expect(await create('services', service('b', 'NodePort', 1))).toMatch(
    /exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=2, limited: services.nodeports=2/,
  )
  expect(await used('q')).toMatchObject({ services: '1', 'services.nodeports': '2' })
})

test('a controller that counted before a create cannot write over what the create counted', async () => {
  await quota('q', { pods: '1' })
  const stale = (await server.call('GET', `${ns}/resourcequotas/q`)).body
  expect(await create('pods', pod('a'))).toBe('created')
  const late = await server.call('PUT', `${ns}/resourcequotas/q/status`, stale)
  expect([late.status, late.body.reason]).toEqual([409, 'Conflict'])
  expect(await create('pods', pod('b'))).toMatch(/exceeded quota/)
})
