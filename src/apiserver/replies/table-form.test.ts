import { afterEach, beforeEach, expect, test } from 'vitest'
import { partialOf } from '../../models/partial.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const maps = '/api/v1/namespaces/default/configmaps'
const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
const partial = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' }

async function three(): Promise<any[]> {
  for (const name of ['a', 'b', 'c'])
    await server.call('POST', maps, { metadata: { name, annotations: { note: `${name} "}{" äöü` } }, data: { k: '☃' } })
  return (await server.call('GET', maps)).body.items
}

const identified = (item: any) => ({ kind: 'ConfigMap', apiVersion: 'v1', ...item })

test.each<[string, (item: any) => object | null]>([
  ['', partialOf],
  ['?includeObject=Metadata', partialOf],
  ['?includeObject=Object', identified],
  ['?includeObject=None', () => null],
])('rows of a list%s carry of each object what was asked for', async (query, shown) => {
  const items = await three()
  const { body } = await server.call('GET', `${maps}${query}`, undefined, table)
  expect(body.columnDefinitions.map((c: any) => c.name)).toEqual(['Name', 'Data', 'Age'])
  expect(body.rows.map((row: any) => row.cells.slice(0, 2))).toEqual(items.map(i => [i.metadata.name, 1]))
  expect(body.rows.map((row: any) => row.object)).toEqual(items.map(shown))
})

test('a list of metadata alone has all of the metadata', async () => {
  const items = await three()
  const { body } = await server.call('GET', maps, undefined, partial)
  expect(body.items).toEqual(items.map(partialOf))
})

test('pages go on with the state of the first one while objects come, change and go', async () => {
  const items = await three()
  const first = (await server.call('GET', `${maps}?limit=1`)).body
  await server.call('DELETE', `${maps}/b`)
  await server.call('POST', maps, { metadata: { name: 'bb' } })
  await server.call('PATCH', `${maps}/c`, { data: { k: '2' } }, { 'content-type': 'application/merge-patch+json' })
  const second = (await server.call('GET', `${maps}?limit=1&continue=${first.metadata.continue}`)).body
  const third = (await server.call('GET', `${maps}?limit=1&continue=${second.metadata.continue}`)).body
  expect([first, second, third].flatMap(page => page.items)).toEqual(items)
  expect([first, second, third].map(page => page.metadata.remainingItemCount)).toEqual([2, 1, undefined])
  expect([second, third].map(page => page.metadata.resourceVersion)).toEqual(
    Array(2).fill(first.metadata.resourceVersion),
  )
})
