import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { admin, startTestServer, type TestServer } from '../apiserver/testing/test-server.ts'
import { createAuthority, issueCertificate } from '../base/certificates.ts'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { systemRandom } from '../base/random.ts'
import { listenWeb } from '../base/web-server.ts'
import {
  type Client,
  createClient,
  createInformers,
  createReconcilerRunner,
  type InformerSet,
  inProcessTransport,
  type ReconcilerRunner,
} from '../client/index.ts'
import { EndpointSlice, Event, Namespace, RoutePolicy, Secret, Service } from '../models/kinds/index.ts'
import { AskedPorts } from './asked-ports.ts'
import { EmbeddedPlane } from './embedded.ts'
import { type Gateway, openGateway } from './gateway.ts'
import { GatewayClass, Gateway as GatewayKind, HTTPRoute, type ParentReference, ReferenceGrant } from './kinds/index.ts'
import { embeddedEngine } from './plan/engine.ts'
import { type PortTaken, portsOfServices } from './plan/held-ports.ts'
import { AttachedOnce } from './status/attached.ts'
import { gatewayClassStatusReconciler } from './status/gateway-class-status.ts'
import { gatewayStatusReconciler } from './status/gateway-status.ts'
import { routePolicyStatusReconciler } from './status/route-policy-status.ts'
import { httpRouteStatusReconciler } from './status/route-status.ts'

const portTaken: PortTaken = services => port =>
  port === 6443 ? 'the API server' : portsOfServices(services, true).get(port)
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** The API takes no endpoint on loopback: this one stands for the backend there. */
const endpointAddress = '192.0.2.7'

function onLoopback(informers: InformerSet): InformerSet {
  const moved = (slice: EndpointSlice) => ({
    ...slice,
    endpoints: [{ ...slice.endpoints![0]!, addresses: ['127.0.0.1'] }],
  })
  return {
    ...informers,
    for(kind: any, selectors?: any): any {
      const informer = informers.for<any>(kind, selectors)
      if (kind !== EndpointSlice) return informer
      return {
        get synced() {
          return informer.synced
        },
        ready: (signal?: AbortSignal) => informer.ready(signal),
        subscribe: (handler: any) => informer.subscribe(handler),
        addIndex: (name: string, values: any) => informer.addIndex(name, values),
        byIndex: (name: string, value: string) => informer.byIndex(name, value).map(moved),
      }
    },
  }
}

