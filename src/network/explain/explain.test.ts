import { describe, expect, test } from 'vitest'
import type { Connection, End, PolicyWorld } from './connection.ts'
import { explainConnection } from './explain.ts'

const pod = (namespace: string, name: string, labels: object, ip: string, spec: object = {}): End => ({
  name: `pod ${namespace}/${name}`,
  ip,
  pod: {
    metadata: { namespace, name, uid: `${namespace}/${name}`, labels },
    spec: { nodeName: 'n1', containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 8080 }] }], ...spec },
    status: { podIP: ip, podIPs: [{ ip }] },
  } as any,
})
const web = pod('shop', 'web', { app: 'web' }, '10.244.1.2')
const client = pod('shop', 'client', { app: 'client' }, '10.244.1.3')
const stranger = pod('else', 'stranger', { app: 'client' }, '10.244.2.4')
const namespaces = [
  { metadata: { name: 'shop', labels: { team: 'blue' } } },
  { metadata: { name: 'else', labels: { team: 'red' } } },
] as any[]
const policy = (name: string, spec: object, namespace = 'shop') =>
  ({ metadata: { name, namespace }, spec: { podSelector: {}, ...spec } }) as any
const world = (policies: any[], calico?: PolicyWorld['calico']): PolicyWorld => ({
  policies,
  namespaces,
  pods: [],
  enforcedBy: 'a test',
  ...(calico ? { calico } : {}),
})
const ask = (w: PolicyWorld, from: End, to: End = web, port = 8080, protocol: Connection['protocol'] = 'TCP') =>
  explainConnection(w, { from, to, port, protocol })

describe('why a connection is allowed or not', () => {
  test('without a policy about either end it is allowed', () => {
    expect(ask(world([policy('other', {}, 'else')]), client)).toMatchObject({
      allowed: true,
      sides: [
        { direction: 'egress', reason: 'no policy is about this pod' },
        { direction: 'ingress', reason: 'no policy is about this pod' },
      ],
    })
  })

  test('the policy and the rule that allow it are named', () => {
    const peer = { podSelector: { matchLabels: { app: 'client' } } }
    const policies = [
      policy('deny', {}),
      policy('friends', { ingress: [{ ports: [{ port: 1 }] }, { from: [peer], ports: [{ port: 'http' }] }] }),
    ]
    const { allowed, sides } = ask(world(policies), client)
    expect(allowed).toBe(true)
    expect(sides[1]).toMatchObject({
      reason: 'NetworkPolicy shop/friends allows it (ingress[1])',
      policies: [
        {
          policy: 'NetworkPolicy shop/deny',
          verdict: 'does not match',
          detail: 'it has no ingress rule, so it allows nothing',
        },
        {
          policy: 'NetworkPolicy shop/friends',
          verdict: 'allows',
          rule: 'ingress[1]',
          detail: 'from pods app=client of its namespace at http/TCP',
        },
      ],
    })
  })

  test('every rule that does not match says why', () => {
    const from = [
      { namespaceSelector: { matchLabels: { team: 'blue' } } },
      { ipBlock: { cidr: '10.9.0.0/16', except: ['10.9.1.0/24'] } },
    ]
    const w = world([
      policy('friends', { ingress: [{ from }, { ports: [{ port: 8000, endPort: 8079 }, { protocol: 'UDP' }] }] }),
    ])
    const { allowed, sides } = ask(w, stranger)
    expect(allowed).toBe(false)
    expect(sides[1]).toMatchObject({
      allowed: false,
      reason: 'the policy that is about this pod allows other things only',
      policies: [
        {
          detail:
            'ingress[0]: pod else/stranger is none of its peers (all pods of namespaces team=blue or 10.9.0.0/16 without 10.9.1.0/24); ' +
            'ingress[1]: 8080/TCP is none of its ports (8000-8079/TCP, any/UDP)',
        },
      ],
    })
    expect(ask(w, stranger, web, 53, 'UDP').allowed).toBe(true)
  })

  test.each([
    ['another namespace by its labels', stranger, [{ namespaceSelector: { matchLabels: { team: 'red' } } }], true],
    [
      'pods of all namespaces',
      stranger,
      [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'client' } } }],
      true,
    ],
    ['a pod of another namespace, without its selector', stranger, [{ podSelector: {} }], false],
    ['an address in a block', { name: '10.9.2.1', ip: '10.9.2.1' }, [{ ipBlock: { cidr: '10.9.0.0/16' } }], true],
    [
      'an address that is excepted',
      { name: '10.9.2.1', ip: '10.9.2.1' },
      [{ ipBlock: { cidr: '10.9.0.0/16', except: ['10.9.2.0/24'] } }],
      false,
    ],
    ['an address, by a selector', { name: '10.9.2.1', ip: '10.9.2.1' }, [{ podSelector: {} }], false],
  ])('%s', (_, from, peers, allowed) => {
    expect(ask(world([policy('p', { ingress: [{ from: peers }] })]), from as End).allowed).toBe(allowed)
  })

  test('it must be let out, too', () => {
    const { allowed, sides } = ask(
      world([policy('silent', { podSelector: { matchLabels: { app: 'client' } }, policyTypes: ['Egress'] })]),
      client,
    )
    expect([allowed, ...sides.map(s => s.allowed)]).toEqual([false, false, true])
  })

  test('a pod reaches itself, its node reaches it, and pods of the host have no policies', () => {
    const deny = world([policy('deny', { policyTypes: ['Ingress', 'Egress'] })])
    const host = pod('shop', 'host', {}, '192.0.2.1', { hostNetwork: true })
    const elsewhere = pod('shop', 'host', {}, '192.0.2.2', { hostNetwork: true, nodeName: 'n2' })
    expect(ask(deny, web).allowed).toBe(true)
    expect(ask(deny, host).allowed).toBe(true)
    expect(ask(deny, elsewhere).allowed).toBe(false)
    expect(ask(deny, elsewhere, host).allowed).toBe(true)
  })
})

