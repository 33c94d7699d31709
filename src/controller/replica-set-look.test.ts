import { describe, expect, it } from 'vitest'
import { ApiError } from '../models/api-error.ts'
import { Pod, ReplicaSet } from '../models/kinds/index.ts'
import { replicaSetReconciler } from './replica-set.ts'
import { pod, replicaSet } from './testing/fixtures.ts'
import { stillWorld } from './testing/still-world.ts'

/** What one look at a ReplicaSet writes: the cases that Kubernetes' own controller is held to. */

const key = { namespace: 'default', name: 'web' }
const ref = (name: string) => ({
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: `uid-${name}` },
  ...{ controller: true, blockOwnerDeletion: true },
})
const owned = (name: string, owner: string | undefined = 'web', labels = { app: 'web' }): Pod => {
  const made = pod({ name, labels })
  if (owner) made.metadata.ownerReferences = [ref(owner)]
  return made
}
const orphan = (name: string) => owned(name, '')
const set = (replicas: number, name = 'web'): ReplicaSet => replicaSet({ name, replicas, available: 0 })
const going = (one: ReplicaSet): ReplicaSet => ({
  ...one,
  metadata: { ...one.metadata, deletionTimestamp: '2026-01-01T01:00:00Z' },
})

interface Case {
  set: ReplicaSet
  pods: Pod[]
  /** As the server has it; the same unless given. */
  live?: ReplicaSet
  fails?: Record<string, Error>
}

async function look({ set, pods, live = set, fails = {} }: Case) {
  const world = stillWorld({
    cached: [
      [ReplicaSet, [set]],
      [Pod, pods],
    ],
    live: [
      [ReplicaSet, [live]],
      [Pod, pods],
    ],
    fails,
  })
  const error = await replicaSetReconciler()
    .reconcile(key, world)
    .then(
      () => undefined,
      cause => (cause as Error).message,
    )
  const writes = (verb: string) => world.writes.filter(w => w.startsWith(`${verb} Pod`))
  return {
    creates: writes('create').length,
    deletes: writes('delete').length,
    patches: new Set(writes('patch')).size,
    error,
    told: world.told,
  }
}

const nothing = { creates: 0, deletes: 0, patches: 0, error: undefined as string | undefined }
const refused = new ApiError('InternalError', 'not now')

describe('a ReplicaSet', () => {
  it.each<[string, Case, Partial<typeof nothing>]>([
    ['with its pods does nothing', { set: set(2), pods: [owned('a'), owned('b')] }, {}],
    ['with too few makes the others', { set: set(5), pods: [owned('a')] }, { creates: 4 }],
    ['with too many deletes the others', { set: set(1), pods: [owned('a'), owned('b'), owned('c')] }, { deletes: 2 }],
    ['makes 500 at once', { set: set(1_200), pods: [] }, { creates: 500 }],
    ['takes orphans', { set: set(2), pods: [orphan('a'), orphan('b')] }, { patches: 2 }],
    ['leaves pods of others alone', { set: set(2), pods: [owned('a', 'other')] }, { creates: 2 }],
    [
      'lets go of a pod whose labels are not its own',
      { set: set(1), pods: [owned('a', 'web', { app: 'else' })] },
      { creates: 1, patches: 1 },
    ],
    [
      'that may not take an orphan makes none in its place',
      { set: set(2), pods: [orphan('a'), orphan('b')], fails: { 'patch Pod': refused } },
      { patches: 1, error: 'not now' },
    ],
    ['that goes neither takes nor makes any', { set: going(set(2)), pods: [orphan('a')] }, {}],
    [
      'that goes, which the cache does not know, neither takes nor makes any',
      { set: set(2), live: going(set(2)), pods: [orphan('a')] },
      { error: 'ReplicaSet default/web has just been deleted at 2026-01-01T01:00:00Z' },
    ],
    [
      'that is another one by now takes none',
      { set: set(2), live: { ...set(2), metadata: { ...set(2).metadata, uid: 'new' } }, pods: [orphan('a')] },
      { error: 'original ReplicaSet default/web is gone: got uid new, wanted uid-web' },
    ],
    [
      'tries one pod when it may make none',
      { set: set(100), pods: [], fails: { 'create Pod': refused } },
      { creates: 1, error: 'not now' },
    ],
    [
      'in a namespace that goes does not complain',
      {
        ...{ set: set(1), pods: [] },
        fails: {
          'create Pod': new ApiError('Forbidden', 'going', {
            details: { causes: [{ reason: 'NamespaceTerminating' }] },
          }),
        },
      },
      { creates: 1 },
    ],
  ])('%s', async (_, given, expected) => {
    const { told, ...found } = await look(given)
    expect(found).toEqual({ ...nothing, ...expected })
  })
})

