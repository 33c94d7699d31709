import { describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

const base = '/apis/optiflow.dev/v1'
const services = '/api/v1/namespaces/shop/services'
const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices'

const service = (name: string, more: object = {}) => ({
  metadata: { name, labels: { app: name } },
  spec: { clusterIP: 'None', ports: [{ name: 'sql', port: 5432 }], ...more },
})
const slice = (of: string, ready: boolean[]) => ({
  metadata: { name: `${of}-x`, labels: { 'kubernetes.io/service-name': of } },
  addressType: 'IPv4',
  ports: [{ name: 'sql', port: 5000, protocol: 'TCP' }],
  endpoints: ready.map((one, i) => ({
    addresses: [`10.244.0.${i + 1}`],
    conditions: { ready: one },
    nodeName: 'n1',
    targetRef: { kind: 'Pod', name: `${of}-${i}`, namespace: 'shop' },
  })),
})
const ports = [{ name: 'sql', port: 5000, protocol: 'TCP' }]
const endpoint = (i: number, healthy: boolean) => ({
  ...{ ip: `10.244.0.${i + 1}`, ports, healthy, node: 'n1', pod: `db-${i}` },
})
const db = {
  ...{ namespace: 'shop', name: 'db', dnsName: 'db.shop.svc', outside: false, labels: { app: 'db' } },
  ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
}

async function shop(): Promise<TestServer> {
  const server = await startTestServer()
  await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'shop' } })
  await server.call('POST', services, service('db'))
  await server.call('POST', services, service('idle'))
  await server.call('POST', services, {
    metadata: { name: 'far' },
    spec: { type: 'ExternalName', externalName: 'a.b' },
  })
  await server.call('POST', slices, slice('db', [true, false]))
  return server
}

describe('the catalogue of services', () => {
  it('tells where each service is reached, and who answers', async () => {
    await using server = await shop()
    const { status, body } = await server.call('GET', `${base}/namespaces/shop/catalog`)
    expect(status).toBe(200)
    expect(body.services.map((s: any) => [s.name, s.healthy, s.address])).toEqual([
      ['db', true, undefined],
      ['far', undefined, 'a.b'],
      ['idle', false, undefined],
    ])
    expect(body.services[0]).toEqual({ ...db, healthy: true, endpoints: [endpoint(0, true), endpoint(1, false)] })
    const everywhere = await server.call('GET', `${base}/catalog`)
    expect(everywhere.body.services.map((s: any) => `${s.namespace}/${s.name}`)).toEqual(
      expect.arrayContaining(['shop/db', 'shop/idle']),
    )
  })

  it('has only what is healthy, if that is asked for, and what labels say', async () => {
    await using server = await shop()
    const healthy = await server.call('GET', `${base}/namespaces/shop/catalog?healthy=true`)
    expect(healthy.body.services).toEqual([{ ...db, healthy: true, endpoints: [endpoint(0, true)] }])
    const labelled = await server.call('GET', `${base}/namespaces/shop/catalog?labelSelector=app%3Didle`)
    expect(labelled.body.services.map((s: any) => s.name)).toEqual(['idle'])
    expect((await server.call('GET', `${base}/namespaces/shop/catalog/db`)).body.name).toBe('db')
    expect((await server.call('GET', `${base}/namespaces/shop/catalog/idle?healthy=true`)).body).toMatchObject({
      code: 404,
      message: 'no service "idle" in namespace "shop" is like that',
    })
    expect((await server.call('POST', `${base}/namespaces/shop/catalog`, {})).status).toBe(404)
  })

  it('is watched: first what is there, then each change once', async () => {
    await using server = await shop()
    const watching = await server.watch(`${base}/namespaces/shop/catalog?watch=true&healthy=true`)
    const next = async () => {
      const { type, service } = await watching.next()
      return [type, service.name, service.endpoints.length]
    }
    expect(await next()).toEqual(['ADDED', 'db', 1])
    // Of no concern: an endpoint that is not healthy goes.
    await server.call('PUT', `${slices}/db-x`, slice('db', [true]))
    await server.call('PUT', `${slices}/db-x`, slice('db', [true, true]))
    expect(await next()).toEqual(['MODIFIED', 'db', 2])
    await server.call('POST', slices, slice('idle', [true]))
    expect(await next()).toEqual(['ADDED', 'idle', 1])
    await server.call('PUT', `${slices}/db-x`, slice('db', [false, false]))
    expect(await next()).toEqual(['DELETED', 'db', 2])
    await server.call('DELETE', `${services}/idle`)
    expect(await next()).toEqual(['DELETED', 'idle', 1])
    watching.end()
    expect(await watching.next()).toBeUndefined()
  })

  it('is for those who may read it', async () => {
    await using server = await shop()
    const ask = (username: string) =>
      server.api.handler({
        ...{ method: 'GET', url: `${base}/namespaces/shop/catalog`, headers: {}, signal: new AbortController().signal },
        user: { username, groups: ['system:authenticated'] },
      })
    expect((await ask('eve')).status).toBe(403)
    await server.call('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings', {
      metadata: { name: 'eve' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', name: 'eve', apiGroup: 'rbac.authorization.k8s.io' }],
    })
    expect((await ask('eve')).status).toBe(200)
  })
})
