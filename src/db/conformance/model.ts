import fc from 'fast-check'
import { expect } from 'vitest'
import { compareKeys } from '../key.ts'
import { Compacted, type Key, type Revision, type Store, StoreConflict, type StoreEvent } from '../store.ts'
import { bytes, collect, event, Reader, textOf } from './events.ts'

type Step =
  | { do: 'commit'; changes: { key: number; value: string | undefined }[]; seen: { key: number; right: boolean }[] }
  | { do: 'compact'; back: number }

const keyNumber = fc.integer({ min: 0, max: 5 })
/** Short ones, and long ones of which a small part differs: engines may keep only that. */
const text = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.string({ maxLength: 4 }).map(s => `${'abcdefghijklmnopqrst'.repeat(20)}${s}${'zyxwvutsrq'.repeat(20)}`),
)
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      changes: fc.uniqueArray(fc.record({ key: keyNumber, value: fc.option(text, { nil: undefined, freq: 3 }) }), {
        maxLength: 3,
        selector: c => c.key,
      }),
      seen: fc.uniqueArray(fc.record({ key: keyNumber, right: fc.boolean() }), { maxLength: 1, selector: s => s.key }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), back: fc.integer({ min: 0, max: 10 }) }) },
)

interface ModelState {
  value: string
  revision: Revision
  created: Revision
}

/** Runs the steps on the store and on a map, and compares all that can be read. */
export async function checkAgainstModel(
  store: Store,
  root: Key,
  steps: Step[],
  signal: AbortSignal,
  swept?: (store: Store) => Promise<void>,
): Promise<void> {
  const keyOf = (n: number) => `${root}${'abcdef'[n]}`
  const start = await store.revision()
  let oldest = start
  let now = new Map<Key, ModelState>()
  const past: { revision: Revision; state: Map<Key, ModelState> }[] = [{ revision: start, state: now }]
  const events: StoreEvent[] = []
  const live = collect(new Reader(store.watch(root, start, signal)))

  for (const s of steps) {
    if (s.do === 'compact') {
      oldest = past[Math.max(past.length - 1 - s.back, 0)]!.revision
      oldest = await store.compact(oldest)
      await swept?.(store)
      continue
    }
    const seen = new Map<Key, Revision>()
    for (const { key, right } of s.seen) {
      const actual = now.get(keyOf(key))?.revision ?? 0n
      seen.set(keyOf(key), right ? actual : actual + 1n)
    }
    const changes = s.changes.map(c => ({
      key: keyOf(c.key),
      value: c.value === undefined ? undefined : bytes(c.value),
    }))
    const before = past.at(-1)!.revision
    const outcome = await store.commit(changes, seen).catch(e => e)
    if (s.seen.some(x => !x.right)) {
      expect(outcome).toBeInstanceOf(StoreConflict)
      continue
    }
    const effective = changes.filter(c => c.value !== undefined || now.has(c.key))
    if (effective.length === 0) {
      expect(outcome).toBe(before)
      continue
    }
    expect(outcome).toBeGreaterThan(before)
    const revision: Revision = outcome
    const next = new Map(now)
    for (const { key, value } of effective) {
      const was = now.get(key)
      const made = was?.created ?? revision
      events.push(event(value ? 'put' : 'delete', key, textOf(value), revision, value ? made : 0n))
      if (value) next.set(key, { value: textOf(value)!, revision, created: made })
      else next.delete(key)
    }
    now = next
    past.push({ revision, state: now })
  }

  for (const { revision, state } of past) {
    if (revision < oldest) {
      await expect(store.list(root, { at: revision })).rejects.toBeInstanceOf(Compacted)
      continue
    }
    const listing = await store.list(root, { at: revision })
    const want = [...state].sort(([a], [b]) => compareKeys(a, b))
    expect(listing.entries.map(e => [e.key, textOf(e.value), e.revision, e.created])).toEqual(
      want.map(([key, s]) => [key, s.value, s.revision, s.created]),
    )
    expect(listing.remaining).toBe(0)
  }
  expect(await live(events.length)).toEqual(events)
  const kept = events.filter(e => e.revision > oldest)
  const replayed = await new Reader(store.watch(root, oldest, signal)).events(kept.length)
  expect(replayed).toEqual(kept)
}
