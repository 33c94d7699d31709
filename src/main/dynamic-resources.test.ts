import { expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { DeviceClass, Pod, ResourceClaim, ResourceClaimTemplate, ResourceSlice } from '../models/kinds/index.ts'
import { ControlPlane } from './control-plane.ts'

const namespace = 'default'

test('claims by template are made, get devices with their pods, and give them back when those end', async () => {
  const clock = new VirtualClock()
  const within = async <T>(work: Promise<T>): Promise<T> => {
    let done = false
    void work.catch(() => {}).finally(() => (done = true))
    while (!done) await clock.advance(100)
    return work
  }
  const cluster = await within(ControlPlane.start({ nodes: 2, clock }))
  const { client } = cluster
  await client.create(DeviceClass, { metadata: { name: 'gpu' }, spec: {} })
  await client.create(ResourceSlice, {
    metadata: { name: 'node-2-gpus' },
    spec: {
      driver: 'gpu.example',
      nodeName: 'node-2',
      pool: { name: 'node-2', generation: 1, resourceSliceCount: 1 },
      devices: [{ name: 'gpu-0', basic: { attributes: { model: { string: 'a100' } } } }],
    },
  })
  const expression = 'device.attributes["gpu.example"].model == "a100"'
  const request = { name: 'gpu', deviceClassName: 'gpu', selectors: [{ cel: { expression } }] }
  await client.create(ResourceClaimTemplate, {
    metadata: { namespace, name: 'one-gpu' },
    spec: { spec: { devices: { requests: [request] } } },
  } as any)
  const pod = (name: string) =>
    client.create(Pod, {
      metadata: { namespace, name },
      spec: {
        containers: [{ name: 'c', image: 'i', resources: { claims: [{ name: 'gpu' }] } }],
        resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one-gpu' }],
      },
    } as any)
  await pod('first')
  await clock.advance(2_000)
  await pod('second')
  await clock.advance(2_000)

  const claims = async () => (await client.list(ResourceClaim, { namespace })).items
  const [mine] = (await claims()).filter(c => c.metadata.ownerReferences?.[0]?.name === 'first')
  const first = await client.get(Pod, { namespace, name: 'first' })
  expect(first.spec.nodeName).toBe('node-2')
  expect(first.status?.resourceClaimStatuses).toEqual([{ name: 'gpu', resourceClaimName: mine!.metadata.name }])
  expect(mine!.metadata.finalizers).toEqual(['resource.kubernetes.io/delete-protection'])
  expect(mine!.status).toEqual({
    allocation: {
      // Kubernetes 1.32 prints adminAccess of a result whether it is given or not.
      devices: {
        results: [{ request: 'gpu', driver: 'gpu.example', pool: 'node-2', device: 'gpu-0', adminAccess: null }],
      },
      nodeSelector: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-2'] }] }],
      },
    },
    reservedFor: [{ resource: 'pods', name: 'first', uid: first.metadata.uid }],
  })
  const second = () => client.get(Pod, { namespace, name: 'second' })
  expect((await second()).status?.conditions?.[0]?.message).toMatch(
    /^0\/2 nodes are available: 2 cannot allocate all claims\./,
  )

  await client.delete(Pod, { namespace, name: 'first' }, { gracePeriodSeconds: 0 })
  await clock.advance(8_000)
  expect((await claims()).map(c => c.metadata.ownerReferences?.[0]?.name)).toEqual(['second'])
  expect((await second()).spec.nodeName).toBe('node-2')
  await within(cluster[Symbol.asyncDispose]())
}, 60_000)
