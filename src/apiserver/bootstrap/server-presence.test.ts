import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { openMemoryStore, type Store } from '../../db/index.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

const clusterInfo = '/api/v1/namespaces/kube-public/configmaps/cluster-info'

describe('the endpoints of the kubernetes Service', () => {
  let clock: VirtualClock
  let store: Store
  const started: TestServer[] = []
  beforeEach(async () => {
    clock = new VirtualClock()
    store = await openMemoryStore({ clock })
  })
  afterEach(async () => {
    for (const { api } of started.splice(0)) await api.close()
    await store[Symbol.asyncDispose]()
  })

  async function start(shared = true): Promise<TestServer> {
    const own: Store = new Proxy(store, {
      get: (target, name) => {
        if (name === 'commit' && dead.has(own)) return () => Promise.reject(new Error('dead'))
        const found = Reflect.get(target, name)
        return typeof found === 'function' ? found.bind(target) : found
      },
    })
    const server = await startTestServer({ clock, store: own, shared, clientCa: 'PEM' })
    started.push(server)
    return server
  }
  const dead = new Set<Store>()
  /** It can no longer write, but nobody has told the others. */
  const kill = (server: TestServer) => dead.add(server.store)
  async function endpoints(server: TestServer): Promise<string[]> {
    const slices = (await server.call('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices')).body.items
    const { body } = await server.call('GET', '/api/v1/namespaces/default/endpoints/kubernetes')
    const inSlices = slices.flatMap((s: any) =>
      s.endpoints.flatMap((e: any) => e.addresses.map((a: string) => `${s.metadata.name} ${a}:${s.ports[0].port}`)),
    )
    const inEndpoints = body.subsets.flatMap((s: any) => s.addresses.map((a: any) => `${a.ip}:${s.ports[0].port}`))
    expect(inSlices.map((text: string) => text.split(' ')[1])).toEqual(inEndpoints)
    return inSlices
  }
  const leases = async (server: TestServer) =>
    (await server.call('GET', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases')).body.items.length

  it('are those of all servers, and only of one that serves alone', async () => {
    const [a, b] = [await start(), await start()]
    await a.api.publish('10.0.0.1', 6443)
    await b.api.publish('10.0.0.2', 6443)
    expect(await endpoints(a)).toEqual(['kubernetes 10.0.0.1:6443', 'kubernetes 10.0.0.2:6443'])
    await clock.advance(60_000)
    expect(await endpoints(b)).toEqual(['kubernetes 10.0.0.1:6443', 'kubernetes 10.0.0.2:6443'])
    const alone = await start(false)
    await alone.api.publish('10.0.0.3', 6443)
    expect(await endpoints(alone)).toEqual(['kubernetes 10.0.0.3:6443'])
  })

  it('lose one that is dead when its Lease has run out, and have it again when it is back', async () => {
    const [a, b] = [await start(), await start()]
    await a.api.publish('10.0.0.1', 6443)
    await b.api.publish('10.0.0.2', 6443)
    kill(a)
    await clock.advance(10_000)
    expect(await endpoints(b)).toHaveLength(2)
    await clock.advance(15_000)
    expect(await endpoints(b)).toEqual(['kubernetes 10.0.0.2:6443'])
    expect(await leases(b)).toBe(1)
    const again = await start()
    await again.api.publish('10.0.0.1', 6443)
    expect(await endpoints(b)).toHaveLength(2)
  })

  it('lose one at once when it stops in peace; the last one leaves them as they are', async () => {
    const [a, b] = [await start(), await start()]
    await a.api.publish('10.0.0.1', 6443)
    await b.api.publish('10.0.0.2', 6443)
    await a.api.close()
    expect(await endpoints(b)).toEqual(['kubernetes 10.0.0.2:6443'])
    await b.api.close()
    const next = await start()
    expect(await endpoints(next)).toEqual(['kubernetes 10.0.0.2:6443'])
  })

  it('leave cluster-info with the server that it names, until that is gone', async () => {
    const named = async (server: TestServer) =>
      /server: (.*)/.exec((await server.call('GET', clusterInfo)).body.data.kubeconfig)?.[1]
    const [a, b] = [await start(), await start()]
    await a.api.publish('10.0.0.1', 6443)
    await b.api.publish('10.0.0.2', 6443)
    const { resourceVersion } = (await a.call('GET', clusterInfo)).body.metadata
    await clock.advance(60_000)
    expect(await named(b)).toBe('https://10.0.0.1:6443')
    expect((await b.call('GET', clusterInfo)).body.metadata.resourceVersion).toBe(resourceVersion)
    kill(a)
    await clock.advance(25_000)
    expect(await named(b)).toBe('https://10.0.0.2:6443')
    const c = await start()
    await c.api.publish('10.0.0.3', 6443)
    expect(await named(c)).toBe('https://10.0.0.2:6443')
    await b.api.close()
    expect(await named(c)).toBe('https://10.0.0.3:6443')
  })

  it('have a slice of its own for each port, which goes with its last server', async () => {
    const [a, b] = [await start(), await start()]
    await a.api.publish('10.0.0.1', 6443)
    await b.api.publish('10.0.0.1', 7443)
    expect(await endpoints(a)).toEqual(['kubernetes 10.0.0.1:6443', 'kubernetes-7443 10.0.0.1:7443'])
    await b.api.close()
    expect(await endpoints(a)).toEqual(['kubernetes 10.0.0.1:6443'])
  })
})
