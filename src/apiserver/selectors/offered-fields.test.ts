import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

test.each<[string, string]>([
  ['/api/v1/pods', 'field label not supported: spec.color'],
  ['/apis/batch/v1/jobs', 'field label "spec.color" not supported for Job'],
  [
    '/apis/apps/v1/deployments',
    '"spec.color" is not a known field selector: only "metadata.name", "metadata.namespace"',
  ],
  [
    '/api/v1/persistentvolumes',
    '"spec.color" is not a known field selector: only "metadata.name", "metadata.namespace"',
  ],
])('%s: a field that is not offered is refused in the words of its kind', async (url, message) => {
  const { status, body } = await server.call('GET', `${url}?fieldSelector=spec.color%3Dred`)
  expect([status, body.reason, body.message]).toEqual([400, 'BadRequest', message])
})

test('a namespace is asked for where there is one, and where nobody minds', async () => {
  const asked = (url: string) => server.call('GET', `${url}?fieldSelector=metadata.namespace%3Ddefault`)
  const statuses = ['/api/v1/pods', '/api/v1/persistentvolumes', '/api/v1/nodes', '/api/v1/namespaces'].map(asked)
  expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([200, 200, 400, 400])
})

test('spec.host is what old clients call the node of a pod', async () => {
  const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] }
  await server.call('POST', '/api/v1/namespaces/default/pods', { metadata: { name: 'placed' }, spec })
  const names = async (node: string) =>
    (await server.call('GET', `/api/v1/pods?fieldSelector=spec.host%3D${node}`)).body.items.length
  expect([await names('n1'), await names('n2')]).toEqual([1, 0])
})
