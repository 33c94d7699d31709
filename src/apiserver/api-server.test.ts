import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const configMaps = '/api/v1/namespaces/default/configmaps'
const configMap = (name: string, data: Record<string, string> = {}, labels?: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...(labels ? { labels } : {}) },
  data,
})

test('an object is created, read, listed, changed and deleted, each time with a newer resourceVersion', async () => {
  const created = await server.call('POST', configMaps, configMap('a', { k: '1' }))
  expect(created.status).toBe(201)
  expect(created.body).toEqual({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: {
      name: 'a',
      namespace: 'default',
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      resourceVersion: expect.stringMatching(/^\d+$/),
      managedFields: [
        {
          manager: 'unknown',
          operation: 'Update',
          apiVersion: 'v1',
          time: expect.any(String),
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:data': { '.': {}, 'f:k': {} } },
        },
      ],
    },
    data: { k: '1' },
  })
  expect((await server.call('GET', `${configMaps}/a`)).body).toEqual(created.body)

  const changed = await server.call('PUT', `${configMaps}/a`, { ...created.body, data: { k: '2' } })
  expect(changed.status).toBe(200)
  expect(changed.body.data).toEqual({ k: '2' })
  expect(Number(changed.body.metadata.resourceVersion)).toBeGreaterThan(Number(created.body.metadata.resourceVersion))

  const stale = await server.call('PUT', `${configMaps}/a`, { ...created.body, data: { k: '3' } })
  expect(stale.status).toBe(409)
  expect(stale.body).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message:
      'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    reason: 'Conflict',
    details: { name: 'a', kind: 'configmaps' },
    code: 409,
  })

  const same = await server.call('PUT', `${configMaps}/a`, changed.body)
  expect(same.body.metadata.resourceVersion).toBe(changed.body.metadata.resourceVersion)

  const patched = await server.call(
    'PATCH',
    `${configMaps}/a`,
    { data: { k: null, other: 'x' } },
    { 'content-type': 'application/merge-patch+json' },
  )
  expect(patched.body.data).toEqual({ other: 'x' })

  const listed = await server.call('GET', configMaps)
  const { kind: _, apiVersion: __, ...item } = patched.body
  expect(listed.body).toEqual({
    kind: 'ConfigMapList',
    apiVersion: 'v1',
    metadata: { resourceVersion: expect.any(String) },
    items: [item],
  })

  const deleted = await server.call('DELETE', `${configMaps}/a`)
  expect(deleted.body).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: 'a', kind: 'configmaps', uid: created.body.metadata.uid },
  })
  expect((await server.call('GET', `${configMaps}/a`)).body).toMatchObject({
    reason: 'NotFound',
    message: 'configmaps "a" not found',
    code: 404,
  })
  expect((await server.call('GET', configMaps)).body.items).toEqual([])
})

test('who deletes what Kubernetes gives back is shown its last state', async () => {
  const quotas = '/api/v1/namespaces/default/resourcequotas'
  const { body } = await server.call('POST', quotas, { metadata: { name: 'a' }, spec: { hard: { pods: '1' } } })
  const deleted = await server.call('DELETE', `${quotas}/a`)
  const { resourceVersion, ...metadata } = deleted.body.metadata
  expect([deleted.status, { ...deleted.body, metadata }]).toEqual([
    200,
    { ...body, metadata: { ...body.metadata, resourceVersion: undefined } },
  ])
  expect(Number(resourceVersion)).toBeGreaterThan(Number(body.metadata.resourceVersion))
})

test('a second create of the same name is refused, and a generated name is not', async () => {
  await server.call('POST', configMaps, configMap('a'))
  expect((await server.call('POST', configMaps, configMap('a'))).body).toMatchObject({
    code: 409,
    reason: 'AlreadyExists',
    message: 'configmaps "a" already exists',
  })
  const generated = await server.call('POST', configMaps, { metadata: { generateName: 'job-' } })
  expect(generated.body.metadata.name).toMatch(/^job-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
})

test('a watch hears of the present, then of changes, and a selector turns changes into additions and deletions', async () => {
  await server.call('POST', configMaps, configMap('a', {}, { app: 'web' }))
  await server.call('POST', configMaps, configMap('b', {}, { app: 'db' }))
  const watching = await server.watch(`${configMaps}?watch=1&labelSelector=app%3Dweb`)
  expect(await watching.next()).toMatchObject({ type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'a' } } })
  const left = await server.call('PUT', `${configMaps}/a`, configMap('a', {}, { app: 'db' }))
  expect(await watching.next()).toMatchObject({
    type: 'DELETED',
    object: { metadata: { name: 'a', labels: { app: 'web' }, resourceVersion: left.body.metadata.resourceVersion } },
  })
  await server.call('PUT', `${configMaps}/b`, configMap('b', {}, { app: 'web' }))
  expect(await watching.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } })
  await server.call('PUT', `${configMaps}/b`, configMap('b', { x: 'y' }, { app: 'web' }))
  expect(await watching.next()).toMatchObject({ type: 'MODIFIED', object: { data: { x: 'y' } } })
  await server.call('DELETE', `${configMaps}/b`)
  const gone = await watching.next()
  expect(gone.type).toBe('DELETED')
  expect(gone.object.metadata.resourceVersion).toBe(
    (await server.call('GET', configMaps)).body.metadata.resourceVersion,
  )
  watching.end()
})

