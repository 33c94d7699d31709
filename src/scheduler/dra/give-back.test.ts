import { afterEach, expect, test } from 'vitest'
import { createEventRecorder } from '../../client/index.ts'
import { createBench } from '../../client/testing/index.ts'
import { createScheduler } from '../scheduler.ts'
import { makeNode, makePod } from '../testing/index.ts'

const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
})

const group = '/apis/resource.k8s.io/v1beta1'
const claimPath = `${group}/namespaces/default/resourceclaims/c`
const driver = 'gpu.example'

/** Two nodes with a device each; the claim has that of n2, which takes no pods any more. */
async function start(users: object[]) {
  const bench = createBench()
  const { api, clock } = bench
  api.put('/api/v1/nodes/n1', makeNode('n1'))
  api.put('/api/v1/nodes/n2', makeNode('n2', { unschedulable: true }))
  for (const nodeName of ['n1', 'n2']) {
    const pool = { name: nodeName, generation: 1, resourceSliceCount: 1 }
    const spec = { driver, pool, nodeName, devices: [{ name: 'd', basic: {} }] }
    api.put(`${group}/resourceslices/${nodeName}`, { metadata: { name: nodeName }, spec })
  }
  api.put(`${group}/deviceclasses/gpu`, { metadata: { name: 'gpu' }, spec: {} })
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: ['n2'] }]
  const nodeSelector = { nodeSelectorTerms: [{ matchFields }] }
  const results = [{ request: 'r', driver, pool: 'n2', device: 'd' }]
  api.put(claimPath, {
    metadata: { namespace: 'default', name: 'c' },
    spec: { devices: { requests: [{ name: 'r', deviceClassName: 'gpu' }] } },
    status: { allocation: { nodeSelector, devices: { results } }, reservedFor: users },
  })
  const events = createEventRecorder({ ...bench, component: 'default-scheduler' })
  /** How often the claim was written when each try was over. */
  const writes: number[] = []
  const attempted = () => void writes.push(api.requests.filter(r => r.startsWith(`PUT ${claimPath}`)).length)
  const scheduler = createScheduler({ ...bench, events, metrics: { attempted } })
  open.push(scheduler, bench.informers)
  const started = scheduler.start()
  await clock.advance(10)
  await started
  api.put(
    '/api/v1/namespaces/default/pods/p',
    makePod('p', { resourceClaims: [{ name: 'gpu', resourceClaimName: 'c' }] }),
  )
  await clock.advance(3_000)
  const claim = api.objects.get(claimPath)!
  const nodeOf = (name: string) => api.objects.get(`/api/v1/namespaces/default/pods/${name}`)!['spec'].nodeName
  return { nodeOf, writes, device: claim['status'].allocation?.devices.results[0].pool }
}

test('a claim that nobody uses gives its devices back where the pod cannot go, and gets others', async () => {
  const { nodeOf, device } = await start([])
  expect([nodeOf('p'), device]).toEqual(['n1', 'n1'])
})

test('what a claim gets is written when its pod is decided, not meanwhile', async () => {
  const { writes } = await start([])
  // Given back at the first try; nothing more at the second.
  expect(writes).toEqual([1, 1])
})

test('one that somebody uses keeps them', async () => {
  const { nodeOf, device } = await start([{ resource: 'pods', name: 'other', uid: 'other' }])
  expect([nodeOf('p'), device]).toEqual([undefined, 'n2'])
})