// The whole way, over real sockets: API objects, their statuses, requests.
describe('Gateway API', () => {
  let server: TestServer
  let client: Client
  let informers: InformerSet
  let runner: ReconcilerRunner
  let gateway: Gateway
  let backend: http.Server

  beforeAll(async () => {
    server = await startTestServer()
    client = createClient(inProcessTransport(server.api.handler, admin))
    const outside = { clock: systemClock, random: systemRandom, log: silentLogger, client }
    informers = createInformers(outside)
    const authority = await createAuthority('test', systemClock)
    const pair = await issueCertificate(
      authority,
      { commonName: 'a', dnsNames: ['a.test'], usages: ['server'] },
      systemClock,
    )
    const at = { host: '127.0.0.1', port: 0 }
    gateway = await openGateway({
      ...{ ...outside, informers: onLoopback(informers), portTaken, engine: embeddedEngine },
      doors: { plain: at, secure: at, held: true },
      plane: new EmbeddedPlane({ ...outside, listen: listenWeb, net: systemNet, ownCertificate: pair }),
    })
    await gateway.ready()
    await gateway.routesReady()
    const attached = new AttachedOnce(portTaken, embeddedEngine, new AskedPorts())
    runner = createReconcilerRunner({
      ...{ ...outside, informers, strict: true },
      reconcilers: [
        gatewayClassStatusReconciler(),
        gatewayStatusReconciler(['192.0.2.1'], attached),
        httpRouteStatusReconciler(attached),
        routePolicyStatusReconciler(attached),
      ],
    })
    await runner.start()
    backend = http.createServer((request, response) => response.end(`${request.headers.host}${request.url}`))
    await new Promise<void>(done => backend.listen(0, '127.0.0.1', done))
    for (const namespace of ['default', 'other']) {
      if (namespace !== 'default')
        await client.create(Namespace, { metadata: { name: namespace, labels: { team: 'b' } } } as any)
      await client.create(Service, {
        metadata: { namespace, name: 'web' },
        spec: { ports: [{ port: 80, targetPort: 8080 as any }] },
      } as any)
      await client.create(EndpointSlice, {
        metadata: { namespace, name: 'web', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        ports: [{ name: '', port: (backend.address() as AddressInfo).port, protocol: 'TCP' }],
        endpoints: [{ addresses: [endpointAddress], conditions: { ready: true } }],
      } as any)
      await client.create(Secret, {
        metadata: { namespace, name: 'pair' },
        type: 'kubernetes.io/tls',
        data: { 'tls.crt': base64(pair.cert), 'tls.key': base64(pair.key) },
      } as any)
    }
  })
  afterAll(async () => {
    await runner.stop()
    await gateway[Symbol.asyncDispose]()
    await informers[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    backend.closeAllConnections()
    backend.close()
  })

  const listener = (name: string, more: object = {}) => ({ name, port: 80, protocol: 'HTTP', ...more })
  async function makeGateway(name: string, ...listeners: object[]) {
    await client.create(GatewayKind, {
      metadata: { namespace: 'default', name },
      spec: { gatewayClassName: 'optiflow', listeners },
    } as any)
  }
  async function makeRoute(name: string, parent: Partial<ParentReference>, more: object = {}, namespace = 'default') {
    const spec = {
      parentRefs: [{ name: 'main', ...parent }],
      hostnames: [`${name}.test`],
      rules: [{ backendRefs: [{ name: 'web', port: 80 }] }],
      ...more,
    }
    await client.create(HTTPRoute, { metadata: { namespace, name }, spec } as any)
  }
  const short = (conditions: any[] = []) =>
    Object.fromEntries(conditions.map(c => [c.type, c.reason === c.type ? c.status : `${c.status} ${c.reason}`]))
  const statusOf = async (kind: any, name: string, namespace = 'default'): Promise<any> =>
    (await client.get<any>(kind, kind.scope === 'Cluster' ? { name } : { namespace, name })).status
  const routeStatus = async (name: string, namespace?: string) =>
    short((await statusOf(HTTPRoute, name, namespace))?.parents[0]?.conditions)
  const listenerStatus = async (name: string, at: number) =>
    short((await statusOf(GatewayKind, name)).listeners?.[at]?.conditions)

  function ask(host: string, path = '/', port = gateway.port): Promise<string> {
    return new Promise((resolve, reject) => {
      http
        .get({ host: '127.0.0.1', port, path, agent: false, headers: { host } }, async response => {
          const body = Buffer.concat(await response.toArray()).toString()
          resolve(response.statusCode === 200 ? body : String(response.statusCode))
        })
        .on('error', reject)
    })
  }
  const freePort = () =>
    new Promise<number>(resolve => {
      const probe = http.createServer().listen(0, '127.0.0.1', () => {
        const { port } = probe.address() as AddressInfo
        probe.close(() => resolve(port))
      })
    })
  const settled = { timeout: 18_000, interval: 5 }

  test('accepts its class, serves a Gateway and a route, and says so in their statuses', async () => {
    await makeGateway(
      'main',
      listener('http', {
        hostname: 'guest.test',
        allowedRoutes: { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'b' } } } },
      }),
      listener('own', { hostname: '*.test' }),
    )
    await makeRoute('hello', {})
    await expect.poll(() => ask('hello.test', '/x'), settled).toBe('hello.test/x')
    await expect.poll(() => routeStatus('hello'), settled).toEqual({ Accepted: 'True', ResolvedRefs: 'True' })
    expect(short((await statusOf(GatewayClass, 'optiflow')).conditions)).toEqual({ Accepted: 'True' })
    await expect
      .poll(async () => (await statusOf(GatewayKind, 'main')).listeners?.map((l: any) => l.attachedRoutes), settled)
      .toEqual([0, 1])
    const status = await statusOf(GatewayKind, 'main')
    expect(status.addresses).toEqual([{ type: 'IPAddress', value: '192.0.2.1' }])
    expect(short(status.conditions)).toEqual({ Accepted: 'True', Programmed: 'True' })
    expect(short(status.listeners[1].conditions)).toEqual({
      Accepted: 'True',
      Programmed: 'True',
      ResolvedRefs: 'True',
      Conflicted: 'False NoConflicts',
    })
    expect(await ask('hello.other')).toBe('404')
  })

  test.each([
    ['names no listener of the gateway', 'nolistener', { sectionName: 'gone' }, {}, 'False NoMatchingParent'],
    ['names another port', 'noport', { port: 81 }, {}, 'False NoMatchingParent'],
    [
      'has no host in common',
      'nohost',
      { sectionName: 'own' },
      { hostnames: ['a.example'] },
      'False NoMatchingListenerHostname',
    ],
    ['is not let in by the listener', 'notlet', { sectionName: 'http' }, {}, 'False NotAllowedByListeners'],
  ])('a route that %s is refused with the reason', async (_title, name, parent, more, accepted) => {
    await makeRoute(name, parent, more)
    await expect.poll(async () => (await routeStatus(name))['Accepted'], settled).toBe(accepted)
    expect(await ask(`${name}.test`)).toBe('404')
  })

  test.each([
    ['is not there', 'nothere', { name: 'gone', port: 80 }, 'False BackendNotFound'],
    ['is no Service', 'noservice', { name: 'web', kind: 'Pod', port: 80 }, 'False InvalidKind'],
    ['is of another namespace', 'notgranted', { name: 'web', namespace: 'other', port: 80 }, 'False RefNotPermitted'],
  ])('a backend that %s is said to be so, and its requests get 500', async (_title, name, backendRef, resolved) => {
    await makeRoute(name, {}, { rules: [{ backendRefs: [backendRef] }] })
    await expect.poll(() => routeStatus(name), settled).toEqual({ Accepted: 'True', ResolvedRefs: resolved })
    await expect.poll(() => ask(`${name}.test`), settled).toBe('500')
  })

  test('a ReferenceGrant opens another namespace, and its deletion closes it again', async () => {
    await client.create(ReferenceGrant, {
      metadata: { namespace: 'other', name: 'web' },
      spec: {
        from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'default' }],
        to: [{ group: '', kind: 'Service', name: 'web' }],
      },
    } as any)
    await expect.poll(() => ask('notgranted.test'), settled).toBe('notgranted.test/')
    await expect.poll(async () => (await routeStatus('notgranted'))['ResolvedRefs'], settled).toBe('True')
    await client.delete(ReferenceGrant, { namespace: 'other', name: 'web' })
    await expect.poll(() => ask('notgranted.test'), settled).toBe('500')
  })

  test('routes of another namespace come in where the listener selects it', async () => {
    await makeRoute('guest', { namespace: 'default' }, {}, 'other')
    await expect.poll(() => ask('guest.test'), settled).toBe('guest.test/')
    await expect.poll(() => routeStatus('guest', 'other'), settled).toEqual({ Accepted: 'True', ResolvedRefs: 'True' })
  })

  test('an idle connection is kept for a minute: one that ends as its next request comes loses it', async () => {
    const agent = new http.Agent({ keepAlive: true })
    const said = await new Promise<string>((resolve, reject) => {
      const headers = { host: 'hello.test' }
      http
        .get({ host: '127.0.0.1', port: gateway.port, agent, headers }, reply =>
          resolve(String(reply.headers['keep-alive'])),
        )
        .on('error', reject)
    })
    agent.destroy()
    expect(said).toBe('timeout=60')
  })

  test('the rule that says most wins, wherever it stands', async () => {
    const to = (tag: string) => ({
      filters: [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: `/${tag}` } } }],
      backendRefs: [{ name: 'web', port: 80 }],
    })
    await makeRoute(
      'most',
      { sectionName: 'own' },
      {
        rules: [
          { ...to('any') },
          { matches: [{ path: { value: '/a' } }], ...to('prefix') },
          { matches: [{ path: { value: '/a' }, queryParams: [{ name: 'q', value: '1' }] }], ...to('query') },
          { matches: [{ path: { value: '/a' }, headers: [{ name: 'X-One', value: '1' }] }], ...to('header') },
          {
            matches: [
              {
                path: { value: '/a' },
                method: 'GET',
                headers: [{ name: 'X-Two', value: '.+', type: 'RegularExpression' }],
              },
            ],
            ...to('method'),
          },
          { matches: [{ path: { value: '/a/b' } }], ...to('longer') },
          { matches: [{ path: { type: 'Exact', value: '/a/b' } }], ...to('exact') },
          { matches: [{ path: { type: 'RegularExpression', value: '/r[0-9]+' } }], ...to('pattern') },
        ],
      },
    )
    const at = (path: string, headers: Record<string, string> = {}) =>
      new Promise<string>((resolve, reject) => {
        http
          .get({ host: '127.0.0.1', port: gateway.port, path, headers: { host: 'most.test', ...headers } }, async r =>
            resolve(Buffer.concat(await r.toArray()).toString()),
          )
          .on('error', reject)
      })
    await expect.poll(() => at('/'), settled).toBe('most.test/any')
    expect(await at('/a')).toBe('most.test/prefix')
    expect(await at('/ab')).toBe('most.test/any')
    expect(await at('/a?q=1')).toBe('most.test/query?q=1')
    expect(await at('/a?q=1', { 'x-one': '1' })).toBe('most.test/header?q=1')
    expect(await at('/a', { 'x-one': '1', 'x-two': 'yes' })).toBe('most.test/method')
    expect(await at('/a/b')).toBe('most.test/exact')
    expect(await at('/a/b/c')).toBe('most.test/longer')
    expect(await at('/r17')).toBe('most.test/pattern')
    expect(await at('/r17x')).toBe('most.test/any')
  })

  test('a listener on a port of its own is opened, and closed when it goes', async () => {
    const free = await freePort()
    await makeGateway('own', listener('more', { port: free }))
    await makeRoute('port', { name: 'own' })
    await expect.poll(() => ask('port.test', '/', free).catch(() => 'closed'), settled).toBe('port.test/')
    expect(await ask('port.test')).toBe('404')
    await client.delete(GatewayKind, { namespace: 'default', name: 'own' })
    await expect.poll(() => ask('port.test', '/', free).catch(() => 'closed'), settled).toBe('closed')
  })

  test('a port that a Service has of the nodes is not served, and the Gateway says whose it is', async () => {
    const free = await freePort()
    const key = { namespace: 'default', name: 'taker' }
    const service = await client.create(Service, {
      metadata: key,
      spec: { type: 'LoadBalancer', ports: [{ port: free }], allocateLoadBalancerNodePorts: false },
    })
    await makeGateway('late', listener('http', { port: free }))
    await expect.poll(() => listenerStatus('late', 0), settled).toMatchObject({ Accepted: 'True', Programmed: 'True' })
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' as const }] } }
    await client.updateStatus(Service, { ...service, status })
    await expect
      .poll(() => listenerStatus('late', 0), settled)
      .toMatchObject({ Accepted: 'False PortUnavailable', Programmed: 'False Invalid' })
    const message = `listener http: port ${free} belongs to the load balancer of Service default/taker`
    const told = async () => (await client.list(Event, { namespace: 'default' })).items.map(e => [e.reason, e.message])
    await expect.poll(told, settled).toContainEqual(['PortUnavailable', message])
    await client.delete(Service, key)
    await expect.poll(() => listenerStatus('late', 0), settled).toMatchObject({ Accepted: 'True', Programmed: 'True' })
    await client.delete(GatewayKind, { namespace: 'default', name: 'late' })
  })

  test('what cannot be served is said of the listener', async () => {
    await makeGateway(
      'bad',
      listener('tls', { port: 443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'gone' }] } }),
      listener('theirs', {
        port: 443,
        protocol: 'HTTPS',
        hostname: 'x.test',
        tls: { certificateRefs: [{ name: 'pair', namespace: 'other' }] },
      }),
      listener('api', { port: 6443 }),
      listener('sctp', { port: 9, protocol: 'SCTP' }),
      listener('kinds', { hostname: 'kinds.test', allowedRoutes: { kinds: [{ kind: 'TCPRoute' }] } }),
      listener('clash', { port: 443, hostname: 'plain.test' }),
    )
    await expect
      .poll(() => listenerStatus('bad', 0), settled)
      .toMatchObject({ ResolvedRefs: 'False InvalidCertificateRef', Programmed: 'False Invalid' })
    expect(await listenerStatus('bad', 1)).toMatchObject({ ResolvedRefs: 'False RefNotPermitted' })
    expect(await listenerStatus('bad', 2)).toMatchObject({ Accepted: 'False PortUnavailable' })
    expect(await listenerStatus('bad', 3)).toMatchObject({ Accepted: 'False UnsupportedProtocol' })
    expect(await listenerStatus('bad', 4)).toMatchObject({
      ResolvedRefs: 'False InvalidRouteKinds',
      Programmed: 'True',
    })
    expect(await listenerStatus('bad', 5)).toMatchObject({
      Conflicted: 'True ProtocolConflict',
      Accepted: 'False ProtocolConflict',
    })
    expect(short((await statusOf(GatewayKind, 'bad')).conditions)).toEqual({
      Accepted: 'True ListenersNotValid',
      Programmed: 'True',
    })
  })

  test('a RoutePolicy is in force for its routes and says so, or what is wrong', async () => {
    await makeRoute('guarded', { sectionName: 'own' })
    const target = (name: string) => ({ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name })
    const makePolicy = (name: string, spec: object) =>
      client.create(RoutePolicy, { metadata: { namespace: 'default', name }, spec } as any)
    await makePolicy('locked', {
      targetRefs: [target('guarded'), target('nowhere')],
      authentication: { basic: { secrets: ['ann'] } },
    })
    const accepted = async (name: string) =>
      (await statusOf(RoutePolicy, name))?.ancestors?.map((a: any) => short(a.conditions).Accepted)
    await expect.poll(() => accepted('locked'), settled).toEqual(['False Invalid', 'False Invalid'])
    await expect.poll(() => ask('guarded.test'), settled).toBe('500')
    await client.create(Secret, {
      ...{ metadata: { namespace: 'default', name: 'ann' }, type: 'kubernetes.io/basic-auth' },
      data: { username: base64('ann'), password: base64('secret') },
    } as any)
    await expect.poll(() => accepted('locked'), settled).toEqual(['True', 'False TargetNotFound'])
    await expect.poll(() => ask('guarded.test'), settled).toBe('401')
    await makePolicy('second', { targetRefs: [target('guarded')], accessLog: true })
    await expect.poll(() => accepted('second'), settled).toEqual(['False Conflicted'])
    await client.delete(RoutePolicy, { namespace: 'default', name: 'locked' })
    await expect.poll(() => accepted('second'), settled).toEqual(['True'])
    await expect.poll(() => ask('guarded.test'), settled).toBe('guarded.test/')
    await expect(makePolicy('wrong', { targetRefs: [target('guarded')], rateLimit: { requests: 0 } })).rejects.toThrow(
      'spec.rateLimit.requests: Invalid value: 0: must be between 1 and 1000000',
    )
  })

  test('a route that changes tells the generation that was looked at', async () => {
    const key = { namespace: 'default', name: 'hello' }
    const { metadata } = await client.patch(HTTPRoute, key, {
      type: 'merge',
      body: { spec: { hostnames: ['new.test'] } },
    })
    await expect
      .poll(async () => (await statusOf(HTTPRoute, 'hello')).parents[0].conditions[0].observedGeneration, settled)
      .toBe(metadata.generation)
    await expect.poll(() => ask('new.test'), settled).toBe('new.test/')
    expect(await ask('hello.test')).toBe('404')
  })
})
