import { expect, test } from 'vitest'
import { startTestServer } from '../testing/test-server.ts'

const apps = '/apis/apps/v1/namespaces/default'
const as = (type: string) => ({ 'content-type': `application/${type}+json` })

test('a strategic merge patch is of the type of its address, whatever type it says, as Ansible does of a scale', async () => {
  await using server = await startTestServer()
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  await server.call('POST', `${apps}/deployments`, {
    metadata: { name: 'web' },
    spec: { selector: { matchLabels: { a: 'b' } }, template },
  })
  const scale = { kind: 'Deployment', metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 3 } }
  const patch = (path: string, body: object, type: string) =>
    server.call('PATCH', `${apps}/deployments/web${path}`, body, as(type))

  const { status, body } = await patch('/scale', scale, 'strategic-merge-patch')
  expect([status, body.apiVersion, body.kind, body.spec.replicas]).toEqual([200, 'autoscaling/v1', 'Scale', 3])
  for (const said of [{ apiVersion: 'v1', kind: 'Pod' }, { apiVersion: 'a/b/c' }, { apiVersion: null, kind: null }]) {
    const same = await patch('', { ...said, spec: { replicas: 2 } }, 'strategic-merge-patch')
    expect([same.status, same.body.apiVersion, same.body.kind]).toEqual([200, 'apps/v1', 'Deployment'])
  }
  // A merge patch makes text of an object, whose type is believed.
  expect((await patch('/scale', scale, 'merge-patch')).status).toBe(422)
})
