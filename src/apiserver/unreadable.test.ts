import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
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

  it('need a verb of their own besides delete, and wishes that fit', async () => {
    const wish = 'ignoreStoreReadErrorWithClusterBreakingPotential=true'
    const remove = (name: string, query: string, username = 'admin') =>
      server.api.handler({
        method: 'DELETE',
        url: `${maps}/${name}?${query}`,
        headers: {},
        user: { username, groups: username === 'admin' ? ['system:masters'] : [] },
        signal: new AbortController().signal,
      })
    const text = (reply: { body: unknown }) => Buffer.from(reply.body as Uint8Array).toString()
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default'
    const rule = { apiGroups: [''], resources: ['configmaps'], verbs: ['delete'] }
    await server.call('POST', `${rbac}/roles`, { metadata: { name: 'r' }, rules: [rule] })
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' }
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'eve' }]
    await server.call('POST', `${rbac}/rolebindings`, { metadata: { name: 'r' }, roleRef, subjects })
    const forbidden = await remove('bad', wish, 'eve')
    expect(forbidden.status).toBe(403)
    expect(text(forbidden)).toContain('not permitted to do \\"unsafe-delete-ignore-read-errors\\"')
    for (const other of ['dryRun=All', 'gracePeriodSeconds=0', 'propagationPolicy=Orphan', 'orphanDependents=true']) {
      const refused = await remove('bad', `${wish}&${other}`)
      expect([refused.status, text(refused)]).toEqual([422, expect.stringContaining('cannot be set together with .')])
    }
    expect(text(await remove('a', wish))).toContain('is exclusively used to delete corrupt object(s)')
    expect((await server.call('GET', `${maps}/a`)).status).toBe(200)
    rule.verbs.push('unsafe-delete-ignore-read-errors')
    await server.call('PUT', `${rbac}/roles/r`, { metadata: { name: 'r' }, rules: [rule] })
    expect((await remove('bad', wish, 'eve')).status).toBe(200)
  })

  it('end the watches that may have shown them when they are deleted, and who resumes lists again', async () => {
    const { metadata } = (await server.call('GET', maps)).body
    const from = `resourceVersion=${metadata.resourceVersion}`
    const watching = await server.watch(`${maps}?watch=1&${from}`)
    const elsewhere = await server.watch(`/api/v1/namespaces/other/configmaps?watch=1&${from}`)
    await server.call('DELETE', `${maps}/bad?ignoreStoreReadErrorWithClusterBreakingPotential=true`)
    expect(await watching.next()).toMatchObject({ type: 'ERROR', object: { code: 500, reason: 'StorageReadError' } })
    expect(await watching.next()).toBeUndefined()
    await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'other' } })
    await server.call('POST', '/api/v1/namespaces/other/configmaps', { metadata: { name: 'x' } })
    expect((await elsewhere.next()).type).toBe('ADDED')
    elsewhere.end()
    const resumed = await server.watch(`${maps}?watch=1&${from}`)
    expect(await resumed.next()).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })
    const later = (await server.call('GET', maps)).body.metadata.resourceVersion
    const fresh = await server.watch(`${maps}?watch=1&resourceVersion=${later}`)
    await server.call('POST', maps, { metadata: { name: 'bad' } })
    expect(await fresh.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'bad' } } })
    fresh.end()
  })

  it('are all named, not only the first', async () => {
    const key = '/registry/core/configmaps/default/c'
    await store.commit([{ key, value: new Uint8Array(Buffer.from('{"kind":')) }], new Map())
    const later = await startTestServer({ store })
    const list = await later.call('GET', maps)
    expect(names(list.body)).toEqual(['a'])
    expect(String(list.headers['warning'])).toMatch(/default\/bad .*default\/c /)
    await later.api.close()
  })

  it('give no rights any more once they are deleted', async () => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1'
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }]
    await server.call('POST', `${rbac}/clusterroles`, { metadata: { name: 'reader' }, rules })
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' }
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'eve' }]
    await server.call('POST', `${rbac}/clusterrolebindings`, { metadata: { name: 'eve' }, roleRef, subjects })
    const listAsEve = async () => {
      const user = { username: 'eve', groups: [] }
      const signal = new AbortController().signal
      return (await server.api.handler({ method: 'GET', url: maps, headers: {}, user, signal })).status
    }
    expect(await listAsEve()).toBe(200)
    const key = '/registry/rbac.authorization.k8s.io/clusterrolebindings/eve'
    await store.commit([{ key, value: new Uint8Array(Buffer.from('{"kind":')) }], new Map())
    const wish = 'ignoreStoreReadErrorWithClusterBreakingPotential=true'
    await vi.waitFor(async () =>
      expect((await server.call('DELETE', `${rbac}/clusterrolebindings/eve?${wish}`)).status).toBe(200),
    )
    expect(await listAsEve()).toBe(403)
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
