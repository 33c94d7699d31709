import { expect, test } from 'vitest'
import { openMemoryStore, type Store } from '../../db/index.ts'
import { startTestServer } from '../testing/test-server.ts'

const core = '/api/v1/namespaces/default'

test('what an object is counted against is not written over when it changed since it was read', async () => {
  const store = await openMemoryStore()
  let meanwhile: (() => Promise<unknown>) | undefined
  const commit: Store['commit'] = async (changes, seen, author) => {
    const act = changes.some(c => c.key.includes('/configmaps/')) ? meanwhile : undefined
    if (act) meanwhile = undefined
    await act?.()
    return store.commit(changes, seen, author)
  }
  const delayed: Store = new Proxy(store, {
    get: (target, name) => {
      const found = name === 'commit' ? commit : Reflect.get(target, name)
      return typeof found === 'function' ? found.bind(target) : found
    },
  })
  await using server = await startTestServer({ store: delayed })
  const merge = { 'content-type': 'application/merge-patch+json' }
  const patch = (path: string, change: object) => server.call('PATCH', `${core}/resourcequotas/q${path}`, change, merge)
  const hard = { 'count/configmaps': '5' }
  await server.call('POST', `${core}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard } })
  await patch('/status', { status: { hard, used: { 'count/configmaps': '0' } } })
  meanwhile = () => patch('', { metadata: { labels: { kept: 'yes' } } })
  const made = await server.call('POST', `${core}/configmaps`, { metadata: { name: 'c' } })
  expect(made.body.message).toBeUndefined()
  const { body } = await server.call('GET', `${core}/resourcequotas/q`)
  expect([body.metadata.labels, body.status.used]).toEqual([{ kept: 'yes' }, { 'count/configmaps': '1' }])
})
