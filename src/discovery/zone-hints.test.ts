import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Node, Service } from '../models/kinds/index.ts'
import { type Candidate, cpuShares, hintSign, wantsZoneHints, zoneHints } from './zone-hints.ts'

const node = (name: string, zone: string | undefined, cpu: string, more: Record<string, string> = {}, ready = 'True') =>
  ({
    metadata: { name, labels: { ...(zone ? { 'topology.kubernetes.io/zone': zone } : {}), ...more } },
    status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: ready }] },
  }) as unknown as Node
const controlPlane = { 'node-role.kubernetes.io/control-plane': '' }
const shares = (of: Record<string, number>) => new Map(Object.entries(of))
const thirds = shares({ a: 1 / 3, b: 1 / 3, c: 1 / 3 })
const inZones = (...zones: (string | undefined)[]): Candidate[] => zones.map(zone => ({ zone }))
const hints = (endpoints: Candidate[], of: Map<string, number> | undefined) => {
  const found = zoneHints(endpoints, of)
  return 'zones' in found ? found.zones.join('') : found.problem
}

it('zones have the part of the CPU that their ready nodes have, the control plane left out', () => {
  const nodes = [
    node('1', 'a', '1'),
    node('2', 'a', '500m'),
    node('3', 'b', '500m'),
    node('4', undefined, '9', controlPlane),
  ]
  expect(cpuShares(nodes)).toEqual(shares({ a: 0.75, b: 0.25 }))
  expect(cpuShares([...nodes, node('5', 'c', '4', {}, 'False')])).toEqual(shares({ a: 0.75, b: 0.25 }))
  expect(cpuShares([...nodes, node('5', undefined, '4')])).toBeUndefined()
  expect(cpuShares([...nodes, node('5', 'c', '0')])).toBeUndefined()
  expect(cpuShares([node('1', 'a', '1'), node('2', 'a', '1')])).toBeUndefined()
})

it('a node is news when its zone, its CPU or its being ready changes', () => {
  const before = hintSign(node('1', 'a', '1'))
  expect(hintSign(node('1', 'a', '1000m', { other: 'label' }))).toBe(before)
  for (const changed of [node('1', 'b', '1'), node('1', 'a', '2'), node('1', 'a', '1', {}, 'Unknown')])
    expect(hintSign(changed)).not.toBe(before)
})

it.each([
  ['as many as each zone wants', inZones('a', 'b', 'c', 'a', 'b', 'c'), thirds, 'abcabc'],
  ['what a zone lacks comes from those that have more', inZones('a', 'a', 'a', 'a', 'b', 'b'), thirds, 'ccaabb'],
  ['two zones of which one has nothing', inZones('a', 'a', 'a', 'a'), shares({ a: 0.5, b: 0.5 }), 'bbaa'],
  ['a zone of which no node is ready gives all', inZones('x', 'a', 'x', 'b'), shares({ a: 0.5, b: 0.5 }), 'aabb'],
  ['half an endpoint is not moved', inZones(...'aaaabbb'), shares({ a: 0.5, b: 0.5 }), 'aaaabbb'],
  ['too few for the zones', inZones('a', 'b'), thirds, 'Insufficient number of endpoints (2 endpoints, 3 zones)'],
  [
    'none of an unknown zone',
    inZones('a', undefined, 'b', 'c', 'a', 'b'),
    thirds,
    'One or more endpoints do not have a zone specified',
  ],
  [
    'none when nodes say too little',
    inZones('a', 'b'),
    undefined,
    'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes',
  ],
  [
    'none when a zone would be overloaded whatever is done',
    inZones('a', 'b', 'b'),
    shares({ a: 0.1, b: 0.7, c: 0.2 }),
    'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones)',
  ],
])('hints: %s', (_, endpoints, of, expected) => {
  const text = hints(endpoints, of)
  // Which of equal endpoints go elsewhere is no matter.
  expect(text.length < 9 ? [...text].sort().join('') : text).toBe(
    expected.length < 9 ? [...expected].sort().join('') : expected,
  )
})

it('endpoints keep their hints while no zone gets too many, and lose as few as need be when one does', () => {
  const settled = inZones('a', 'a', 'a', 'a', 'b', 'b').map((e, i) => ({ ...e, hint: 'ccaabb'[i] }))
  expect(hints(settled, thirds)).toBe('ccaabb')
  expect(hints([...settled, { zone: 'a' }], thirds)).toBe('ccaabba')
  // Zone c is gone: its two are placed anew.
  expect(hints(settled, shares({ a: 0.5, b: 0.5 }))).toMatch(/^(ab|ba)aabb$/)
})

it('no endpoint stays meant for a zone without nodes, be the others nearly served', () => {
  const all = Array.from({ length: 9 }, () => ({ zone: 'a' }))
  const found = zoneHints(all, new Map([...'dcb'].map((name, i) => [name, [3, 5, 5][i]! / 13])))
  expect('zones' in found && found.zones.filter(zone => zone === 'a')).toEqual([])
})

it('whatever there is, zones get what they need at least, and a second look changes nothing', () => {
  const zone = fc.constantFrom('a', 'b', 'c', 'd')
  fc.assert(
    fc.property(
      fc.array(fc.record({ zone, hint: fc.option(zone, { nil: undefined }) }), { maxLength: 60 }),
      fc.dictionary(zone, fc.integer({ min: 1, max: 9 }), { minKeys: 2 }),
      (endpoints, cpus) => {
        const total = Object.values(cpus).reduce((a, b) => a + b, 0)
        const of = new Map(Object.entries(cpus).map(([name, cpu]) => [name, cpu / total]))
        const found = zoneHints(endpoints, of)
        if ('problem' in found) return
        for (const [name, ratio] of of) {
          const count = found.zones.filter(z => z === name).length
          expect(count).toBeGreaterThanOrEqual(Math.ceil((ratio * endpoints.length) / 1.2))
        }
        expect(found.zones.every(z => of.has(z))).toBe(true)
        const again = zoneHints(
          endpoints.map((e, i) => ({ ...e, hint: found.zones[i] })),
          of,
        )
        expect(again).toEqual(found)
      },
    ),
    { numRuns: 300 },
  )
})

it.each([
  [{ 'service.kubernetes.io/topology-mode': 'Auto' }, true],
  [{ 'service.kubernetes.io/topology-mode': 'auto' }, true],
  [{ 'service.kubernetes.io/topology-mode': 'Disabled' }, false],
  [{ 'service.kubernetes.io/topology-aware-hints': 'Disabled', 'service.kubernetes.io/topology-mode': 'Auto' }, false],
  [undefined, false],
])('a Service with %j wants hints: %s', (annotations, expected) => {
  expect(wantsZoneHints({ metadata: { name: 's', annotations } } as unknown as Service)).toBe(expected)
})
