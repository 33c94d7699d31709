import { expect, test } from 'vitest'
import { Deployment, Pod, Workload } from '../models/kinds/index.ts'
import { ControlPlane } from './control-plane.ts'

async function eventually<T>(ask: () => Promise<T>, wanted: (value: T) => boolean): Promise<T> {
  let value = await ask()
  for (const until = performance.now() + 15_000; !wanted(value) && performance.now() < until; value = await ask())
    await new Promise(resolve => setTimeout(resolve, 20))
  return value
}

test('a workload submitted to a control plane in memory becomes ready pods behind a service', async () => {
  await using cluster = await ControlPlane.start({ nodes: 2 })
  await cluster.client.create(Workload, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { image: 'web:1', replicas: 3, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  } as any)
  const web = await eventually(
    () => cluster.client.get(Workload, { namespace: 'default', name: 'web' }),
    w => w.status?.readyReplicas === 3,
  )
  expect(web.status).toMatchObject({ readyReplicas: 3, message: '3 of 3 ready' })
  const pods = await cluster.client.list(Pod, { namespace: 'default' })
  expect(pods.items.map(p => p.status?.phase)).toEqual(['Running', 'Running', 'Running'])
  expect(pods.items.every(p => p.spec.nodeName?.startsWith('node-'))).toBe(true)

  await cluster.client.delete(Workload, { namespace: 'default', name: 'web' })
  const left = await eventually(
    async () => [
      ...(await cluster.client.list(Deployment, { namespace: 'default' })).items,
      ...(await cluster.client.list(Pod, { namespace: 'default' })).items,
    ],
    items => items.length === 0,
  )
  expect(left).toEqual([])
})

test('a user without rights is refused by name', async () => {
  await using cluster = await ControlPlane.start({ nodes: 0 })
  const nobody = cluster.as({ username: 'eve', groups: ['system:authenticated'] })
  await expect(nobody.list(Pod, { namespace: 'default' })).rejects.toThrow(
    'pods is forbidden: User "eve" cannot list resource "pods" in API group "" in the namespace "default"',
  )
})
