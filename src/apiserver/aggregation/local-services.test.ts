import { expect, test } from 'vitest'
import { startTestServer } from '../testing/test-server.ts'
import { planServices } from './local-services.ts'

const services = '/apis/apiregistration.k8s.io/v1/apiservices'
const crd = {
  kind: 'CustomResourceDefinition',
  apiVersion: 'apiextensions.k8s.io/v1',
  metadata: { name: 'tabs.example.com' },
  spec: {
    ...{ group: 'example.com', scope: 'Namespaced', names: { plural: 'tabs', kind: 'Tab' } },
    versions: [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
      { name: 'v1beta1', served: true, storage: false, schema: { openAPIV3Schema: { type: 'object' } } },
    ],
  },
}

test('what we serve ourselves has its APIServices, always available', async () => {
  await using server = await startTestServer()
  const { items } = (await server.call('GET', services)).body
  const rows = Object.fromEntries(
    items.map(({ metadata, spec, status }: any) => [
      metadata.name,
      [
        metadata.labels['kube-aggregator.kubernetes.io/automanaged'],
        ...[spec.groupPriorityMinimum, spec.versionPriority],
        status.conditions.map((c: any) => `${c.type} ${c.status} ${c.reason}`).join(),
      ],
    ]),
  )
  const local = 'Available True Local'
  expect(rows).toMatchObject({
    'v1.': ['onstart', 18_000, 1, local],
    'v1.apps': ['onstart', 17_800, 15, local],
    'v2.autoscaling': ['onstart', 17_500, 30, local],
    'v1.autoscaling': ['onstart', 17_500, 15, local],
    'v1.apiextensions.k8s.io': ['onstart', 16_700, 15, local],
  })
  expect(Object.keys(rows).filter(name => /apiregistration|metrics/.test(name))).toEqual([])
  const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
  const shown = (await server.call('GET', `${services}/v1.apps`, undefined, table)).body
  expect(shown.rows[0].cells.slice(0, 3)).toEqual(['v1.apps', 'Local', 'True'])
})

test('those of definitions come and go with them; one that is deleted comes back', async () => {
  await using server = await startTestServer()
  const watch = await server.watch(`${services}?watch=1&labelSelector=kube-aggregator.kubernetes.io/automanaged=true`)
  const next = async () => {
    const { type, object } = await watch.next()
    return `${type} ${object.metadata.name}`
  }
  await server.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd)
  expect([await next(), await next()].sort()).toEqual(['ADDED v1.example.com', 'ADDED v1beta1.example.com'])
  await server.call('DELETE', `${services}/v1.example.com`)
  expect([await next(), await next()]).toEqual(['DELETED v1.example.com', 'ADDED v1.example.com'])
  await server.call('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tabs.example.com')
  expect([await next(), await next()].sort()).toEqual(['DELETED v1.example.com', 'DELETED v1beta1.example.com'])
  watch.end()
})

test('what others have registered is left alone, also under our label', () => {
  const spec = { group: 'a.b', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1 }
  const labels = { 'kube-aggregator.kubernetes.io/automanaged': 'true' }
  const base = { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService' }
  const service = (name: string, more: object, own = labels as object) =>
    ({ ...base, metadata: { name, labels: own }, spec: { ...spec, ...more } }) as any
  const remote = service('v1.a.b', { service: { namespace: 'x', name: 'y' } })
  const foreign = service('v1.c.d', {}, {})
  const left = service('v1.e.f', {})
  const wanted = [{ name: 'v1.a.b', managed: 'true' as const, spec: { ...spec, versionPriority: 9 } }]
  expect(planServices(wanted, [remote, foreign, left])).toEqual({ create: [], change: [], remove: [left] })
})

test('an APIService that cannot be is refused field by field', async () => {
  await using server = await startTestServer()
  const body = { kind: 'APIService', apiVersion: 'apiregistration.k8s.io/v1' }
  const spec = { group: 'a.b', version: 'v1', groupPriorityMinimum: 0, versionPriority: 2000, caBundle: 'AAAA' }
  const { status, body: refusal } = await server.call('POST', services, { ...body, metadata: { name: 'x' }, spec })
  expect(status).toBe(422)
  expect(refusal.details.causes.map((c: any) => c.field).sort()).toEqual([
    ...['metadata.name', 'spec.caBundle', 'spec.groupPriorityMinimum', 'spec.versionPriority'],
  ])
})