describe('a change of a pod', () => {
  const sets = [
    set(1, 'web'),
    { ...set(1, 'bar'), spec: { ...set(1).spec, selector: { matchLabels: { bar: 'foo' } } } },
  ]
  const elsewhere = { ...set(1, 'far'), metadata: { ...set(1, 'far').metadata, namespace: 'far' } }
  const { cache } = stillWorld({ cached: [[ReplicaSet, [...sets, elsewhere]]] })
  const [watch] = replicaSetReconciler().watches!
  const concerned = (one: Pod) => watch!.keys(one, cache).map(k => k.name)
  it.each<[string, Pod, string[]]>([
    ['concerns its owner alone, whatever its labels are', owned('a', 'web', { bar: 'foo' } as never), ['web']],
    ['of nobody concerns those that select it', owned('a', '', { bar: 'foo' } as never), ['bar']],
    ['without labels concerns nobody', owned('a', '', {} as never), []],
    ['concerns its owner and no other of the same selector', owned('a', 'bar'), ['bar']],
  ])('%s', (_, one, expected) => expect(concerned(one)).toEqual(expected))
})

it('its siblings of the same Deployment, whose pods crowd the nodes, are those with its owner', async () => {
  const [mine, sibling, stranger] = ['mine', 'sibling', 'stranger'].map(name => set(1, name)) as ReplicaSet[]
  const app = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'app', uid: 'uid-app', controller: true }
  mine!.metadata.ownerReferences = sibling!.metadata.ownerReferences = [app]
  stranger!.metadata.ownerReferences = [{ ...app, uid: 'other' }]
  const on = (name: string, owner: string, node: string) => {
    const made = pod({ name, node, readySince: '2026-01-01T00:00:00Z' })
    made.metadata.ownerReferences = [ref(owner)]
    return made
  }
  // Alike but for the sibling's pod on n1, and pods of a stranger on n2, which do not count.
  const pods = [
    on('a', 'mine', 'n1'),
    on('b', 'mine', 'n2'),
    on('s', 'sibling', 'n1'),
    on('x', 'stranger', 'n2'),
    on('y', 'stranger', 'n2'),
  ]
  const world = stillWorld({
    cached: [
      [ReplicaSet, [mine!, sibling!, stranger!]],
      [Pod, pods],
    ],
  })
  await replicaSetReconciler().reconcile({ ...key, name: 'mine' }, world)
  expect(world.writes.filter(w => w.startsWith('delete'))).toEqual(['delete Pod default/a'])
})

it('a pod that came while it looked is not made again', async () => {
  // What the cache shows is older than what the server has.
  const web = set(2)
  const world = stillWorld({
    cached: [
      [ReplicaSet, [web]],
      [Pod, [owned('a')]],
    ],
    live: [
      [ReplicaSet, [web]],
      [Pod, [owned('a'), owned('b')]],
    ],
  })
  await replicaSetReconciler().reconcile(key, world)
  expect(world.writes.filter(w => w.includes(' Pod '))).toEqual([])
})
