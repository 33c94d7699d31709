import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openMemoryStore, type Store } from '../db/index.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'

describe('objects that cannot be decoded', () => {
  let store: Store
  let server: TestServer
  beforeEach(async () => {
    store = await openMemoryStore()
    const first = await startTestServer({ store })
    await first.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } })
    for (const name of ['a', 'bad', 'c']) await first.call('POST', maps, { metadata: { name } })
    await first.api.close()
    const key = '/registry/core/configmaps/default/bad'
    const bytes = Buffer.from((await store.get(key))!.value)
    bytes[bytes.length - 1] = 0x22
    await store.commit([{ key, value: new Uint8Array(bytes) }], new Map())
    server = await startTestServer({ store })
  })
  afterEach(() => server[Symbol.asyncDispose]())

  const names = (body: any) => body.items.map((i: any) => i.metadata.name).filter((n: string) => n.length < 4)

  it('are left out of lists, which name them', async () => {
    for (const accept of ['application/json', 'application/yaml']) {
      const list = await server.call('GET', maps, undefined, { accept })
      expect(list.status).toBe(200)
      expect(String(list.headers['warning'])).toContain('/registry/core/configmaps/default/bad')
    }
    expect(names((await server.call('GET', maps)).body)).toEqual(['a', 'c'])
    const past = await server.call('GET', `${maps}?asOf=${await store.revision()}`)
    expect(names(past.body)).toEqual(['a', 'c'])
    expect(String(past.headers['warning'])).toContain('configmaps/default/bad')
  })

  it('say so when they are asked for, and can be looked at as they were', async () => {
    const { status, body } = await server.call('GET', `${maps}/bad`)
    expect([status, body.reason]).toEqual([500, 'StorageReadError'])
    expect(body.message).toContain('/registry/core/configmaps/default/bad')
    const { items } = (await server.call('GET', `${maps}/bad?history=true`)).body
    expect(items.map((i: any) => [i.type, i.object?.metadata.name, i.error !== undefined])).toEqual([
      ['Changed', undefined, true],
      ['Created', 'bad', false],
    ])
    const all = (await server.call('GET', '/optiflow/unreadable')).body.items
    expect(all).toMatchObject([{ key: '/registry/core/configmaps/default/bad', namespace: 'default', name: 'bad' }])
  })

  it('are deleted by whoever asks for exactly that', async () => {
    expect((await server.call('DELETE', `${maps}/bad`)).status).toBe(500)
    const wish = 'ignoreStoreReadErrorWithClusterBreakingPotential=true'
    expect((await server.call('DELETE', `${maps}/bad?${wish}`)).status).toBe(200)
    expect((await server.call('GET', `${maps}/bad`)).status).toBe(404)
    expect((await server.call('GET', maps)).headers['warning']).toBeUndefined()
  })

  it('are no deletion to those who watch', async () => {
    const { metadata } = (await server.call('GET', maps)).body
    const watching = await server.watch(`${maps}?watch=1&resourceVersion=${metadata.resourceVersion}`)
    const key = '/registry/core/configmaps/default/a'
    await store.commit([{ key, value: new Uint8Array(Buffer.from('{"kind":"ConfigMap"')) }], new Map())
    await server.call('PATCH', `${maps}/c`, { data: { x: '1' } }, { 'content-type': 'application/merge-patch+json' })
    expect((await watching.next()).object.metadata.name).toBe('c')
    watching.end()
  })
})
