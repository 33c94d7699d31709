import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
})

const path = (plural: string) => `/apis/resource.k8s.io/v1beta1/namespaces/default/${plural}`
const devices = { requests: [{ name: 'r', deviceClassName: 'gpu', adminAccess: true }] }
const mark = (value: string | null) =>
  server.call(
    'PATCH',
    '/api/v1/namespaces/default',
    { metadata: { labels: { 'resource.k8s.io/admin-access': value } } },
    { 'content-type': 'application/merge-patch+json' },
  )

test.each([
  ['resourceclaims', { devices }, (spec: any) => spec.devices],
  ['resourceclaimtemplates', { spec: { devices } }, (spec: any) => spec.spec.devices],
])('%s are an administrator’s only in a namespace that is marked, and stay so', async (plural, spec, devicesOf) => {
  const create = (name: string) => server.call('POST', path(plural), { metadata: { name }, spec })
  const dropped = await create('a')
  expect(devicesOf(dropped.body.spec).requests[0].adminAccess).toBeUndefined()
  expect(String(dropped.headers['warning'])).toContain(
    'devices.requests[0].adminAccess is dropped: namespace default is not labelled',
  )
  await mark('true')
  const kept = await create('b')
  expect(devicesOf(kept.body.spec).requests[0].adminAccess).toBe(true)
  expect(kept.headers['warning']).toBeUndefined()
  await mark(null)
  const updated = await server.call('PUT', `${path(plural)}/b`, {
    ...kept.body,
    metadata: { ...kept.body.metadata, labels: { a: 'b' } },
  })
  expect([updated.status, devicesOf(updated.body.spec).requests[0].adminAccess]).toEqual([200, true])
})
