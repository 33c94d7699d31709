import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyDelta, encodeDelta } from './delta.ts'

const lease = (n: number) =>
  Buffer.from(
    JSON.stringify({
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: {
        name: 'node-1',
        namespace: 'kube-node-lease',
        uid: '4b0b5c8e-6f5f-4d0e-9d5e-2f1f4d1f9a11',
        managedFields: [
          { manager: 'optiflow', operation: 'Update', time: `2026-01-31T12:00:${n}Z`, fieldsV1: { 'f:spec': {} } },
        ],
      },
      spec: { holderIdentity: 'node-1', leaseDurationSeconds: 40, renewTime: `2026-01-31T12:00:${n}.000000Z` },
    }),
  )

describe('a difference', () => {
  it('of a heartbeat is a small part of it', () => {
    const delta = encodeDelta(lease(10), lease(24))!
    expect(delta.length).toBeLessThan(40)
    expect(Buffer.from(applyDelta(lease(10), delta))).toEqual(lease(24))
  })

  it('is not made where it saves little', () => {
    expect(encodeDelta(lease(10), Buffer.alloc(400, 7))).toBeUndefined()
    expect(encodeDelta(Buffer.from('a'), Buffer.from('b'))).toBeUndefined()
  })

  it('gives back whatever it was made of', () => {
    const text = fc.array(fc.constantFrom('alpha-', 'beta=', '"gamma":', '0123456789', 'x', 'yz', '\u00e9'), {
      maxLength: 150,
    })
    const edits = fc.array(fc.record({ at: fc.nat(1500), remove: fc.nat(80), insert: fc.string({ maxLength: 60 }) }), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(text, edits, (words, changes) => {
        const base = words.join('')
        let next = base
        for (const { at, remove, insert } of changes) next = next.slice(0, at) + insert + next.slice(at + remove)
        const [from, to] = [Buffer.from(base), Buffer.from(next)]
        const delta = encodeDelta(from, to)
        if (!delta) return
        expect(delta.length).toBeLessThanOrEqual(to.length / 2)
        expect(Buffer.compare(applyDelta(from, delta), to)).toBe(0)
      }),
      { numRuns: 500 },
    )
  })

  it('that is damaged is refused', () => {
    const delta = encodeDelta(lease(10), lease(24))!
    for (let i = 0; i < delta.length; i++) {
      const cut = delta.subarray(0, i)
      try {
        expect(Buffer.compare(applyDelta(lease(10), cut), lease(24))).not.toBe(0)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }
  })
})
