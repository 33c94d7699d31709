import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Endpoint, EndpointSlice } from '../models/types/discovery-v1.ts'
import { type Desired, endpointKey, type PlannedSlice, planSlices } from './slice-plan.ts'

const ports = [{ name: 'http', port: 80, protocol: 'TCP' as const }]
const endpoint = (n: number, ready = true): Endpoint => ({
  addresses: [`10.0.${n >> 8}.${n & 255}`],
  conditions: { ready },
})
let serial = 0
const slice = (endpoints: Endpoint[], more: Partial<EndpointSlice> = {}): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `s-${++serial}`, namespace: 'default', uid: `u-${serial}`, resourceVersion: '1' },
  addressType: 'IPv4',
  ports,
  endpoints,
  ...more,
})
const range = (from: number, to: number, ready = true) =>
  Array.from({ length: to - from }, (_, i) => endpoint(from + i, ready))
const want = (endpoints: Endpoint[]): Desired[] => [{ addressType: 'IPv4', ports, endpoints }]
const plan = (existing: EndpointSlice[], endpoints: Endpoint[], limit = 100) =>
  planSlices(existing, want(endpoints), () => true, limit)
const sizes = (planned: PlannedSlice[]) => planned.map(p => p.endpoints.length)

describe('slices of a Service', () => {
  it('hold at most a hundred endpoints each', () => {
    expect(sizes(plan([], range(0, 250)).create)).toEqual([100, 100, 50])
  })
  it('are left alone when nothing changed, even when not full', () => {
    expect(plan([slice(range(0, 30)), slice(range(30, 60))], range(0, 60))).toEqual({
      create: [],
      update: [],
      remove: [],
    })
  })
  it('take a new endpoint where it fits best, in one write', () => {
    const [small, large] = [slice(range(0, 10)), slice(range(10, 60))]
    const { create, update, remove } = plan([small, large], range(0, 61))
    expect([create, update.map(u => u.existing!.metadata.name), remove]).toEqual([[], [large.metadata.name], []])
  })
  it('take it in a slice that changes anyway', () => {
    const [changing, large] = [slice(range(0, 10)), slice(range(10, 60))]
    const { update } = plan([changing, large], [...range(1, 60), endpoint(99)])
    expect(update.map(u => u.existing!.metadata.name)).toEqual([changing.metadata.name])
  })
  it('change in place when readiness does', () => {
    const only = slice(range(0, 3))
    const { update } = plan([only], [...range(0, 2), endpoint(2, false)])
    expect(update[0]!.endpoints[2]!.conditions).toEqual({ ready: false })
  })
  it('disappear when they become empty, but one stays to say that there is nothing', () => {
    const [a, b] = [slice(range(0, 3)), slice(range(3, 6))]
    expect(plan([a, b], range(0, 3)).remove).toEqual([b])
    const none = plan([a, b], [])
    expect([sizes(none.update), none.remove, none.create]).toEqual([[0], [b], []])
    expect(sizes(plan([], []).create)).toEqual([0])
  })
  it('of a family that is wanted no more are removed, those of other ports take the new ones', () => {
    const old = slice(range(0, 3), { ports: [{ name: 'http', port: 81, protocol: 'TCP' }] })
    const six = slice([], { addressType: 'IPv6' })
    expect(plan([old, six], range(0, 3))).toEqual({
      create: [],
      update: [{ existing: old, addressType: 'IPv4', ports, endpoints: range(0, 3) }],
      remove: [six],
    })
  })

  it('say exactly what is desired, whatever was there before, and then nothing more is to be done', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 40 })
    fc.assert(
      fc.property(fc.array(numbers, { maxLength: 4 }), numbers, (before, wanted) => {
        const seen = new Set<number>()
        const existing = before.map(ns =>
          slice(
            ns
              .filter(n => !seen.has(n) && seen.add(n))
              .slice(0, 10)
              .map(n => endpoint(n)),
          ),
        )
        const { create, update, remove } = plan(
          existing,
          wanted.map(n => endpoint(n)),
          10,
        )
        const after = [
          ...existing
            .filter(s => !remove.includes(s))
            .map(s => {
              const u = update.find(p => p.existing === s)
              return u ? { ...s, endpoints: u.endpoints } : s
            }),
          ...create.map(c => slice(c.endpoints)),
        ]
        const all = after.flatMap(s => s.endpoints!.map(endpointKey)).sort()
        expect(all).toEqual(wanted.map(n => endpointKey(endpoint(n))).sort())
        for (const s of after) expect(s.endpoints!.length).toBeLessThanOrEqual(10)
        expect(
          plan(
            after,
            wanted.map(n => endpoint(n)),
            10,
          ),
        ).toEqual({ create: [], update: [], remove: [] })
      }),
      { numRuns: 500 },
    )
  })
})
