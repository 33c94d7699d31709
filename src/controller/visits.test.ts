import { describe, expect, it } from 'vitest'
import type { Cache } from '../client/reconciler.ts'
import type { Kind } from '../models/kind.ts'
import {
  CSIStorageCapacity,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Secret,
  type ServiceAccount,
  StorageClass,
} from '../models/kinds/index.ts'
import { localFolderAnnotation, localProvisioner, provisionedByAnnotation } from '../models/local-volume.ts'
import type { KubeObject } from '../models/object.ts'
import { localCapacityReconciler } from './local-capacity.ts'
import { localVolumeReconciler } from './local-volume.ts'
import { persistentVolumeReconciler } from './persistent-volume.ts'
import { persistentVolumeClaimReconciler } from './persistent-volume-claim.ts'
import { serviceAccountTokenReconciler } from './service-account-token.ts'
import { meta } from './testing/fixtures.ts'
import { stillWorld } from './testing/still-world.ts'

/** How many objects a look goes through, of many that do not concern it. */

const many = <T>(make: (i: number) => T): T[] => Array.from({ length: 1_000 }, (_, i) => make(i))
const cluster = ({ namespace: _, ...rest }: ReturnType<typeof meta>) => rest as ReturnType<typeof meta>

/** A world that counts the objects that its cache, and the server's lists, hand out. */
function counted(cached: [Kind<any>, KubeObject[]][]) {
  const world = stillWorld({ cached })
  const { cache, client } = world
  let visits = 0
  const note = <T>(found: T[]): T[] => {
    visits += found.length
    return found
  }
  const counting: Cache = {
    get(kind, key) {
      visits++
      return cache.get(kind, key)
    },
    list: (kind, namespace) => note(cache.list(kind, namespace)),
    ownedBy: (kind, uid) => note(cache.ownedBy(kind, uid)),
    orphans: (kind, namespace) => note(cache.orphans(kind, namespace)),
    byIndex: (index, value) => note(cache.byIndex(index, value)),
  }
  const list = client.list
  client.list = async (kind, options) => {
    const found = await list(kind, options)
    visits += found.items.length
    return found
  }
  return { ...world, cache: counting, visits: () => visits }
}

const volume = (i: number, spec: Partial<PersistentVolume['spec']> = {}): PersistentVolume => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: cluster(meta(`v${i}`)), status: { phase: 'Available' } },
  spec: {
    ...{ capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: `class-${i % 100}` },
    ...spec,
  },
})
const claim = (i: number, spec: Partial<PersistentVolumeClaim['spec']> = {}): PersistentVolumeClaim => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: meta(`c${i}`), status: { phase: 'Pending' } },
  spec: {
    ...{ accessModes: ['ReadWriteOnce'], storageClassName: `class-${i % 100}` },
    resources: { requests: { storage: '1Gi' } },
    ...spec,
  },
})
const key = (name: string) => ({ namespace: 'default', name })

describe('of 1,000 volumes and 1,000 claims in 100 classes', () => {
  const world = () =>
    counted([
      [PersistentVolume, many(volume)],
      [PersistentVolumeClaim, many(claim)],
    ])

  it('the binder looks at those of the class of its claim', async () => {
    const w = world()
    await persistentVolumeClaimReconciler().reconcile(key('c7'), w)
    expect(w.writes.map(text => text.split(' ').slice(0, 2).join(' '))).toContain('patch PersistentVolume')
    expect(w.visits()).toBeLessThan(50)
  })

  it.each([
    ['a volume', PersistentVolume, volume(7), 10],
    ['a volume that is promised', PersistentVolume, volume(7, { claimRef: key('c7') }), 1],
    ['a class', StorageClass, { metadata: { name: 'class-7' } }, 10],
  ])('a change of %s concerns the claims of its class, and looks at no others', (_, kind, object, concerned) => {
    const w = world()
    const watch = persistentVolumeClaimReconciler().watches!.find(each => each.kind === kind)!
    expect(watch.keys(object, w.cache)).toHaveLength(concerned)
    expect(w.visits()).toBeLessThan(50)
  })

  it('a change of a claim concerns the volumes that are promised to it', () => {
    const w = counted([[PersistentVolume, many(i => volume(i, { claimRef: key(`c${i}`) }))]])
    const [watch] = persistentVolumeReconciler().watches!
    expect(watch!.keys(claim(7), w.cache)).toEqual([{ name: 'v7' }])
    expect(w.visits()).toBe(1)
  })
})

