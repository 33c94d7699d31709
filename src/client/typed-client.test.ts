import { describe, expect, test } from 'vitest'
import { ApiError } from '../models/api-error.ts'
import { ConfigMap as ConfigMapKind, Lease as LeaseKind } from '../models/kinds/index.ts'
import { createBench } from './testing/index.ts'

const draft = { metadata: { namespace: 'a', name: 'x' }, data: { k: 'v' } }

describe('the typed client', () => {
  test('addresses core and grouped kinds, objects, collections and subresources', async () => {
    const { api, client } = createBench()
    await client.create(ConfigMapKind, draft)
    await client.create(
      LeaseKind,
      { metadata: { namespace: 'a', name: 'l' }, spec: {} },
      { dryRun: true, fieldManager: 'm' },
    )
    await client.list(ConfigMapKind, { labelSelector: 'a=b', limit: 5 })
    await client.get(ConfigMapKind, { namespace: 'a', name: 'x' })
    await client.patch(ConfigMapKind, { namespace: 'a', name: 'x' }, { type: 'merge', body: { data: { k: 'w' } } })
    await client.post(ConfigMapKind, { namespace: 'a', name: 'x' }, 'token', {})
    await client.delete(ConfigMapKind, { namespace: 'a', name: 'x' })
    expect(api.requests).toEqual([
      'POST /api/v1/namespaces/a/configmaps',
      'POST /apis/coordination.k8s.io/v1/namespaces/a/leases?fieldManager=m&dryRun=All',
      'GET /api/v1/configmaps?labelSelector=a%3Db&limit=5',
      'GET /api/v1/namespaces/a/configmaps/x',
      'PATCH /api/v1/namespaces/a/configmaps/x',
      'POST /api/v1/namespaces/a/configmaps/x/token',
      'DELETE /api/v1/namespaces/a/configmaps/x',
    ])
  })

  test('gives every object its apiVersion and kind, list items too', async () => {
    const { client } = createBench()
    await client.create(ConfigMapKind, draft)
    const { items } = await client.list(ConfigMapKind, { namespace: 'a' })
    expect(items.map(i => [i.apiVersion, i.kind, i.metadata.name])).toEqual([['v1', 'ConfigMap', 'x']])
  })

  test("throws the server's refusal as ApiError with reason and details", async () => {
    const { client } = createBench()
    const failure = client.get(ConfigMapKind, { namespace: 'a', name: 'no' })
    await expect(failure).rejects.toMatchObject({ reason: 'NotFound', code: 404, message: 'configmaps "no" not found' })
  })

  test('reports an answer in prose, as from a proxy, as ApiError too', async () => {
    const { api, client } = createBench()
    api.intercept = () => ({ status: 503, headers: {}, body: Buffer.from('upstream gone') })
    const failure = client.get(ConfigMapKind, { namespace: 'a', name: 'x' })
    await expect(failure).rejects.toMatchObject({
      reason: 'ServiceUnavailable',
      message: 'upstream gone',
      retriable: true,
    })
  })

  test('ends a watch with the error that the stream carries', async () => {
    const { api, client } = createBench()
    await client.create(ConfigMapKind, draft)
    api.forgetHistory()
    const { signal } = new AbortController()
    const read = async () => {
      for await (const _ of client.watch(ConfigMapKind, { resourceVersion: '0', signal }));
    }
    await expect(read()).rejects.toSatisfy(e => e instanceof ApiError && e.code === 410)
  })

  test('refuses to address a namespaced object without its namespace', async () => {
    const { client } = createBench()
    await expect(client.get(ConfigMapKind, { name: 'x' })).rejects.toThrow(
      'ConfigMap "x" is addressed without the namespace',
    )
  })
})
