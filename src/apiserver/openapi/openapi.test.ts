import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const protobuf = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf'

test('while the index is written for the first time, others get their turn', async () => {
  let turns = 0
  let asked = true
  const count = () => {
    turns++
    if (asked) setImmediate(count)
  }
  setImmediate(count)
  const { body } = await server.call('GET', '/openapi/v3')
  asked = false
  expect(turns).toBeGreaterThan(Object.keys(body.paths).length / 2)
})

test('a document has one tag and one address, as JSON and as protobuf', async () => {
  const { serverRelativeURL } = (await server.call('GET', '/openapi/v3')).body.paths['apis/apps/v1']
  const json = await server.call('GET', serverRelativeURL)
  const binary = await server.call('GET', serverRelativeURL, undefined, {
    accept: 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf',
  })
  expect(json.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'public, immutable' })
  expect(binary.headers).toMatchObject({ 'content-type': protobuf, etag: json.headers['etag'], vary: 'Accept' })
  const known = { accept: protobuf, 'if-none-match': json.headers['etag'] as string }
  expect((await server.call('GET', serverRelativeURL, undefined, known)).status).toBe(304)
  const refused = await server.call('GET', '/openapi/v3/apis/apps/v1', undefined, { accept: 'text/html' })
  expect([refused.status, refused.body.reason]).toEqual([406, 'NotAcceptable'])
})
