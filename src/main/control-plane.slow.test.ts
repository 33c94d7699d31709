import { expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { Deployment, Node, Pod, Workload } from '../models/kinds/index.ts'
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

test('a pod that fits nowhere is explained under optiflow.dev to whoever may view it', async () => {
  await using cluster = await ControlPlane.start({ nodes: 1 })
  const spec = { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '10000' } } }] }
  await cluster.client.create(Pod, { metadata: { namespace: 'default', name: 'big' }, spec })
  const path = '/apis/optiflow.dev/v1/namespaces/default/pods/big/explanation'
  const ask = async (client: typeof cluster.client, url: string) => {
    const { status, body } = await client.raw('GET', url)
    return { status, ...JSON.parse(Buffer.from(body as Uint8Array).toString()) }
  }
  const read = () => ask(cluster.client, path)
  const said = await eventually(read, e => e.latest?.message.includes('Insufficient cpu'))
  expect(said).toMatchObject({
    kind: 'PodExplanation',
    state: 'Pending',
    nodes: 1,
    bindingConstraint: { plugin: 'NodeResourcesFit' },
    changes: [{ of: 'pod', requests: [{ container: 'c', resource: 'cpu', from: '10k' }] }],
    latest: { message: expect.stringContaining('0/1 nodes are available: 1 Insufficient cpu.') },
  })
  expect(await ask(cluster.client, path.replace('big', 'none'))).toMatchObject({ message: 'pods "none" not found' })
  const eve = cluster.as({ username: 'eve', groups: ['system:authenticated'] })
  expect((await ask(eve, path)).message).toContain('cannot get resource "pods/explanation" in API group "optiflow.dev"')
})

test('a control plane starts on a clock that nobody moves, and an hour later its nodes are ready without having been busy', async () => {
  const clock = new VirtualClock()
  await using cluster = await ControlPlane.start({ nodes: 2, clock })
  let due = 0
  const schedule = clock.schedule.bind(clock)
  clock.schedule = (delayMs, task) =>
    schedule(delayMs, () => {
      due++
      task()
    })
  await clock.advance(3_600_000)
  const { items } = await cluster.client.list(Node)
  const ready = items.map(node => node.status?.conditions?.find(c => c.type === 'Ready')?.status)
  expect(ready).toEqual(['True', 'True'])
  // Three looks a second at each of two ready nodes would alone be more than 20,000.
  expect(due).toBeLessThan(20_000)
})
