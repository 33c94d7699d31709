import { describe, expect, test } from 'vitest'
import { difference, isEmptyTable } from '../../base/nft-table.ts'
import type { Namespace, NetworkPolicy, Pod } from '../../models/kinds/index.ts'
import type { NetworkPolicySpec } from '../../models/types/networking-v1.ts'
import { sumCounts } from './counted-rules.ts'
import { planPolicyRules } from './policy-rules.ts'

const namespaces = ['a', 'b'].map(
  name => ({ metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } }) as unknown as Namespace,
)

function pod(
  namespace: string,
  name: string,
  ip: string,
  more: { node?: string; ports?: object[]; status?: object } = {},
) {
  return {
    metadata: { namespace, name, labels: { app: name } },
    spec: { nodeName: more.node ?? 'n1', containers: [{ name: 'c', ports: more.ports ?? [] }] },
    status: { phase: 'Running', podIP: ip, ...more.status },
  } as unknown as Pod
}

const web = pod('a', 'web', '10.244.1.2', { ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }] })
const client = pod('a', 'client', '10.244.2.3', { node: 'n2' })
const other = pod('b', 'other', '10.244.1.4')
const pods = [web, client, other]

function policy(spec: object, name = 'p', namespace = 'a') {
  return { metadata: { namespace, name }, spec: { podSelector: {}, ...spec } as NetworkPolicySpec } as NetworkPolicy
}

function plan(policies: NetworkPolicy[], some: Pod[] = pods) {
  return planPolicyRules({ policies, namespaces, pods: some, nodeName: 'n1', podCidr: '10.244.1.0/24' })
}

const withoutCounter = (rule: string) => rule.replace(/counter name \S+ /, '')

/** What the chain of a pod says, with its sets written out and without counters. */
function allowed(policies: NetworkPolicy[], direction: 'ingress' | 'egress', ip: string, some?: Pod[]) {
  const table = plan(policies, some)
  const verdict = table.maps.get(direction)?.elements.get(ip)
  if (!verdict) return undefined
  return table.chains
    .get(verdict.replace('jump ', ''))!
    .rules.map(rule =>
      withoutCounter(rule).replace(/@(\S+)/g, (_, id) => `{${[...table.sets.get(id)!.elements].sort().join(', ')}}`),
    )
}

