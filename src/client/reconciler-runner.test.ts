import { describe, expect, test } from 'vitest'
import { settle } from '../base/virtual-clock.ts'
import { conflictError } from '../models/api-error.ts'
import { ConfigMap as ConfigMapKind, Lease as LeaseKind } from '../models/kinds/index.ts'
import type { ObjectKey } from '../models/object.ts'
import { controllerRef } from './owner.ts'
import { ownerWatch, type Reconciler } from './reconciler.ts'
import { createReconcilerRunner } from './reconciler-runner.ts'
import { createBench } from './testing/index.ts'

const maps = '/api/v1/namespaces/a/configmaps'
const leases = '/apis/coordination.k8s.io/v1/namespaces/a/leases'

function reconciler(reconcile: Reconciler['reconcile'], more: Partial<Reconciler> = {}): Reconciler {
  return { name: 'map', primary: ConfigMapKind, writes: [{ kind: ConfigMapKind, part: 'owned' }], reconcile, ...more }
}

describe('the reconciler runner', () => {
  test('calls with the key of everything there is, then of everything that changes', async () => {
    const b = createBench()
    b.api.put(`${maps}/x`, {})
    const seen: ObjectKey[] = []
    await using runner = createReconcilerRunner({ ...b, reconcilers: [reconciler(async key => void seen.push(key))] })
    await runner.start()
    await settle()
    b.api.put(`${maps}/y`, {})
    await settle()
    b.api.remove(`${maps}/x`)
    await settle()
    const key = (name: string) => ({ namespace: 'a', name })
    expect(seen).toEqual([key('x'), key('y'), key('x')])
    expect(runner.idle).toBe(true)
    await b.informers[Symbol.asyncDispose]()
  })

  test('does not ask of objects that are none of its business, but of those that were', async () => {
    const b = createBench()
    b.api.put(`${maps}/quiet`, {})
    b.api.put(`${maps}/loud`, { data: { loud: 'yes' } })
    const seen: string[] = []
    const loud = (map: { data?: Record<string, string> }) => map.data?.['loud'] !== undefined
    const one = reconciler(async key => void seen.push(key.name), { concerns: loud })
    await using runner = createReconcilerRunner({ ...b, reconcilers: [one] })
    await runner.start()
    b.api.put(`${maps}/quiet`, { data: { still: 'quiet' } })
    await settle()
    expect(seen).toEqual(['loud'])
    b.api.put(`${maps}/loud`, {})
    await settle()
    expect(seen).toEqual(['loud', 'loud'])
    b.api.remove(`${maps}/quiet`)
    b.api.remove(`${maps}/loud`)
    await settle()
    expect(seen).toEqual(['loud', 'loud'])
    await b.informers[Symbol.asyncDispose]()
  })

  test('maps a dependent to its controller, before and after the change', async () => {
    const b = createBench()
    const owner = b.api.put(`${maps}/x`, { apiVersion: 'v1', kind: 'ConfigMap' })
    b.api.put(`${leases}/child`, { metadata: { ownerReferences: [controllerRef(owner)] } })
    const seen: string[] = []
    await using runner = createReconcilerRunner({
      ...b,
      reconcilers: [
        reconciler(
          async (key, { cache }) =>
            void seen.push(`${key.name}:${cache.ownedBy(LeaseKind, owner.metadata.uid).length}`),
          { watches: [ownerWatch(LeaseKind, ConfigMapKind)] },
        ),
      ],
    })
    await runner.start()
    await settle()
    seen.length = 0
    b.api.put(`${leases}/child`, { metadata: { ownerReferences: [] } })
    await settle()
    expect(seen).toEqual(['x:0'])
    await b.informers[Symbol.asyncDispose]()
  })

  test('tries again after a failure, later each time, and after the time it was asked to', async () => {
    const b = createBench()
    b.api.put(`${maps}/x`, {})
    const at: number[] = []
    await using runner = createReconcilerRunner({
      ...b,
      reconcilers: [
        reconciler(async () => {
          at.push(b.clock.monotonicMs())
          if (at.length < 4) throw at.length === 1 ? conflictError(ConfigMapKind, 'x', 'stale') : new Error('broken')
          return at.length === 4 ? { afterMs: 1_000 } : undefined
        }),
      ],
    })
    await runner.start()
    await b.clock.advance(10_000)
    expect(at).toEqual([0, 5, 15, 35, 1_035])
    expect(runner.stats()).toEqual({ map: { reconciled: 5, failed: 3, depth: 0, lastError: 'broken' } })
    await b.informers[Symbol.asyncDispose]()
  })

  test('refuses at start two reconcilers that own one status', () => {
    const b = createBench()
    const writes = [{ kind: ConfigMapKind, part: 'status' as const }]
    const none = async () => {}
    expect(() =>
      createReconcilerRunner({
        ...b,
        reconcilers: [reconciler(none, { name: 'one', writes }), reconciler(none, { name: 'two', writes })],
      }),
    ).toThrow('reconcilers "one" and "two" both own the status of v1 ConfigMap')
  })

  test('when strict, a write that is not declared throws and reaches no server', async () => {
    const b = createBench()
    b.api.put(`${maps}/x`, {})
    const attempts: Record<string, string> = {}
    await using runner = createReconcilerRunner({
      ...b,
      strict: true,
      reconcilers: [
        reconciler(
          async (key, { client }) => {
            if (attempts['labels']) return
            const object = await client.get(ConfigMapKind, key)
            const tries: Record<string, () => Promise<unknown>> = {
              labels: () =>
                client.patch(ConfigMapKind, key, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } }),
              data: () => client.patch(ConfigMapKind, key, { type: 'merge', body: { data: { a: 'b' } } }),
              status: () => client.updateStatus(ConfigMapKind, object),
              create: () => client.create(LeaseKind, { metadata: { namespace: 'a', name: 'l' }, spec: {} }),
              delete: () => client.delete(ConfigMapKind, key),
            }
            for (const [name, attempt] of Object.entries(tries))
              attempts[name] = await attempt().then(
                () => 'done',
                e => e.message,
              )
          },
          { writes: [{ kind: ConfigMapKind, part: 'metadata' }] },
        ),
      ],
    })
    await runner.start()
    await settle(20)
    const refused = (part: string, kind: string) => `reconciler "map" writes ${part} of ${kind} without declaring it`
    expect(attempts).toEqual({
      labels: 'done',
      data: refused('owned', 'v1 ConfigMap'),
      status: refused('status', 'v1 ConfigMap'),
      create: refused('owned', 'coordination.k8s.io/v1 Lease'),
      delete: refused('owned', 'v1 ConfigMap'),
    })
    expect(b.api.objects.has(`${maps}/x`)).toBe(true)
    await b.informers[Symbol.asyncDispose]()
  })

  test('works on no key before all caches are filled', async () => {
    const b = createBench()
    b.api.put(`${maps}/x`, {})
    let leasesListed = false
    b.api.intercept = async r => {
      if (!r.url.includes('leases') || r.url.includes('watch')) return undefined
      await new Promise<void>(resolve => b.clock.schedule(5_000, resolve))
      leasesListed = true
      return undefined
    }
    const seen: boolean[] = []
    await using runner = createReconcilerRunner({
      ...b,
      reconcilers: [
        reconciler(async () => void seen.push(leasesListed), { watches: [{ kind: LeaseKind, keys: () => [] }] }),
      ],
    })
    const started = runner.start()
    await b.clock.advance(6_000)
    await started
    await settle()
    expect(seen).toEqual([true])
    await b.informers[Symbol.asyncDispose]()
  })

  test('prints who watches and writes what', () => {
    const b = createBench()
    const runner = createReconcilerRunner({
      ...b,
      reconcilers: [reconciler(async () => {}, { watches: [{ kind: LeaseKind, keys: () => [] }] })],
    })
    expect(runner.graph()).toEqual([
      { name: 'map', primary: 'configmaps', watches: ['leases.coordination.k8s.io'], writes: ['configmaps'] },
    ])
  })
})