describe('of 1,000 folders on 100 nodes', () => {
  const node = (i: number): Node => ({
    ...{ apiVersion: 'v1', kind: 'Node', spec: {}, status: { allocatable: { 'ephemeral-storage': '100Gi' } } },
    metadata: { ...cluster(meta(`n${i}`)), annotations: { [localFolderAnnotation]: '/data' } },
  })
  const folder = (i: number): PersistentVolume => {
    const terms = [
      { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In' as const, values: [`n${i % 100}`] }] },
    ]
    const made = volume(i, { nodeAffinity: { required: { nodeSelectorTerms: terms } }, storageClassName: 'local' })
    made.metadata.annotations = { [provisionedByAnnotation]: localProvisioner }
    return made
  }
  const local: StorageClass = {
    ...{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', provisioner: localProvisioner },
    metadata: cluster(meta('local')),
  }
  const waiting = claim(7, { storageClassName: 'local' })
  waiting.metadata.annotations = {
    'volume.kubernetes.io/storage-provisioner': localProvisioner,
    'volume.kubernetes.io/selected-node': 'n7',
  }
  const world = (claims: PersistentVolumeClaim[]) =>
    counted([
      [PersistentVolume, many(folder)],
      [Node, many(node).slice(0, 100)],
      [StorageClass, [local]],
      [PersistentVolumeClaim, claims],
      [CSIStorageCapacity, []],
    ])

  it('the room of a node is counted by its own', async () => {
    const w = world([waiting])
    await localCapacityReconciler().reconcile({ name: 'n7' }, w)
    expect([w.writes, w.bodies[0].capacity]).toEqual([
      ['create CSIStorageCapacity kube-system/local-n7'],
      String(90 * 2 ** 30),
    ])
    expect(w.visits()).toBeLessThan(30)
  })

  it('a change of one concerns its node', () => {
    const w = world([])
    const watch = localCapacityReconciler().watches!.find(each => each.kind === PersistentVolume)!
    expect(watch.keys(folder(7), w.cache)).toEqual([{ name: 'n7' }])
    expect(w.visits()).toBe(1)
  })

  it('the server is asked for all of them once in the life of a process', async () => {
    const w = world([waiting, ...many(i => claim(i + 1_000))])
    const reconciler = localVolumeReconciler()
    await reconciler.reconcile(key('c7'), w)
    const first = w.visits()
    await reconciler.reconcile(key('c7'), w)
    expect(w.writes).toEqual(Array(2).fill('create PersistentVolume pvc-uid-c7'))
    expect([first > 1_000, w.visits() - first < 30]).toEqual([true, true])
    const watch = reconciler.watches!.find(each => each.kind === Node)!
    expect(watch.keys(node(7), w.cache)).toEqual([key('c7')])
  })
})

it('of 1,000 Secrets those that ask for the token of an account concern it', () => {
  const secret = (i: number): Secret => ({
    ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token' },
    metadata: { ...meta(`s${i}`), annotations: { 'kubernetes.io/service-account.name': `account-${i % 500}` } },
  })
  const account: ServiceAccount = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta('account-7') }
  const w = counted([[Secret, many(secret)]])
  const [watch] = serviceAccountTokenReconciler({ certificate: '' }).watches!
  expect(watch!.keys(account, w.cache).map(k => k.name)).toEqual(['s7', 's507'])
  expect(w.visits()).toBe(2)
})
