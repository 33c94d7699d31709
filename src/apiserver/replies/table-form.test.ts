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

test('rows of a list say which pods have ended', async () => {
  const pod = (name: string) => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } })
  const pods = '/api/v1/namespaces/default/pods'
  for (const name of ['a', 'b']) await server.call('POST', pods, pod(name))
  const mergePatch = { 'content-type': 'application/merge-patch+json' }
  await server.call('PATCH', `${pods}/b/status`, { status: { phase: 'Failed' } }, mergePatch)
  const { body } = await server.call('GET', pods, undefined, table)
  const failed = { type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }
  expect(body.rows.map((row: any) => row.conditions)).toEqual([undefined, [failed]])
})

const metadataOf = (kind: string) => ({ accept: `application/json;as=${kind};v=v1;g=meta.k8s.io` })
test.each<[string, string, string]>([
  [maps, 'PartialObjectMetadata', 'is a list (*core.ConfigMapList)'],
  ['/apis/events.k8s.io/v1/events', 'PartialObjectMetadata', 'is a list (*core.EventList)'],
  ['/apis/rbac.authorization.k8s.io/v1/roles', 'PartialObjectMetadata', 'is a list (*rbac.RoleList)'],
  ['/api/v1/namespaces/default', 'PartialObjectMetadataList', 'is not a list (*core.Namespace)'],
])('%s cannot be had as %s', async (path, kind, object) => {
  const { status, body } = await server.call('GET', path, undefined, metadataOf(kind))
  const message = `you requested ${kind}, but the requested object ${object}`
  expect([status, body.reason, body.message]).toEqual([406, 'NotAcceptable', message])
})

test('a watch that begins with all there is and marks its end is no table', async () => {
  const query = '?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan'
  const { status } = await server.call('GET', `${maps}${query}&allowWatchBookmarks=true`, undefined, table)
  expect(status).toBe(406)
})

test('a scale is printed with what is wanted and what is there', async () => {
  const labels = { app: 'web' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const deployments = '/apis/apps/v1/namespaces/default/deployments'
  const spec = { replicas: 3, selector: { matchLabels: labels }, template }
  await server.call('POST', deployments, { metadata: { name: 'web' }, spec })
  const { body } = await server.call('GET', `${deployments}/web/scale`, undefined, table)
  const columns = body.columnDefinitions.map(({ name, type }: any) => [name, type])
  expect(columns).toEqual([
    ['Name', 'string'],
    ['Desired', 'integer'],
    ['Available', 'integer'],
    ['Age', 'string'],
  ])
  expect(body.rows[0].cells.slice(0, 3)).toEqual(['web', 3, 0])
})
