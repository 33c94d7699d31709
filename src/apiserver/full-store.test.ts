import { expect, it } from 'vitest'
import { openMemoryStore, type Store, StoreFull } from '../db/index.ts'
import { startTestServer } from './testing/test-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'

/** Takes deletions only, as SQLite does on a full disk. */
function withoutRoom(store: Store, full: () => boolean): Store {
  const commit: Store['commit'] = (changes, ...rest) =>
    full() && changes.some(c => c.value)
      ? Promise.reject(new StoreFull('the disk of /data/state.db is full', { hint: 'Free space on it.' }))
      : store.commit(changes, ...rest)
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'commit') return commit
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

it('without room on the disk writes are answered 500 with the reason, what is read and watched goes on, and writing again', async () => {
  let full = false
  const store = withoutRoom(await openMemoryStore(), () => full)
  await using server = await startTestServer({ store })
  const make = (name: string) => server.call('POST', maps, { metadata: { name } })
  await make('a')
  await make('b')
  const { metadata } = (await server.call('GET', maps)).body
  const watching = await server.watch(`${maps}?watch=1&resourceVersion=${metadata.resourceVersion}`)
  full = true
  for (const refused of [
    await make('c'),
    await server.call('PUT', `${maps}/a`, { metadata: { name: 'a' }, data: { k: 'v' } }),
  ])
    expect(refused.body).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      code: 500,
      message: expect.stringContaining('the disk of /data/state.db is full'),
    })
  expect((await server.call('GET', `${maps}/a`)).status).toBe(200)
  expect((await server.call('DELETE', `${maps}/b`)).status).toBe(200)
  expect(await watching.next()).toMatchObject({ type: 'DELETED', object: { metadata: { name: 'b' } } })
  full = false
  expect((await make('c')).status).toBe(201)
  watching.end()
})
