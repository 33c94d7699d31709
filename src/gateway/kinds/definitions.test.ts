import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { admin, startTestServer, type TestServer } from '../../apiserver/testing/test-server.ts'
import { type Client, createClient, inProcessTransport } from '../../client/index.ts'
import { CustomResourceDefinition } from '../../models/kinds/index.ts'
import { ensureDefinitions, Gateway, GatewayClass, GRPCRoute, gatewayDefinitions, HTTPRoute } from './index.ts'

describe('the kinds of Gateway API', () => {
  let server: TestServer
  let client: Client
  beforeAll(async () => {
    server = await startTestServer()
    client = createClient(inProcessTransport(server.api.handler, admin))
    await ensureDefinitions(client, gatewayDefinitions)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const create = (kind: any, name: string, spec: object) =>
    client.create<any>(kind, {
      metadata: { name, ...(kind.scope === 'Cluster' ? {} : { namespace: 'default' }) },
      spec,
    })

  test('are all established', async () => {
    const { items } = await client.list(CustomResourceDefinition)
    expect(items.map(d => d.metadata.name).sort()).toEqual([
      'gatewayclasses.gateway.networking.k8s.io',
      'gateways.gateway.networking.k8s.io',
      'grpcroutes.gateway.networking.k8s.io',
      'httproutes.gateway.networking.k8s.io',
      'referencegrants.gateway.networking.k8s.io',
      'tcproutes.gateway.networking.k8s.io',
      'tlsroutes.gateway.networking.k8s.io',
      'udproutes.gateway.networking.k8s.io',
    ])
    for (const { metadata, status } of items) {
      const state = Object.fromEntries(status!.conditions!.map(c => [c.type, c.status]))
      expect({ name: metadata.name, ...state }).toMatchObject({ Established: 'True', NamesAccepted: 'True' })
      expect(state['NonStructuralSchema']).toBeUndefined()
    }
  })

  test('fill in what is not said', async () => {
    const route = await create(HTTPRoute, 'plain', { parentRefs: [{ name: 'web' }] })
    expect(route.spec).toEqual({
      parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'web' }],
      rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }],
    })
    const gateway = await create(Gateway, 'web', {
      gatewayClassName: 'optiflow',
      listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }],
    })
    expect(gateway.spec.listeners[0].allowedRoutes).toEqual({ namespaces: { from: 'Same' } })
    const seen: any = await client.get(Gateway, { namespace: 'default', name: 'web' })
    expect(seen.status.conditions.map((c: any) => [c.type, c.status, c.reason])).toEqual([
      ['Accepted', 'Unknown', 'Pending'],
      ['Programmed', 'Unknown', 'Pending'],
    ])
  })

  const rules = (...rules: object[]) => ({ rules })
  const redirect = { type: 'RequestRedirect', requestRedirect: { hostname: 'a.test' } }
  const rewrite = { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/x' } } }
  test.each([
    [
      'a path that is not absolute',
      HTTPRoute,
      rules({ matches: [{ path: { value: 'a' } }] }),
      'must be an absolute path',
    ],
    ['a path with ..', HTTPRoute, rules({ matches: [{ path: { value: '/a/../b' } }] }), "must not contain '/../'"],
    [
      'a redirect with backends',
      HTTPRoute,
      rules({ filters: [redirect], backendRefs: [{ name: 'b', port: 1 }] }),
      'RequestRedirect filter must not be used together with backendRefs',
    ],
    [
      'a star beside other origins',
      HTTPRoute,
      rules({ filters: [{ type: 'CORS', cors: { allowOrigins: ['*', 'https://a.test'] } }] }),
      "AllowOrigins cannot contain '*' alongside other origins",
    ],
    [
      'a Service without its port',
      HTTPRoute,
      rules({ backendRefs: [{ name: 'b' }] }),
      'Must have port for Service reference',
    ],
    [
      'a filter without its field',
      HTTPRoute,
      rules({ filters: [{ type: 'URLRewrite' }] }),
      'filter.urlRewrite must be specified',
    ],
    [
      'a filter twice',
      HTTPRoute,
      rules({ filters: [redirect, redirect] }),
      'RequestRedirect filter cannot be repeated',
    ],
    [
      'a prefix that cannot be replaced',
      HTTPRoute,
      rules({ matches: [{ path: { type: 'Exact', value: '/a' } }], filters: [rewrite] }),
      'exactly one PathPrefix match must be specified',
    ],
    [
      'a longer time for a part than for the whole',
      HTTPRoute,
      rules({ timeouts: { request: '1s', backendRequest: '2s' } }),
      'backendRequest timeout cannot be longer',
    ],
    [
      'a listener twice',
      Gateway,
      {
        gatewayClassName: 'a',
        listeners: [
          { name: 'a', port: 80, protocol: 'HTTP' },
          { name: 'b', port: 80, protocol: 'HTTP' },
        ],
      },
      'Combination of port, protocol and hostname must be unique',
    ],
    [
      'TLS on a plain listener',
      Gateway,
      {
        gatewayClassName: 'a',
        listeners: [{ name: 'a', port: 80, protocol: 'HTTP', tls: { certificateRefs: [{ name: 'a' }] } }],
      },
      'tls must not be specified for protocols',
    ],
    [
      'TLS without certificate',
      Gateway,
      { gatewayClassName: 'a', listeners: [{ name: 'a', port: 443, protocol: 'HTTPS', tls: {} }] },
      'certificateRefs or options must be specified',
    ],
    ['a controller without a path', GatewayClass, { controllerName: 'nobody' }, 'spec.controllerName'],
    [
      'a gRPC method without any name',
      GRPCRoute,
      rules({ matches: [{ method: {} }] }),
      "One or both of 'service' or 'method' must be specified",
    ],
  ])('refuse %s', async (_title, kind, spec, message) => {
    await expect(create(kind, 'bad', spec)).rejects.toThrow(message)
  })

  test('leave alone what somebody else installed', async () => {
    const name = 'httproutes.gateway.networking.k8s.io'
    const key = { name }
    const there = await client.get(CustomResourceDefinition, key)
    there.metadata.labels = {}
    there.spec.names.shortNames = ['theirs']
    await client.update(CustomResourceDefinition, there)
    await ensureDefinitions(client, gatewayDefinitions)
    expect((await client.get(CustomResourceDefinition, key)).spec.names.shortNames).toEqual(['theirs'])
  })
})

test("the project's own definitions, applied over ours, are left as they are", async () => {
  await using server = await startTestServer()
  const client = createClient(inProcessTransport(server.api.handler, admin))
  await ensureDefinitions(client, gatewayDefinitions)
  const key = { name: 'gateways.gateway.networking.k8s.io' }
  const theirs = { 'gateway.networking.k8s.io/bundle-version': 'v1.9.0' }
  const names = { shortNames: ['gtw', 'theirs'] }
  const body = { metadata: { annotations: theirs }, spec: { names } }
  await client.patch(CustomResourceDefinition, key, { type: 'merge', body })
  await ensureDefinitions(client, gatewayDefinitions)
  expect((await client.get(CustomResourceDefinition, key)).spec.names.shortNames).toEqual(['gtw', 'theirs'])
})
