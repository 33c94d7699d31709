import { beforeAll, expect, it } from 'vitest'
import type { Reconciler } from '../../client/index.ts'
import { ConfigMap, Pod } from '../../models/kinds/index.ts'
import { type Entry, restingTown, strike, tryFlip } from './try-flip.ts'

let entries: Entry[]
beforeAll(async () => {
  entries = await restingTown()
  // Seven seconds of work at load 48: the usual ten are too few for a machine that is busy.
}, 60_000)

/** It makes a pod when it finds none, and does not look whether it would find the one it makes. */
const heedless: Reconciler = {
  name: 'heedless',
  primary: ConfigMap,
  watches: [{ kind: Pod, keys: () => [] }],
  writes: [{ kind: Pod, part: 'owned' }],
  async reconcile(key, { cache, client }) {
    const config = cache.get(ConfigMap, key)
    const wanted = config?.metadata.labels?.['pods']
    if (!wanted || cache.list(Pod, key.namespace).some(p => p.metadata.labels?.['of'] === wanted)) return
    const metadata = { namespace: key.namespace!, generateName: 'made-', labels: { of: 'config' } }
    await client.create(Pod, { metadata, spec: { containers: [{ name: 'main', image: 'app:1' }] } })
    return { afterMs: 1_000 }
  },
}

it('a controller that creates without end because of one label is found', async () => {
  const change = (object: any) => {
    object.metadata.labels = { pods: 'others' }
    return { path: 'metadata.labels', before: undefined, after: object.metadata.labels }
  }
  const { harm } = await strike(entries, '/registry/core/configmaps/hit/config', change, [heedless], 20_000)
  expect(harm.join()).toMatch(/pods\/hit\/made-\* was created \d{2,} times/)
}, 60_000)

it('a namespace that loses its finalizers takes nothing with it', async () => {
  const change = (object: any) => {
    const before = object.spec
    object.spec = { finalizers: [] }
    object.status = { phase: 'Terminating' }
    return { path: 'spec', before, after: object.spec }
  }
  const { deleted, harm } = await strike(entries, '/registry/core/namespaces/hit', change, [], 30_000)
  expect([deleted, harm]).toEqual([0, []])
}, 60_000)

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9))
it(`a field that is flipped harms nothing else (SEED=${seed})`, async () => {
  for (let i = 0; i < 2; i++) expect(await tryFlip(entries, seed + i)).toMatchObject({ harm: [] })
}, 60_000)