test('a watch resumes where a list left off', async () => {
  const { body } = await server.call('GET', configMaps)
  await server.call('POST', configMaps, configMap('a'))
  await server.call('DELETE', `${configMaps}/a`)
  const watching = await server.watch(`${configMaps}?watch=1&resourceVersion=${body.metadata.resourceVersion}`)
  expect([(await watching.next()).type, (await watching.next()).type]).toEqual(['ADDED', 'DELETED'])
  watching.end()
})

test('a list is given in pages of one revision', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) await server.call('POST', configMaps, configMap(name))
  const first = (await server.call('GET', `${configMaps}?limit=2`)).body
  expect(first.items.map((i: any) => i.metadata.name)).toEqual(['a', 'b'])
  expect(first.metadata.remainingItemCount).toBe(3)
  await server.call('DELETE', `${configMaps}/d`)
  const second = (await server.call('GET', `${configMaps}?limit=2&continue=${first.metadata.continue}`)).body
  expect(second.items.map((i: any) => i.metadata.name)).toEqual(['c', 'd'])
  expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  const third = (await server.call('GET', `${configMaps}?limit=2&continue=${second.metadata.continue}`)).body
  expect(third.items.map((i: any) => i.metadata.name)).toEqual(['e'])
  expect(third.metadata.continue).toBeUndefined()
})

test.each<[selector: string, limit: number, pages: string[][]]>([
  ['labelSelector=l%3Dx', 1, [['a'], ['c'], []]],
  ['labelSelector=l%3Dx', 2, [['a', 'c'], []]],
  ['labelSelector=l%3Dx', 3, [['a', 'c']]],
  ['labelSelector=l%3Dy', 1, [['b'], ['d'], ['e']]],
  ['labelSelector=l%3Dy', 3, [['b', 'd', 'e']]],
  ['labelSelector=l%3Dz', 1, [[]]],
  ['fieldSelector=metadata.name%3Da', 1, [['a']]],
  ['labelSelector=l%3Dx&resourceVersion=0', 1, [['a', 'c']]],
])('with %s and at most %d to a page, another page follows while any object does', async (selector, limit, pages) => {
  for (const [i, l] of [...'xyxyy'].entries())
    await server.call('POST', configMaps, { metadata: { name: 'abcde'[i], labels: { l } } })
  const seen: string[][] = []
  for (let query = selector; ; ) {
    const { items, metadata } = (await server.call('GET', `${configMaps}?limit=${limit}&${query}`)).body
    seen.push(items.map((item: any) => item.metadata.name))
    expect(metadata.remainingItemCount).toBeUndefined()
    if (!metadata.continue) break
    query = `${selector.replace('&resourceVersion=0', '')}&continue=${metadata.continue}`
  }
  expect(seen).toEqual(pages)
})

test('what is wrong with options is said as of an object of theirs', async () => {
  const refusal = async (method: string, query: string, body?: object) => {
    const headers: Record<string, string> = method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {}
    const { status, body: answer } = await server.call(method, `${configMaps}/none${query}`, body, headers)
    return [status, answer.reason, answer.message, answer.details?.kind]
  }
  // Who says nothing with it means something all the same: nothing is done.
  expect((await refusal('PATCH', '?dryRun=', {})).slice(0, 3)).toEqual([
    ...[422, 'Invalid'],
    'PatchOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: []string{""}: supported values: "All"',
  ])
  expect(await refusal('PATCH', '?dryRun=Some', {})).toEqual([
    ...[
      422,
      'Invalid',
      'PatchOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: []string{"Some"}: supported values: "All"',
    ],
    'PatchOptions',
  ])
  expect((await refusal('PUT', '?fieldValidation=Loose', { metadata: { name: 'none' } }))[2]).toBe(
    'UpdateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Loose": supported values: "", "Ignore", "Strict", "Warn"',
  )
  expect((await refusal('DELETE', '', { propagationPolicy: 'Later' }))[2]).toBe(
    'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Later": supported values: "Foreground", "Background", "Orphan", "nil"',
  )
  expect((await refusal('DELETE', '?propagationPolicy='))[2]).toBe(
    'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "": supported values: "Foreground", "Background", "Orphan", "nil"',
  )
  expect(await refusal('DELETE', '', { kind: 'ConfigMap', apiVersion: 'v1' })).toEqual([
    ...[400, 'BadRequest', 'the kind in the data (ConfigMap) does not match the expected kind (DeleteOptions)'],
    undefined,
  ])
})

test('of all namespaces at once there is only reading, and of a watch only watching', async () => {
  await server.call('POST', configMaps, { metadata: { name: 'kept' } })
  for (const [method, url] of [
    ['DELETE', '/api/v1/configmaps'],
    ['POST', '/api/v1/configmaps'],
    ['DELETE', '/api/v1/watch/namespaces/default/configmaps/kept'],
  ])
    expect((await server.call(method!, url!, method === 'POST' ? { metadata: { name: 'a' } } : undefined)).status).toBe(
      405,
    )
  expect((await server.call('GET', `${configMaps}/kept`)).status).toBe(200)
})
