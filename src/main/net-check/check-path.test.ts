import { describe, expect, it } from 'vitest'
import type { NodeNetwork } from '../../models/node-network.ts'
import type { End } from '../../network/index.ts'
import { checkPath, nodesOnTheWay, type PathFacts } from './check-path.ts'

const ready = { conditions: [{ type: 'Ready', status: 'True' }] }
const node = (name: string, status: object = ready, labels = {}) => ({ metadata: { name, labels }, spec: {}, status })
const pod = (name: string, ip: string | undefined, nodeName: string, spec: object = {}) => ({
  metadata: { namespace: 'shop', name, uid: name, labels: { app: name.replace(/-\d$/, '') } },
  spec: { nodeName, containers: [{ name: 'c', ports: [{ containerPort: 5000 }] }], ...spec },
  status: { phase: 'Running', ...(ip ? { podIP: ip, podIPs: [{ ip }] } : {}), ...ready },
})
const web = pod('web-1', '10.244.1.5', 'n1')
const db1 = pod('db-1', '10.244.2.7', 'n2')
const db2 = pod('db-2', '10.244.1.9', 'n1')
const service = {
  metadata: { namespace: 'shop', name: 'db' },
  spec: {
    clusterIP: '10.96.0.10',
    clusterIPs: ['10.96.0.10'],
    selector: { app: 'db' },
    ports: [{ port: 5432, targetPort: 5000 }],
  },
}
const endpoint = (of: typeof db1, conditions: object = { ready: true }, more: object = {}) => ({
  addresses: [of.status.podIP],
  conditions,
  nodeName: of.spec.nodeName,
  targetRef: { kind: 'Pod', name: of.metadata.name, namespace: 'shop' },
  ...more,
})
const slice = (endpoints: object[], port = 5000) => ({
  metadata: { namespace: 'shop', name: 'db-x', labels: { 'kubernetes.io/service-name': 'db' } },
  addressType: 'IPv4',
  ports: [{ port, protocol: 'TCP' }],
  endpoints,
})
const end = (of: ReturnType<typeof pod>): End => ({
  name: `pod shop/${of.metadata.name}`,
  ip: of.status.podIP,
  pod: of as any,
})
const network = (podCidr: string, more: Partial<NodeNetwork> = {}): NodeNetwork => ({
  dns: { server: '10.96.0.10', domain: 'cluster.local' },
  paths: [{ podCidr, via: '192.0.2.9' }],
  ...more,
})

interface Given extends Partial<Omit<PathFacts, 'cluster' | 'policies'>> {
  services?: object[]
  slices?: object[]
  pods?: object[]
  nodes?: object[]
  rules?: object[]
}

function facts({ services, slices, pods, nodes, rules = [], ...more }: Given = {}): PathFacts {
  const cluster = {
    services: services ?? [service],
    slices: slices ?? [slice([endpoint(db1), endpoint(db2, { ready: false })])],
    pods: pods ?? [web, db1, db2],
    nodes: nodes ?? [node('n1'), node('n2')],
  } as any
  const namespaces = [{ metadata: { name: 'shop' } }] as any
  return {
    from: end(web),
    to: { service: { namespace: 'shop', name: 'db' } },
    port: 5432,
    protocol: 'TCP',
    cluster,
    policies: { policies: rules as any, namespaces, pods: cluster.pods, enforcedBy: 'the built-in rules' },
    reports: new Map([
      ['n1', network('10.244.2.0/24')],
      ['n2', network('10.244.1.0/24')],
    ]),
    ...more,
  }
}
const deny = (name: string, spec: object) => ({
  metadata: { namespace: 'shop', name },
  spec: { podSelector: {}, ...spec },
})
const brokenAt = (given: Given) => {
  const { broken } = checkPath(facts(given))
  return broken && [broken.title, broken.text, broken.act]
}

