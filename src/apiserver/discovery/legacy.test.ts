import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeProtobuf } from '../../models/protobuf/index.ts'
import { admin, startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

async function read(url: string, accept: string): Promise<Buffer> {
  const { signal } = new AbortController()
  const { body } = await server.api.handler({ method: 'GET', url, headers: { accept }, user: admin, signal })
  return Buffer.from(body as Uint8Array)
}

test.each(['/api', '/apis', '/apis/apps', '/apis/apps/v1', '/api/v1'])('%s says the same in each form', async url => {
  const json = JSON.parse(String(await read(url, 'application/json')))
  expect(JSON.parse(String(await read(`${url}/`, '*/*')))).toEqual(json)
  expect(decodeProtobuf(await read(url, 'application/vnd.kubernetes.protobuf')).value).toMatchObject(json)
  expect(String(await read(url, 'application/yaml'))).toContain(`kind: ${json.kind}\n`)
  expect(JSON.parse(String(await read(url, 'text/html')))).toMatchObject({ code: 406, reason: 'NotAcceptable' })
})

test('the core group leaves out which version its own list is of', async () => {
  const lists = await Promise.all(['/api/v1', '/apis/batch/v1'].map(url => server.call('GET', url)))
  expect(lists.map(({ body }) => body.apiVersion)).toEqual([undefined, 'v1'])
})
