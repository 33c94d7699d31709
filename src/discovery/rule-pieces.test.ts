import fc from 'fast-check'
import { expect, test } from 'vitest'
import { difference, emptyTable, type NftTable } from '../base/nft-table.ts'
import type { EndpointSlice, Service } from '../models/kinds/index.ts'
import { RulePieces } from './rule-pieces.ts'
import { serviceTableOf } from './service-table.ts'

interface State {
  service?: Service
  endpoints: number[]
}

const ids = ['d/a', 'd/b', 'd/c']
const names = fc.constantFrom(...ids)
/** Few addresses and ports, so that Services want the same ones. */
const change = fc.record({
  id: names,
  exists: fc.boolean(),
  external: fc.option(fc.constantFrom('192.0.2.1', '192.0.2.2')),
  port: fc.constantFrom(80, 81),
  endpoints: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
})

function stateOf({
  id,
  exists,
  external,
  port,
  endpoints,
}: typeof change extends fc.Arbitrary<infer T> ? T : never): State {
  if (!exists) return { endpoints }
  const name = id.slice(2)
  const service = {
    metadata: { namespace: 'd', name },
    spec: {
      ...{ type: 'NodePort', clusterIP: `10.96.0.${ids.indexOf(id) + 1}`, externalIPs: external ? [external] : [] },
      ports: [{ port, nodePort: 30000 + port, protocol: 'TCP' }],
    },
  } as unknown as Service
  return { service, endpoints }
}

const sliceOf = (id: string, endpoints: number[]) =>
  ({
    metadata: { namespace: 'd', name: 's', labels: { 'kubernetes.io/service-name': id.slice(2) } },
    addressType: 'IPv4',
    ports: [{ port: 8080, protocol: 'TCP' }],
    endpoints: endpoints.map(n => ({ addresses: [`10.244.0.${n}`] })),
  }) as unknown as EndpointSlice

/** Maps and sets as a kernel has them after the statements: who adds what is there, or deletes what is not, has erred. */
class Kernel {
  readonly elements = new Map<string, string>()
  readonly chains = new Set<string>()

  apply(script: string[]): void {
    for (const line of script) {
      const chain = /^(add|delete) chain ip t (\S+)/.exec(line)
      if (chain) {
        if (this.chains.has(chain[2]!) === (chain[1] === 'add')) throw new Error(line)
        if (chain[1] === 'add') this.chains.add(chain[2]!)
        else this.chains.delete(chain[2]!)
      }
      for (const [, led] of line.matchAll(/goto ([\w-]+)/g))
        if (line.startsWith('add') && !this.chains.has(led!)) throw new Error(`${line}: there is no chain ${led}`)
      const found = /^(add|delete) element ip t (\S+) \{ (.*) \}$/.exec(line)
      if (!found) continue
      for (const element of found[3]!.split(', ')) {
        const [key, verdict = ''] = element.split(' : ') as [string, string?]
        const name = `${found[2]} ${key}`
        if (this.elements.has(name) === (found[1] === 'add')) throw new Error(`${line} but ${this.elements.get(name)}`)
        if (found[1] === 'add') this.elements.set(name, verdict)
        else this.elements.delete(name)
      }
    }
  }
}

const elementsOf = ({ maps, sets }: NftTable) =>
  new Map([
    ...[...maps].flatMap(([id, map]) => [...map.elements].map(([key, verdict]) => [`${id} ${key}`, verdict] as const)),
    ...[...sets].flatMap(([id, set]) => [...set.elements].map(key => [`${id} ${key}`, ''] as const)),
  ])

test('changes one by one lead to where planning all at once leads, whoever wants the same address', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { maxLength: 8 }), rounds => {
      const states = new Map<string, State>()
      const source = {
        ids: () => [...states].filter(([, s]) => s.service).map(([id]) => id),
        service: (id: string) => states.get(id)?.service,
        slices: (id: string) => [sliceOf(id, states.get(id)?.endpoints ?? [])],
        rest: () => ({ nodeName: 'n1' }),
      }
      const pieces = new RulePieces(source)
      const kernel = new Kernel()
      kernel.apply(difference('t', emptyTable(), serviceTableOf(pieces.whole())))
      for (const round of rounds) {
        for (const one of round) {
          states.set(one.id, stateOf(one))
          pieces.touch(one.id)
        }
        const { before, after } = pieces.refresh()
        kernel.apply(difference('t', serviceTableOf(before), serviceTableOf(after)))
      }
      const fresh = new RulePieces(source)
      fresh.touchAll()
      fresh.refresh()
      expect(pieces.whole()).toEqual(fresh.whole())
      const table = serviceTableOf(fresh.whole())
      expect(kernel.elements).toEqual(elementsOf(table))
      expect(kernel.chains).toEqual(new Set(table.chains.keys()))
    }),
  )
})

test('a change of one Service among others concerns it alone', () => {
  const states = new Map(
    ids.map(id => {
      const state = stateOf({ id, exists: true, external: null, port: 80, endpoints: [1, 2] })
      state.service!.spec.type = 'ClusterIP'
      delete state.service!.spec.ports![0]!.nodePort
      return [id, state]
    }),
  )
  const pieces = new RulePieces({
    ids: () => states.keys(),
    service: id => states.get(id)?.service,
    slices: id => [sliceOf(id, states.get(id)!.endpoints)],
    rest: () => ({ nodeName: 'n1' }),
  })
  pieces.touchAll()
  pieces.refresh()
  states.get('d/b')!.endpoints.push(3)
  pieces.touch('d/b')
  const { before, after } = pieces.refresh()
  expect([[...before.clusterIps.keys()], [...after.clusterIps.keys()]]).toEqual([
    ['10.96.0.2 . tcp . 80'],
    ['10.96.0.2 . tcp . 80'],
  ])
  // Others have its chain of two and its endpoints too: neither goes.
  expect(difference('t', serviceTableOf(before), serviceTableOf(after))).toEqual([
    'add chain ip t to-3',
    'add element ip t hairpins { 10.244.0.3 . 10.244.0.3 }',
    ...['tcp', 'udp', 'sctp'].map(
      p => `add rule ip t to-3 dnat to ip daddr . ${p} dport . numgen random mod 3 map @to-${p}`,
    ),
    'delete element ip t cluster-ips { 10.96.0.2 . tcp . 80 : goto to-2 }',
    'add element ip t cluster-ips { 10.96.0.2 . tcp . 80 : goto to-3 }',
    'add element ip t to-tcp { 10.96.0.2 . 80 . 2 : 10.244.0.3 . 8080 }',
  ])
})