describe('with Calico', () => {
  const rule = (action: string, more: object = {}) => ({ action, ...more }) as any
  const global = (name: string, spec: object) => ({ metadata: { name }, spec: { types: ['Ingress'], ...spec } }) as any
  const tier = (name: string, order: number, defaultAction?: 'Pass') =>
    ({ metadata: { name }, spec: { order, ...(defaultAction ? { defaultAction } : {}) } }) as any
  const calico = (
    policies: any[],
    tiers = [tier('security', 100), tier('default', 1_000_000)],
    namespaced: any[] = [],
  ) => ({ tiers, global: policies, namespaced }) as PolicyWorld['calico']
  const ingress = (w: PolicyWorld, from = client) => ask(w, from).sides[1]!

  test('the first tier whose rule matches decides, before the policies of Kubernetes', () => {
    const open = [policy('open', { ingress: [{}] })]
    const ban = global('ban', {
      tier: 'security',
      ingress: [rule('Deny', { source: { selector: 'app == "client"' } })],
    })
    expect(ingress(world(open, calico([ban])))).toMatchObject({
      allowed: false,
      reason: 'GlobalNetworkPolicy ban denies it (ingress[0])',
    })
    const pass = global('pass', { tier: 'security', ingress: [rule('Log'), rule('Pass')] })
    expect(ingress(world(open, calico([pass])))).toMatchObject({
      allowed: true,
      reason: 'NetworkPolicy shop/open allows it (ingress[0])',
      policies: [{ verdict: 'passes', rule: 'ingress[1]' }, { verdict: 'allows' }],
    })
  })

  test('what nothing in a tier decides is its default action', () => {
    const about = global('about', {
      tier: 'security',
      selector: 'app == "web"',
      ingress: [rule('Allow', { protocol: 'UDP' })],
    })
    expect(ingress(world([], calico([about])))).toMatchObject({
      allowed: false,
      reason: 'no rule of tier security decides, and the tier denies what is left',
    })
    const passing = calico([about], [tier('security', 100, 'Pass'), tier('default', 1_000_000)])
    expect(ingress(world([], passing)).allowed).toBe(true)
    expect(ingress(world([], calico([{ ...about, spec: { ...about.spec, selector: 'app == "db"' } }]))).allowed).toBe(
      true,
    )
  })

  test('policies of a tier are asked by their order, those of Kubernetes at 1000', () => {
    const open = [policy('open', { ingress: [{}] })]
    const deny = (order?: number) => calico([global('deny', { ingress: [rule('Deny')], ...(order ? { order } : {}) })])
    expect(ingress(world(open, deny(999))).allowed).toBe(false)
    expect(ingress(world(open, deny(1001))).allowed).toBe(true)
    expect(ingress(world(open, deny())).allowed).toBe(true)
  })

  test.each([
    ['ports', { protocol: 'TCP', destination: { ports: ['8000:8100'] } }, true],
    ['a named port', { protocol: 'TCP', destination: { ports: ['http'] } }, true],
    ['other ports', { protocol: 'TCP', destination: { ports: [80] } }, false],
    ['all ports but', { protocol: 6, destination: { notPorts: [8080] } }, false],
    ['networks', { source: { nets: ['10.244.1.0/24'] } }, true],
    ['all networks but', { source: { notNets: ['10.244.1.0/24'] } }, false],
    ['namespaces', { source: { namespaceSelector: 'team == "red"' } }, false],
    ['namespaces by name', { source: { namespaceSelector: 'projectcalico.org/name == "shop"' } }, true],
    ['pods of a namespace', { source: { selector: 'projectcalico.org/namespace == "shop"' } }, true],
  ])('rules match by %s', (_, match, allowed) => {
    expect(ingress(world([], calico([global('p', { ingress: [rule('Allow', match)] })]))).allowed).toBe(allowed)
  })

  const office = { name: '192.0.2.7', ip: '192.0.2.7' }
  const sets = [
    { metadata: { name: 'office', labels: { role: 'office' } }, spec: { nets: ['192.0.2.0/24', 'nonsense'] } },
    { metadata: { name: 'desk', namespace: 'shop', labels: { role: 'desk' } }, spec: { nets: ['192.0.2.7'] } },
  ] as any[]
  const accounts = [{ metadata: { name: 'default', namespace: 'shop', labels: { trust: 'high' } } }] as any[]
  const slices = [
    {
      metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
      endpoints: [{ addresses: ['10.244.1.2'] }],
      ports: [{ port: 8080, protocol: 'TCP' }],
    },
  ] as any[]
  const full = (policies: any[]): PolicyWorld => ({
    ...world([], { ...calico(policies)!, sets }),
    accounts,
    slices,
  })

  test.each<[string, object, End, boolean]>([
    ['a service account by name', { serviceAccounts: { names: ['default'] } }, client, true],
    ['another service account', { serviceAccounts: { names: ['robot'] } }, client, false],
    ['service accounts by their labels', { serviceAccounts: { selector: 'trust == "high"' } }, client, true],
    ['service accounts of other labels', { serviceAccounts: { selector: 'trust == "high"' } }, stranger, false],
    ['service accounts, for an address', { serviceAccounts: { selector: 'all()' } }, office, false],
    ['labels of the namespace among those of the pod', { selector: 'pcns.team == "blue"' }, client, true],
    ['nobody of these, for an address', { notSelector: 'app == "client"' }, office, true],
    ['nobody of these, for a pod', { notSelector: 'app == "client"' }, client, false],
    ['a set of networks', { selector: 'role == "office"' }, office, true],
    ['an address written as a network', { selector: 'role == "desk"' }, office, true],
    ['a set of a namespace', { namespaceSelector: 'team == "blue"', selector: 'has(role)' }, office, true],
    ['what is in no namespace', { namespaceSelector: 'global()' }, office, true],
    ['what is in no namespace, for a pod', { namespaceSelector: 'global()' }, client, false],
    ['what is in any namespace', { namespaceSelector: 'all()' }, stranger, true],
    ['one address', { nets: ['10.244.1.3'] }, client, true],
    ['ports of the source', { ports: [80] }, client, false],
  ])('a source is meant by %s', (_, source, from, allowed) => {
    const rules = [rule('Allow', { source })]
    expect(ingress(full([global('p', { selector: 'app == "web"', ingress: rules })]), from).allowed).toBe(allowed)
  })

  test('egress to a Service means its endpoints at their ports', () => {
    const to = (name: string) =>
      global('p', {
        selector: 'app == "client"',
        types: ['Egress'],
        egress: [rule('Allow', { destination: { services: { name, namespace: 'shop' } } })],
      })
    const egress = (name: string, port: number) => ask(full([to(name)]), client, web, port).sides[0]!.allowed
    expect([egress('web', 8080), egress('web', 80), egress('other', 8080)]).toEqual([true, false, false])
  })

  test('a policy is about pods by their namespace and account, too, and never when it is about nodes', () => {
    const denies = (spec: object) => !ingress(full([global('p', { ...spec, ingress: [rule('Deny')] })])).allowed
    expect(denies({ namespaceSelector: 'team == "blue"' })).toBe(true)
    expect(denies({ namespaceSelector: 'team == "red"' })).toBe(false)
    expect(denies({ serviceAccountSelector: 'trust == "high"' })).toBe(true)
    expect(denies({ serviceAccountSelector: 'trust == "low"' })).toBe(false)
    expect(denies({ preDNAT: true })).toBe(false)
    expect(denies({ doNotTrack: true })).toBe(false)
  })

  test('a policy that says no types, as only kubectl writes it, is about both directions', () => {
    const { sides } = ask(world([], calico([global('p', { types: undefined, ingress: [rule('Allow')] })])), client)
    expect(sides.map(s => s.allowed)).toEqual([false, true])
  })

  test('policies of one order are asked by their names, those of Kubernetes among them', () => {
    const open = [policy('m', { ingress: [{}] })]
    const deny = (name: string) => calico([global(name, { order: 1000, ingress: [rule('Deny')] })])
    expect(ingress(world(open, deny('a'))).allowed).toBe(false)
    expect(ingress(world(open, deny('z'))).allowed).toBe(true)
  })

  test('every rule that does not match says why', () => {
    const rules = [
      rule('Log'),
      rule('Allow', { protocol: 'UDP' }),
      rule('Allow', { source: { selector: 'app == "db"', namespaceSelector: 'all()' } }),
      rule('Allow', { protocol: 'TCP', destination: { ports: ['metrics'] } }),
    ]
    const [said] = ingress(world([], calico([global('p', { ingress: rules })]))).policies
    expect(said!.detail).toBe(
      'ingress[0]: it only logs; ingress[1]: the protocol is UDP; ' +
        'ingress[2]: pod shop/client is not its source (app == "db", in namespaces all()); ' +
        'ingress[3]: 8080 is none of its ports (metrics)',
    )
  })

  describe('ClusterNetworkPolicies', () => {
    const admin = (spec: object) =>
      ({ metadata: { name: 'c' }, spec: { tier: 'Admin', priority: 1, subject: { namespaces: {} }, ...spec } }) as any
    const decided = (spec: object, policies: any[] = [], from = client) => {
      const tiers = [
        tier('kube-admin', 1000, 'Pass'),
        tier('default', 1_000_000),
        tier('kube-baseline', 10_000_000, 'Pass'),
      ]
      return ingress(world(policies, { ...calico([], tiers)!, cluster: [admin(spec)] }), from)
    }
    const from = (subject: object) => [{ action: 'Deny', from: [subject] }]

    test.each<[string, object, boolean]>([
      ['pods', { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: 'client' } } } }, false],
      [
        'other namespaces',
        { namespaces: { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['blue'] }] } },
        true,
      ],
      ['namespaces with a label', { namespaces: { matchExpressions: [{ key: 'team', operator: 'Exists' }] } }, false],
      [
        'namespaces without a label',
        { namespaces: { matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] } },
        true,
      ],
    ])('of administrators deny %s before all others', (_, subject, allowed) => {
      const open = [policy('open', { ingress: [{}] })]
      expect(decided({ ingress: from(subject) }, open).allowed).toBe(allowed)
    })

    test.each<[string, object[], boolean]>([
      ['a port', [{ tcp: { destinationPort: { number: 8080 } } }], false],
      ['a range', [{ tcp: { destinationPort: { range: { start: 1, end: 80 } } } }, { udp: {} }], true],
      ['a named port', [{ destinationNamedPort: 'http' }], false],
      ['a protocol', [{ tcp: {} }], false],
    ])('match by %s', (_, protocols, allowed) => {
      expect(decided({ ingress: [{ action: 'Deny', from: [{ namespaces: {} }], protocols }] }).allowed).toBe(allowed)
    })

    test('for defaults come after the policies of Kubernetes, and leave alone what they have no rule for', () => {
      const baseline = { tier: 'Baseline', ingress: from({ namespaces: {} }) }
      expect(decided(baseline).reason).toBe('ClusterNetworkPolicy c denies it (ingress[0])')
      expect(decided(baseline, [policy('open', { ingress: [{}] })]).allowed).toBe(true)
      expect(decided({ egress: [{ action: 'Deny', to: [{ networks: ['0.0.0.0/0'] }] }] }).policies).toEqual([])
    })
  })

  test("a policy of one namespace means that namespace's pods", () => {
    const own = {
      metadata: { name: 'own', namespace: 'shop' },
      spec: { ingress: [rule('Allow', { source: { selector: 'all()' } })] },
    } as any
    const w = world([], calico([], [tier('default', 1_000_000)], [own]))
    expect([ingress(w, client).allowed, ingress(w, stranger).allowed]).toEqual([true, false])
  })
})
