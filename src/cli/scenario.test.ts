import { expect, test } from 'vitest'
import { ApiError } from '../models/api-error.ts'
import type { AnyObject } from '../models/object.ts'
import type { Remote } from './connection.ts'
import { admitted, newNodes, podsOf } from './scenario.ts'
import { simulationText } from './simulation-text.ts'

const object = (kind: string, spec: object): AnyObject => {
  const metadata = { name: 'web', uid: 'u', resourceVersion: '1' }
  return { apiVersion: 'v1', kind, metadata, spec }
}

test('pods come from pods and from what makes them', () => {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [] } }
  const names = (o: AnyObject) => podsOf(o, 'shop').map(p => `${p.metadata.namespace}/${p.metadata.name}`)
  expect(names(object('Pod', { containers: [] }))).toEqual(['shop/web'])
  expect(names(object('Deployment', { replicas: 2, template }))).toEqual(['shop/web-0', 'shop/web-1'])
  expect(names(object('Job', { parallelism: 1, template }))).toEqual(['shop/web-0'])
  const workload = { ...object('Workload', { image: 'web:1', replicas: 2, resources: { requests: { cpu: '2' } } }) }
  const [one, two] = podsOf({ ...workload, apiVersion: 'optiflow.dev/v1' }, 'shop')
  expect([one?.spec.containers[0]?.resources, two?.metadata.name]).toEqual([{ requests: { cpu: '2' } }, 'web-1'])
  expect(() => podsOf(object('Service', {}), 'shop')).toThrow('Service/web makes no pods that could be simulated')
})

test('a pod that is there already is told by name', async () => {
  const exists = ApiError.fromStatus({
    code: 409,
    reason: 'AlreadyExists',
    message: 'pods "web" already exists',
  } as never)
  const remote = { json: () => Promise.reject(exists) } as unknown as Remote
  const [pod] = podsOf(object('Pod', { containers: [] }), 'shop')
  await expect(admitted(pod!, remote)).rejects.toThrow('pod shop/web is in the cluster already')
})

test('new nodes are like one that is there, or have what is named', async () => {
  const like = { metadata: { name: 'n3', labels: { zone: 'z' } }, spec: {}, status: { allocatable: { cpu: '4' } } }
  const remote = { client: { get: async () => like } } as unknown as Remote
  const [first, second] = await newNodes('n3×2', remote)
  expect([first!.metadata.name, second!.metadata.name]).toEqual(['new-n3-0', 'new-n3-1'])
  expect(first!.metadata.labels).toEqual({ zone: 'z', 'kubernetes.io/hostname': 'new-n3-0' })
  const [made] = await newNodes('cpu=96,memory=384Gi', remote)
  expect(made!.status!.allocatable).toEqual({ pods: '110', cpu: '96', memory: '384Gi' })
  await expect(newNodes('cpu=,memory=1x2', remote)).rejects.toThrow('"cpu=" is no amount of a resource')
})

test('says where pods would go and what is used then', () => {
  const text = simulationText({
    placements: [
      { pod: 'shop/web-0', node: 'n1' },
      { pod: 'shop/web-1', from: 'n2', message: '0/1 nodes are available: 1 Insufficient cpu.' },
    ],
    before: { cpu: { allocatable: 4, requested: 1 }, memory: { allocatable: 8 * 2 ** 30, requested: 0 } },
    after: { cpu: { allocatable: 4, requested: 3 }, memory: { allocatable: 8 * 2 ** 30, requested: 2 ** 29 } },
  })
  expect(text).toBe(
    `POD          FROM   TO          DETAIL
shop/web-0          n1
shop/web-1   n2     <nowhere>   0/1 nodes are available: 1 Insufficient cpu.
1 of 2 pods would be placed; nothing was changed.

RESOURCE   REQUESTED NOW       THEN
cpu        1 of 4 (25.0 %)     3 of 4 (75.0 %)
memory     0B of 8Gi (0.0 %)   512Mi of 8Gi (6.3 %)
`,
  )
})
