import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { openMemoryStore } from '../db/index.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }

describe('the past through the API', () => {
  let clock: VirtualClock
  let server: TestServer
  beforeEach(async () => {
    clock = new VirtualClock()
    server = await startTestServer({ clock, store: await openMemoryStore({ clock }) })
    await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } })
  })
  afterEach(() => server[Symbol.asyncDispose]())

  const create = async (name: string, data: Record<string, string>) =>
    (await server.call('POST', `${maps}?fieldManager=alice`, { metadata: { name }, data })).body
  const change = async (name: string, data: Record<string, string | null>, manager = 'bob') =>
    (
      await server.call(
        'PATCH',
        `${maps}/${name}?fieldManager=${manager}`,
        { data },
        {
          'content-type': 'application/merge-patch+json',
        },
      )
    ).body
  const time = () => new Date(clock.now()).toISOString()

  it('shows an object as it was at a time and at a revision, deleted ones too', async () => {
    const first = await create('a', { x: '1' })
    const then = time()
    await clock.advance(60_000)
    await change('a', { x: '2' })
    await clock.advance(60_000)
    await server.call('DELETE', `${maps}/a`)
    const byTime = await server.call('GET', `${maps}/a?asOf=${then}`)
    expect(byTime).toMatchObject({ status: 200, body: first })
    expect((await server.call('GET', `${maps}/a?asOf=${first.metadata.resourceVersion}`)).body).toEqual(first)
    expect((await server.call('GET', `${maps}/a`)).status).toBe(404)
    expect((await server.call('GET', `${maps}/a?asOf=${time()}`)).status).toBe(404)
    const rows = (await server.call('GET', `${maps}/a?asOf=${then}`, undefined, table)).body.rows
    expect(rows.map((r: { cells: unknown[] }) => r.cells[0])).toEqual(['a'])
  })

  it('shows a list as it was, with selectors, in pages and as a table', async () => {
    for (const name of ['a', 'b', 'c']) await create(name, { x: '1' })
    const then = time()
    await clock.advance(60_000)
    await server.call('DELETE', `${maps}/b`)
    await create('d', {})
    const names = (body: { items: { metadata: { name: string } }[] }) =>
      body.items.map(i => i.metadata.name).filter(n => n.length === 1)
    expect(names((await server.call('GET', `${maps}?asOf=${then}`)).body)).toEqual(['a', 'b', 'c'])
    expect(names((await server.call('GET', `${maps}?asOf=${then}&fieldSelector=metadata.name%3Db`)).body)).toEqual([
      'b',
    ])
    const page = (await server.call('GET', `${maps}?asOf=${then}&limit=2`)).body
    expect(names(page)).toEqual(['a', 'b'])
    const rest = (await server.call('GET', `${maps}?limit=2&continue=${page.metadata.continue}`)).body
    expect([...names(page), ...names(rest)]).toEqual(['a', 'b', 'c'])
    const { rows } = (await server.call('GET', `${maps}?asOf=${then}`, undefined, table)).body
    expect(rows.map((r: { cells: unknown[] }) => r.cells[0])).toEqual(expect.arrayContaining(['a', 'b', 'c']))
  })

  it('says 410 beyond the history, and 400 for what is no moment', async () => {
    await create('a', { x: '1' })
    const early = (await server.store.revision()) - 1n
    const then = time()
    await clock.advance(60_000)
    const later = await change('a', { x: '2' })
    await server.store.compact(BigInt(later.metadata.resourceVersion))
    for (const path of [`${maps}/a`, maps])
      for (const asOf of [then, early]) {
        const { status, body } = await server.call('GET', `${path}?asOf=${asOf}`)
        expect([status, body.reason]).toEqual([410, 'Expired'])
        expect(body.message).toContain(`goes back to revision ${later.metadata.resourceVersion}`)
      }
    for (const query of ['asOf=yesterday', 'asOf=999999', `asOf=${then}&resourceVersion=5`])
      expect((await server.call('GET', `${maps}/a?${query}`)).status).toBe(400)
    expect((await server.call('GET', `${maps}?watch=1&asOf=${then}`)).status).toBe(400)
    expect((await server.call('DELETE', `${maps}/a?asOf=${then}`)).status).toBe(400)
  })

  it('lets see what was only who may see what is', async () => {
    await create('a', { x: '1' })
    const nobody = { 'impersonate-user': 'nobody' }
    for (const query of [`asOf=${time()}`, 'history=true'])
      expect((await server.call('GET', `${maps}/a?${query}`, undefined, nobody)).status).toBe(403)
    expect((await server.call('GET', `${maps}?asOf=${time()}`, undefined, nobody)).status).toBe(403)
  })

  it('tells each revision of an object: when, by whom, which fields', async () => {
    await create('a', { x: '1', y: '1' })
    await clock.advance(60_000)
    await change('a', { x: '2', y: null, z: '3' })
    await clock.advance(60_000)
    const at = clock.now()
    await server.call('DELETE', `${maps}/a`)
    const { body } = await server.call('GET', `${maps}/a?history=true`)
    const told = body.items.map((i: any) => ({
      type: i.type,
      ago: at - Date.parse(i.time),
      by: i.by,
      fields: i.fields,
    }))
    expect(told).toEqual([
      { type: 'Deleted', ago: 0, by: ['admin'], fields: [] },
      {
        type: 'Changed',
        ago: 60_000,
        by: ['bob'],
        fields: [
          { path: 'data.x', from: '1', to: '2' },
          { path: 'data.z', to: '3' },
          { path: 'data.y', from: '1' },
        ],
      },
      { type: 'Created', ago: 120_000, by: ['alice'], fields: [] },
    ])
    expect(body.items[1].object.data).toEqual({ x: '2', z: '3' })
    const page = (await server.call('GET', `${maps}/a?history=true&limit=1`)).body
    expect(page.items).toEqual(body.items.slice(0, 1))
    const next = (await server.call('GET', `${maps}/a?history=true&limit=1&before=${page.metadata.before}`)).body
    expect(next.items).toEqual(body.items.slice(1, 2))
    expect((await server.call('GET', `${maps}/never?history=true`)).status).toBe(404)
  })

  it('tells who asked for each change and by which request, deletions included', async () => {
    const named = await server.call('POST', maps, { metadata: { name: 'a' } }, { 'audit-id': 'mine' })
    const changed = await server.call('PUT', `${maps}/a`, { metadata: { name: 'a' }, data: { x: '1' } })
    const impersonated = { 'impersonate-user': 'jane', 'impersonate-group': 'system:masters' }
    const gone = await server.call('DELETE', `${maps}/a`, undefined, impersonated)
    const { items } = (await server.call('GET', `${maps}/a?history=true`)).body
    expect(items.map((i: any) => [i.type, i.user, i.auditID])).toEqual([
      ['Deleted', 'jane', gone.headers['audit-id']],
      ['Changed', 'admin', changed.headers['audit-id']],
      ['Created', 'admin', 'mine'],
    ])
    expect(named.headers['audit-id']).toBe('mine')
  })
})
