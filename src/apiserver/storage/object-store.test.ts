import { expect, test } from 'vitest'
import { openDelayedStore } from '../testing/delayed-store.ts'
import { startTestServer } from '../testing/test-server.ts'

const core = '/api/v1/namespaces/default'

test('what an object is counted against is not written over when it changed since it was read', async () => {
  const delayed = await openDelayedStore()
  await using server = await startTestServer({ store: delayed.store })
  const merge = { 'content-type': 'application/merge-patch+json' }
  const patch = (path: string, change: object) => server.call('PATCH', `${core}/resourcequotas/q${path}`, change, merge)
  const hard = { 'count/configmaps': '5' }
  await server.call('POST', `${core}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard } })
  await patch('/status', { status: { hard, used: { 'count/configmaps': '0' } } })
  delayed.before = () => patch('', { metadata: { labels: { kept: 'yes' } } })
  const made = await server.call('POST', `${core}/configmaps`, { metadata: { name: 'c' } })
  expect(made.body.message).toBeUndefined()
  const { body } = await server.call('GET', `${core}/resourcequotas/q`)
  expect([body.metadata.labels, body.status.used]).toEqual([{ kept: 'yes' }, { 'count/configmaps': '1' }])
})