describe('the way of a connection', () => {
  it('leads from the name to each endpoint, and says why others get nothing', () => {
    const { stages, branches, broken } = checkPath(facts())
    expect(broken).toBeUndefined()
    expect(stages.map(({ title, state, text }) => [title, state, text])).toEqual([
      ['source', 'ok', 'pod shop/web-1, 10.244.1.5 on n1'],
      ['name', 'ok', 'db.shop.svc.cluster.local → 10.96.0.10'],
      ['service', 'ok', 'shop/db, ClusterIP 10.96.0.10, port 5432/TCP'],
      ['endpoints', 'ok', '1 of 2 get connections'],
    ])
    expect(stages[3]!.lines.map(({ text }) => text)).toEqual([
      '10.244.1.9:5000 pod shop/db-2 on n1: it is not ready',
      '10.244.2.7:5000 pod shop/db-1 on n2',
    ])
    expect(branches.map(({ to }) => to)).toEqual(['pod shop/db-1 at 10.244.2.7:5000'])
    expect(branches[0]!.stages.map(({ title, state, text }) => [title, state, text])).toEqual([
      ['egress', 'ok', 'no policy is about this pod'],
      ['way', 'ok', 'n1 → 10.244.2.0/24 by way of 192.0.2.9; back: n2 → 10.244.1.0/24 by way of 192.0.2.9'],
      ['ingress', 'ok', 'no policy is about this pod'],
      ['target', 'ok', 'pod shop/db-1, 10.244.2.7 on n2'],
      ['container', 'ok', 'c names port 5000/TCP'],
    ])
  })

  it.each<[string, Given, string, RegExp, RegExp]>([
    ['no such Service', { services: [] }, 'service', /no Service shop\/db/, /has no Service/],
    ['no such port', { port: 80 }, 'service', /no port 80\/TCP/, /Call 5432\/TCP/],
    [
      'nobody is ready',
      { slices: [slice([endpoint(db1, { ready: false })])] },
      'endpoints',
      /its only endpoint gets nothing/,
      /See to pod shop\/db-1: it is not ready/,
    ],
    [
      'the selector matches nobody',
      { slices: [], pods: [web] },
      'service',
      /selector app=db .* matches no pod/,
      /web-1 has app=web/,
    ],
    [
      'endpoints are on other nodes only',
      { services: [{ ...service, spec: { ...service.spec, internalTrafficPolicy: 'Local' } }] },
      'endpoints',
      /none of its 2 endpoints/,
      /is not ready/,
    ],
    [
      'a policy of the source',
      { rules: [deny('closed', { policyTypes: ['Egress'] })] },
      'egress',
      /allows other things only/,
      /Add a rule to spec.egress of NetworkPolicy shop\/closed/,
    ],
    [
      'a policy of the destination',
      { rules: [deny('closed', { podSelector: { matchLabels: { app: 'db' } } })] },
      'ingress',
      /allows other things only/,
      /lets this into pod shop\/db-1/,
    ],
    [
      'no route there',
      { reports: new Map([['n1', network('10.244.7.0/24')]]) },
      'way',
      /n1, where pod shop\/web-1 is, has no route to 10.244.2.7/,
      /log of the agent on n1/,
    ],
    [
      'no route back',
      {
        reports: new Map([
          ['n1', network('10.244.2.0/24')],
          ['n2', network('10.244.7.0/24')],
        ]),
      },
      'way',
      /n2, where pod shop\/db-1 is, has no route to 10.244.1.5/,
      /log of the agent on n2/,
    ],
    [
      'a pod on no node',
      { from: end(pod('web-1', undefined, '')) },
      'source',
      /is on no node/,
      /optiflow why pod\/web-1/,
    ],
  ])('breaks where there is %s', (_, given, title, text, act) => {
    expect(brokenAt(given)).toEqual([title, expect.stringMatching(text), expect.stringMatching(act)])
  })

  it('says how often a rule has let something through, and how much was dropped', () => {
    const closed = deny('closed', { podSelector: { matchLabels: { app: 'db' } } })
    const open = deny('open', { podSelector: { matchLabels: { app: 'db' } }, ingress: [{ ports: [{ port: 1 }] }, {}] })
    const counted = { direction: 'ingress' as const, bytes: 0 }
    const reports = new Map([
      ['n1', network('10.244.2.0/24')],
      [
        'n2',
        network('10.244.1.0/24', {
          policies: [
            { ...counted, policies: ['shop/closed', 'shop/open'], packets: 3 },
            { ...counted, policies: ['shop/closed'], packets: 4 },
            { ...counted, policies: ['shop/open'], rule: 0, packets: 5 },
            { ...counted, policies: ['shop/open'], rule: 1, packets: 6 },
          ],
        }),
      ],
    ])
    const ingress = (rules: object[]) => checkPath(facts({ rules, reports })).branches[0]!.stages[2]!.text
    expect(ingress([closed, open])).toBe(
      'NetworkPolicy shop/open allows it (ingress[1]); 6 connections let through so far',
    )
    expect(ingress([closed])).toMatch(/; 4 packets dropped so far$/)
  })

  it('doubts what it cannot see: silent agents, nodes that are not Ready, ports that nobody names', () => {
    const reports = new Map([['n1', { silent: 'it does not answer' }]])
    const away = { conditions: [{ type: 'Ready', status: 'Unknown', message: 'it stopped posting' }] }
    const path = checkPath(
      facts({ reports, nodes: [node('n1'), node('n2', away)], slices: [slice([endpoint(db1)], 5001)] }),
    )
    expect(path.broken).toBeUndefined()
    expect(path.branches[0]!.stages.flatMap(({ state, text }) => (state === 'unknown' ? [text] : []))).toEqual([
      'what n1 knows of the way is not known: it does not answer',
      'pod shop/db-1, 10.244.2.7 on n2; n2 is not Ready: it stopped posting',
      'none names port 5001/TCP, they name 5000',
    ])
  })

  it('takes the endpoints of the zone, and those of the node where the Service says so', () => {
    const zones = [node('n1', ready, { 'topology.kubernetes.io/zone': 'a' }), node('n2')]
    const hinted = [
      endpoint(db1, { ready: true }, { hints: { forZones: [{ name: 'b' }] } }),
      endpoint(db2, { ready: true }, { hints: { forZones: [{ name: 'a' }] } }),
    ]
    const zonal = checkPath(facts({ nodes: zones, slices: [slice(hinted)] }))
    expect(zonal.stages[3]!.lines.map(({ text }) => text)).toEqual([
      '10.244.1.9:5000 pod shop/db-2 on n1',
      '10.244.2.7:5000 pod shop/db-1 on n2: it is meant for zone b',
    ])
    const local = { ...service, spec: { ...service.spec, internalTrafficPolicy: 'Local' } }
    const both = [slice([endpoint(db1), endpoint(db2)])]
    expect(checkPath(facts({ services: [local], slices: both })).stages[3]!.lines[1]!.text).toBe(
      '10.244.2.7:5000 pod shop/db-1 on n2: it is on n2, and internalTrafficPolicy is Local',
    )
  })

  it('calls the pods of a headless Service at their own ports', () => {
    const headless = { ...service, spec: { ...service.spec, clusterIP: 'None', clusterIPs: ['None'] } }
    expect(brokenAt({ services: [headless] })).toEqual([
      'endpoints',
      'Service shop/db is headless: nobody translates 5432 to port 5000 of its pods',
      'Call 5000, or give the Service a cluster IP.',
    ])
    const { stages, branches } = checkPath(facts({ services: [headless], port: 5000 }))
    expect(stages[1]!.text).toBe('db.shop.svc.cluster.local → 10.244.2.7')
    expect(branches.map(({ to }) => to)).toEqual(['pod shop/db-1 at 10.244.2.7:5000'])
  })

  it('asks the agents of the source and of the endpoints', () => {
    expect(nodesOnTheWay(facts())).toEqual(['n1', 'n2'])
    expect(nodesOnTheWay(facts({ to: { end: end(db2) } }))).toEqual(['n1'])
  })
})
