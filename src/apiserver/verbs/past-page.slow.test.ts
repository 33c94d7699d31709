import { afterAll, beforeAll, expect, it } from 'vitest'
import { copiedBytes, workedBytes } from '../../base/slices.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

const url = '/api/v1/namespaces/default/configmaps'
const count = 16
const objectBytes = 512 << 10
const totalBytes = count * objectBytes
let server: TestServer
let then: bigint
beforeAll(async () => {
  server = await startTestServer()
  const data = { text: 'x'.repeat(objectBytes) }
  for (let i = 0; i < count; i++) await server.call('POST', url, { metadata: { name: `map-${i}` }, data })
  then = await server.store.revision()
  await server.call('POST', url, { metadata: { name: 'later' } })
})
afterAll(() => server[Symbol.asyncDispose]())

/** How often others have their turn while the server answers. */
async function turnsDuring(query: string, accept: string): Promise<{ turns: number; items: number }> {
  let turns = 0
  let done = false
  const turn = () => {
    turns++
    if (!done) setImmediate(turn)
  }
  setImmediate(turn)
  const { body } = await server.call('GET', url + query, undefined, { accept })
  done = true
  return { turns, items: (body.items ?? body.rows)?.length }
}

const read = totalBytes / workedBytes
const written = totalBytes / copiedBytes

it.each([
  ['JSON', 'application/json', read + written],
  ['a table', 'application/json;as=Table;v=v1;g=meta.k8s.io', read + read],
  ['metadata', 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', read + read],
  ['protobuf', 'application/vnd.kubernetes.protobuf', read + read + written],
])('a long list of the past in %s lets others have the event loop after every slice', async (_form, accept, slices) => {
  const { turns, items } = await turnsDuring(`?asOf=${then}`, accept)
  if (accept.includes('json')) expect(items).toBe(count)
  expect(turns).toBeGreaterThanOrEqual(Math.floor(slices))
})

it('so does a long list of the present', async () => {
  const { turns, items } = await turnsDuring('', 'application/json')
  expect(items).toBe(count + 1)
  expect(turns).toBeGreaterThanOrEqual(Math.floor(written))
})
