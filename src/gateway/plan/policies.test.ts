import { describe, expect, test } from 'vitest'
import type { RoutePolicy, Secret, Service } from '../../models/kinds/index.ts'
import type { RoutePolicySpec, RoutePolicyTarget } from '../../models/types/optiflow-v1.ts'
import { digest } from '../policy/guards.ts'
import { annotatedPolicy } from './annotations.ts'
import { embeddedEngine } from './engine.ts'
import { planPolicies } from './policies.ts'
import { mergedPolicy, policyOf } from './policy-of.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const found = {
  engine: embeddedEngine,
  service: (_: string, name: string) =>
    name === 'auth' ? ({ metadata: { name }, spec: { ports: [{ port: 80 }] } } as unknown as Service) : undefined,
  slices: () => [],
  secret: (_: string, name: string) =>
    name === 'ann'
      ? ({
          type: 'kubernetes.io/basic-auth',
          data: { username: base64('ann'), password: base64('secret') },
        } as unknown as Secret)
      : undefined,
}

describe('annotations of an Ingress', () => {
  const annotated = (annotations: Record<string, string>) =>
    annotatedPolicy(Object.fromEntries(Object.entries(annotations).map(([name, v]) => [`optiflow.dev/${name}`, v])))

  test.each<[string, string, object]>([
    ['load-balancing', 'round-robin', { loadBalancing: { type: 'RoundRobin' } }],
    [
      'load-balancing',
      'hash:header=X-User',
      { loadBalancing: { type: 'ConsistentHash', hashBy: 'Header', name: 'X-User' } },
    ],
    ['load-balancing', 'hash:source-address', { loadBalancing: { type: 'ConsistentHash', hashBy: 'SourceAddress' } }],
    [
      'health-check',
      '/ok interval=5 failures=2',
      { healthCheck: { path: '/ok', intervalSeconds: 5, failureThreshold: 2 } },
    ],
    [
      'rate-limit',
      '100 per=60 burst=20 by=header:X-Key',
      { rateLimit: { requests: 100, perSeconds: 60, burst: 20, by: 'Header', header: 'X-Key' } },
    ],
    ['auth-basic', 'ann,bob', { authentication: { basic: { secrets: ['ann', 'bob'] } } }],
    [
      'auth-jwt',
      'https://who.test audiences=a,b keys-service=auth:80/keys headers=X-User=sub',
      {
        authentication: {
          jwt: {
            ...{ issuer: 'https://who.test', audiences: ['a', 'b'], claimHeaders: { 'X-User': 'sub' } },
            keysService: { name: 'auth', port: 80, path: '/keys' },
          },
        },
      },
    ],
    [
      'auth-forward',
      'auth:80/check headers=X-User',
      {
        authentication: {
          forward: { service: { name: 'auth', port: 80, path: '/check' }, responseHeaders: ['X-User'] },
        },
      },
    ],
    ['retries', '2 statuses=502,503', { retry: { attempts: 2, statuses: [502, 503] } }],
    ['request-timeout', '5s', { timeouts: { request: '5s' } }],
    ['access-log', 'true', { accessLog: true }],
  ])('%s: "%s" says it', (name, value, words) => {
    expect(annotated({ [name]: value })).toEqual({ words, problems: [], broken: false })
  })

  test.each<[string, string, boolean, RegExp]>([
    ['load-balancing', 'fast', false, /type: Unsupported value: "Fast"/],
    ['health-check', 'ok', false, /path: Invalid value: "ok"/],
    ['rate-limit', 'many', true, /requests: Invalid value/],
    ['rate-limit', '5 each=60', true, /unknown each; it knows per, burst, by/],
    ['auth-jwt', 'https://who.test', true, /exactly one of keys, keysService and keysUrl/],
    ['auth-forward', 'auth', true, /forward\.service\.port: /],
    ['auth-basics', 'ann', true, /no annotation of the gateway has this name/],
    ['request-timeout', 'soon', false, /request: Invalid value: "soon"/],
    ['access-log', 'yes', false, /"yes" is neither true nor false/],
  ])('%s: "%s" is told; what guards closes the route', (name, value, broken, problem) => {
    const got = annotated({ [name]: value })
    expect(got).toMatchObject({ broken, problems: [expect.stringMatching(problem)] })
    expect(got.problems[0]).toContain(`optiflow.dev/${name}: `)
    expect(got.words).toBeUndefined()
  })

  test('those of others are let be, and several make one policy', () => {
    const timeouts = { request: '5s', backend: '1s' }
    expect(annotated({ 'request-timeout': '5s', 'backend-timeout': '1s', 'ssl-redirect': 'false' }).words).toEqual({
      timeouts,
    })
    expect(annotatedPolicy({ 'nginx.ingress.kubernetes.io/rewrite-target': '/' }).problems).toEqual([])
    const both = annotated({ 'auth-basic': 'ann', 'auth-forward': 'auth:80' })
    expect(Object.keys(both.words!.authentication!)).toEqual(['basic', 'forward'])
  })
})

