import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
})
const ask = async (method: string, url: string) => (await server.call(method, url)).status

test('objects have no HEAD, and what is only created has no paths of its own', async () => {
  const here = '/api/v1/namespaces/default'
  expect([await ask('HEAD', `${here}/pods`), await ask('HEAD', `${here}/pods/a`)]).toEqual([405, 405])
  expect([await ask('GET', `${here}/bindings/a`), await ask('DELETE', `${here}/bindings/a`)]).toEqual([404, 404])
  expect(await ask('HEAD', '/healthz')).toBe(200)
})

test('an object is no longer exported', async () => {
  expect(await server.call('GET', '/api/v1/namespaces/default?export=true')).toMatchObject({
    status: 400,
    body: { message: 'the export parameter, deprecated since v1.14, is no longer supported' },
  })
  expect(await ask('GET', '/api/v1/namespaces/default?export=false')).toBe(200)
})
