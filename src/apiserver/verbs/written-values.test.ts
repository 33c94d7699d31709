import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const type = { 'content-type': 'application/apply-patch+yaml' }
const ofMerge = { 'content-type': 'application/merge-patch+json' }
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const deployment = (name: string, spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    ...spec,
  },
})

test('integers without room wrap in what is applied and in strategic patches, as in Go', async () => {
  const url = `${deployments}/wrapped`
  const made = await server.call(
    'PATCH',
    `${url}?fieldManager=a`,
    deployment('wrapped', { replicas: 2 ** 32 + 5 }),
    type,
  )
  const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
  const next = await server.call('PATCH', url, { spec: { replicas: 2 ** 32 + 6 } }, strategic)
  const merged = await server.call(
    'PATCH',
    url,
    { spec: { replicas: 2 ** 32 + 6 } },
    {
      'content-type': 'application/merge-patch+json',
    },
  )
  const negative = await server.call('PATCH', url, { spec: { replicas: 2 ** 31 } }, strategic)
  expect([made.status, made.body.spec?.replicas, next.status, next.body.spec?.replicas, merged.status]).toEqual([
    201, 5, 200, 6, 422,
  ])
  expect(negative.body.message).toBe(
    'Deployment.apps "wrapped" is invalid: spec.replicas: Invalid value: -2147483648: must be greater than or equal to 0',
  )
})

test('a template may hold integers beyond 2^53', async () => {
  await server.call('POST', deployments, deployment('exact'))
  const body = Buffer.from('{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":9007199254740993}}}}')
  const answer = await server.call('PATCH', `${deployments}/exact`, body, {
    'content-type': 'application/merge-patch+json',
  })
  expect([answer.status, answer.body.spec?.template.spec.terminationGracePeriodSeconds]).toEqual([200, 2 ** 53])
})

test('who writes owns what he wrote, and neither what is made of it nor what is taken back misses its owner', async () => {
  const ownedBy = (answer: any, manager: string) =>
    answer.body.metadata.managedFields?.find((e: any) => e.manager === manager)?.fieldsV1['f:spec']
  const claims = '/api/v1/namespaces/default/persistentvolumeclaims?fieldManager=m'
  const claim = (name: string, source: object) => ({
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...source },
  })
  const named = { kind: 'PersistentVolumeClaim', name: 'other' }
  const old = await server.call('POST', claims, claim('old', { dataSource: named }))
  const foreign = await server.call('POST', claims, claim('foreign', { dataSource: { kind: 'A', name: 'b' } }))
  expect([old.body.spec.dataSourceRef.name, Object.keys(ownedBy(old, 'm')).includes('f:dataSourceRef')]).toEqual([
    'other',
    false,
  ])
  expect([foreign.body.spec.dataSource, ownedBy(foreign, 'm')['f:dataSource']]).toEqual([undefined, {}])
  await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'kept' } })
  const kept = await server.call(
    'PATCH',
    '/api/v1/namespaces/kept?fieldManager=m',
    { spec: { finalizers: ['a/b'] } },
    ofMerge,
  )
  expect([kept.body.spec.finalizers, ownedBy(kept, 'm')]).toEqual([['kubernetes'], { 'f:finalizers': {} }])
})

test('who applies a status of what nobody owned finds no owner of its spec', async () => {
  await server.call('POST', '/api/v1/nodes', { metadata: { name: 'fresh' }, spec: { podCIDR: '10.9.0.0/24' } })
  await server.call('PATCH', '/api/v1/nodes/fresh', { metadata: { managedFields: [{}] } }, ofMerge)
  const status = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'fresh' }, status: { phase: 'Running' } }
  const { body } = await server.call('PATCH', '/api/v1/nodes/fresh/status?fieldManager=m', status, type)
  expect(body.metadata.managedFields.map((e: any) => [e.manager, Object.keys(e.fieldsV1)])).toEqual([
    ['m', ['f:status']],
  ])
})

test('what is wrong with an updated volume is a cause twice, as for Kubernetes', async () => {
  const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } }
  await server.call('POST', '/api/v1/persistentvolumes', { metadata: { name: 'odd' }, spec })
  const { body } = await server.call(
    'PATCH',
    '/api/v1/persistentvolumes/odd',
    { spec: { accessModes: ['a'] } },
    ofMerge,
  )
  expect(body.details.causes.map((cause: any) => cause.field)).toEqual(['spec.accessModes', 'spec.accessModes'])
})