describe('network policies as rules', () => {
  test('without a policy there is nothing', () => {
    expect(isEmptyTable(plan([]))).toBe(true)
  })

  test('a policy isolates the local pods it selects, and no others', () => {
    const deny = policy({ policyTypes: ['Ingress'] })
    expect(allowed([deny], 'ingress', '10.244.1.2')).toEqual(['drop'])
    expect(allowed([deny], 'egress', '10.244.1.2')).toBeUndefined()
    expect(allowed([deny], 'ingress', '10.244.2.3')).toBeUndefined()
    expect(allowed([deny], 'ingress', '10.244.1.4')).toBeUndefined()
  })

  test('without types a policy is for ingress, and for egress if it has such rules', () => {
    expect(allowed([policy({})], 'egress', '10.244.1.2')).toBeUndefined()
    expect(allowed([policy({ egress: [{}] })], 'egress', '10.244.1.2')).toEqual(['return', 'drop'])
    expect(allowed([policy({ egress: [{}] })], 'ingress', '10.244.1.2')).toEqual(['drop'])
  })

  test.each([
    ['everybody', { from: [] }, ['return']],
    ['pods of the own namespace', { from: [{ podSelector: {} }] }, ['ip saddr {10.244.1.2, 10.244.2.3} return']],
    [
      'pods of some namespaces',
      { from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'b' } } }] },
      ['ip saddr {10.244.1.4} return'],
    ],
    [
      'some pods of some namespaces',
      { from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'client' } } }] },
      ['ip saddr {10.244.2.3} return'],
    ],
    [
      'an address block with exceptions',
      { from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.2.0.0/16'] } }] },
      ['ip saddr 10.0.0.0/8 ip saddr != 10.1.0.0/16 ip saddr != 10.2.0.0/16 return'],
    ],
    ['an address block of another family', { from: [{ ipBlock: { cidr: 'fd00::/8' } }] }, []],
    ['a port', { ports: [{ port: 80, protocol: 'TCP' }] }, ['meta l4proto tcp th dport 80 return']],
    ['a range of ports', { ports: [{ port: 80, endPort: 90 }] }, ['meta l4proto tcp th dport 80-90 return']],
    ['a protocol', { ports: [{ protocol: 'SCTP' }] }, ['meta l4proto sctp return']],
    [
      'a named port of those pods',
      { from: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 'http' }] },
      ['ip saddr {10.244.2.3} ip daddr . meta l4proto . th dport {10.244.1.2 . tcp . 8080} return'],
    ],
    [
      'each peer on each port',
      {
        from: [{ podSelector: {} }, { ipBlock: { cidr: '1.2.3.4/32' } }],
        ports: [{ port: 1 }, { port: 2, protocol: 'UDP' }],
      },
      [
        'ip saddr {10.244.1.2, 10.244.2.3} meta l4proto tcp th dport 1 return',
        'ip saddr {10.244.1.2, 10.244.2.3} meta l4proto udp th dport 2 return',
        'ip saddr 1.2.3.4/32 meta l4proto tcp th dport 1 return',
        'ip saddr 1.2.3.4/32 meta l4proto udp th dport 2 return',
      ],
    ],
  ])('ingress from %s', (_, rule, expected) => {
    expect(allowed([policy({ ingress: [rule] })], 'ingress', '10.244.1.2')).toEqual([...expected, 'drop'])
  })

  test.each([
    ['pods', { to: [{ podSelector: {} }] }, ['ip daddr {10.244.1.2, 10.244.2.3} return']],
    ['an address block', { to: [{ ipBlock: { cidr: '1.2.3.0/24' } }] }, ['ip daddr 1.2.3.0/24 return']],
    [
      'a named port of its destinations',
      { to: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 'http' }] },
      ['ip daddr . meta l4proto . th dport {10.244.1.2 . tcp . 8080} return'],
    ],
    [
      'a named port anywhere',
      { ports: [{ port: 'http' }] },
      ['ip daddr . meta l4proto . th dport {10.244.1.2 . tcp . 8080} return'],
    ],
    ['a named port of an address block', { to: [{ ipBlock: { cidr: '1.2.3.0/24' } }], ports: [{ port: 'http' }] }, []],
  ])('egress to %s', (_, rule, expected) => {
    const egress = policy({ policyTypes: ['Egress'], egress: [rule] })
    expect(allowed([egress], 'egress', '10.244.1.2')).toEqual([...expected, 'drop'])
  })

  test('what any policy of a pod allows is allowed', () => {
    const one = policy({ ingress: [{ ports: [{ port: 1 }] }] }, 'one')
    const two = policy({ ingress: [{ ports: [{ port: 2 }] }] }, 'two')
    const deny = policy({}, 'deny')
    expect(allowed([deny, one, two], 'ingress', '10.244.1.2')).toEqual([
      'meta l4proto tcp th dport 1 return',
      'meta l4proto tcp th dport 2 return',
      'drop',
    ])
  })

  test('pods on the host network, ended pods and pods without an address are nobody', () => {
    const gone = pod('a', 'gone', '10.244.1.9', { status: { phase: 'Succeeded' } })
    const host = { ...pod('a', 'host', '192.0.2.1'), spec: { hostNetwork: true, containers: [] } } as unknown as Pod
    const waiting = pod('a', 'waiting', '', {})
    const rule = policy({ ingress: [{ from: [{ podSelector: {} }] }] })
    expect(allowed([rule], 'ingress', '10.244.1.2', [...pods, gone, host, waiting])).toEqual([
      'ip saddr {10.244.1.2, 10.244.2.3} return',
      'drop',
    ])
  })

  test('of IPv6 pods are for their other addresses and blocks, and neighbours go on finding each other', () => {
    const both = (one: Pod, wide: string) =>
      ({ ...one, status: { ...one.status, podIPs: [{ ip: one.status!.podIP }, { ip: wide }] } }) as Pod
    const blocks = policy({ ingress: [{ from: ['10.0.0.0/8', 'fd01::/64'].map(cidr => ({ ipBlock: { cidr } })) }] })
    const peers = policy({ ingress: [{ from: [{ podSelector: {} }] }] }, 'peers')
    const table = planPolicyRules({
      ...{ policies: [blocks, peers], namespaces, nodeName: 'n1', podCidr: 'fd00:0:0:1::/64' },
      pods: [both(web, 'fd00:0:0:1::2'), both(client, 'fd00:0:0:2::3')],
    })
    const chain = table.maps.get('ingress')!.elements.get('fd00:0:0:1::2')!.replace('jump ', '')
    const [block, peer, last, ...more] = table.chains.get(chain)!.rules.map(withoutCounter)
    expect([block, last, more]).toEqual(['ip6 saddr fd01::/64 return', 'drop', []])
    const id = /^ip6 saddr @(\S+) return$/.exec(peer!)![1]!
    expect(table.sets.get(id)).toEqual({ type: 'ipv6_addr', elements: new Set(['fd00:0:0:1::2', 'fd00:0:0:2::3']) })
    expect(table.chains.get('forward')!.rules[1]).toContain('nd-neighbor-solicit')
  })

  test('each rule of each policy has a counter, and what none of them allows has another', () => {
    const one = policy({ ingress: [{ ports: [{ port: 1 }, { port: 2 }] }, { ports: [{ port: 3 }] }] }, 'one')
    const two = policy({ ingress: [{ ports: [{ port: 3 }] }, { ports: [{ port: 4 }] }] }, 'two')
    const { counters, counted, chains } = plan([one, two])
    expect([...counted.values()]).toEqual([
      { direction: 'ingress', policies: ['a/one'], rule: 0 },
      { direction: 'ingress', policies: ['a/one'], rule: 1 },
      { direction: 'ingress', policies: ['a/two'], rule: 1 },
      { direction: 'ingress', policies: ['a/one', 'a/two'], rule: undefined },
    ])
    expect(counters).toEqual(new Set(counted.keys()))
    const named = [...chains.values()].flatMap(({ rules }) =>
      rules.flatMap(r => /counter name (\S+)/.exec(r)?.[1] ?? []),
    )
    const [first, second, third, drops] = counted.keys()
    expect(named).toEqual([first, first, second, third, drops])
  })

  test('a counter goes on when the rules around it change, and goes with its rule', () => {
    const rule = (ports: number[]) => policy({ ingress: ports.map(port => ({ ports: [{ port }] })) })
    const script = difference('t', plan([rule([1, 2])]), plan([rule([3])]))
    expect(script.filter(line => line.includes(' counter ip'))).toEqual([
      expect.stringMatching(/^delete counter ip t ingress-\w+-1$/),
    ])
    expect(script.at(-1)).toMatch(/^delete counter/)
  })

  test('counts of both families are one, in order of policy and rule', () => {
    const { counted } = plan([policy({ ingress: [{ ports: [{ port: 1 }] }] })])
    const seen = (packets: number) => new Map([...counted.keys()].map(name => [name, { packets, bytes: 10 * packets }]))
    expect(sumCounts(counted, [seen(1), seen(2), new Map()])).toEqual([
      { direction: 'ingress', policies: ['a/p'], rule: 0, packets: 3, bytes: 30 },
      { direction: 'ingress', policies: ['a/p'], packets: 3, bytes: 30 },
    ])
  })

  test('one more pod costs elements, not chains', () => {
    const rule = policy({ ingress: [{ from: [{ podSelector: {} }] }] })
    const script = difference('t', plan([rule]), plan([rule], [...pods, pod('a', 'new', '10.244.1.7')]))
    expect(script).toHaveLength(4)
    expect(script.every(line => line.startsWith('add element ip t ') && line.includes('10.244.1.7'))).toBe(true)
  })
})