describe('RoutePolicies', () => {
  let born = 0
  const policy = (name: string, spec: Partial<RoutePolicySpec>, ...targets: string[]): RoutePolicy => {
    const targetRefs = targets.map((target): RoutePolicyTarget => {
      const [kind = '', name = ''] = target.split('/')
      return { group: 'gateway.networking.k8s.io', kind, name }
    })
    const creationTimestamp = new Date(1e12 + born++ * 1_000).toISOString()
    return { metadata: { namespace: 'shop', name, creationTimestamp }, spec: { targetRefs, ...spec } } as any
  }

  test('of several for one target the oldest is in force, and the others are told', () => {
    const old = policy('old', { accessLog: true }, 'HTTPRoute/a', 'HTTPRoute/b')
    const young = policy('young', { accessLog: false }, 'HTTPRoute/b', 'HTTPRoute/c')
    const { planned, of } = planPolicies({ ...found, policies: [young, old] })
    expect(['a', 'b', 'c'].map(name => of('HTTPRoute', 'shop', name)?.accessLog)).toEqual([true, true, false])
    expect(of('HTTPRoute', 'other', 'a')).toBeUndefined()
    expect(planned[1]!.targets.map(t => t.refused?.reason)).toEqual(['Conflicted', undefined])
    expect(planned[1]!.targets[0]!.refused!.message).toBe(
      'routepolicy "old", which is older, is in force for HTTPRoute "b"',
    )
  })

  test('a Secret or Service that is missing closes the route and is told', () => {
    const source = (authentication: object) => ({ id: 'p', namespace: 'shop', words: { authentication } })
    const service = { name: 'gone', port: 80 }
    expect(policyOf(found, source({ forward: { service } }))).toEqual({
      policy: { guards: [{ id: 'p', broken: 'there is no service "gone" in namespace "shop"' }] },
      problem: 'there is no service "gone" in namespace "shop"',
    })
    const { policy: open, problem } = policyOf(found, source({ basic: { secrets: ['ann'] } }))
    expect(open.guards[0]!.basic).toEqual({ realm: 'p', credentials: new Set([digest('ann:secret')]) })
    expect(problem).toBeUndefined()
    expect(policyOf(found, source({ basic: { secrets: ['ann', 'bob'] } })).problem).toContain('no secret "shop/bob"')
  })

  test("a route's own words come before its Gateway's; the guards of both hold", () => {
    const of = (id: string, words: object) => policyOf(found, { id, namespace: 'shop', words }).policy
    const outer = of('outer', { accessLog: true, timeouts: { request: '1s' }, rateLimit: { requests: 5 } })
    const inner = of('inner', { accessLog: false, rateLimit: { requests: 9 } })
    const merged = mergedPolicy(outer, inner)!
    expect([merged.accessLog, merged.requestMs, merged.guards.map(g => g.id)]).toEqual([
      false,
      1_000,
      ['outer', 'inner'],
    ])
    expect(mergedPolicy(undefined, undefined)).toBeUndefined()
  })
})
