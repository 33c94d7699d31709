import { describe, expect, test } from 'vitest'
import type { Volume } from '../../models/types/core-v1.ts'
import { makeNode, makePod, makeScene, type PodSketch, type Scene } from '../testing/index.ts'
import { claimVolume, type StorageSketch } from '../testing/storage.ts'
import { defaultProfile } from './index.ts'

const nodes = () => [
  makeNode('a', { labels: { zone: 'x', 'topology.kubernetes.io/zone': 'x' } }),
  makeNode('b', { labels: { zone: 'y', 'topology.kubernetes.io/zone': 'y' } }),
]
const uses = (...claims: string[]): PodSketch => ({ volumes: claims.map(claimVolume) })

function ask(storage: Partial<Scene>, pod: PodSketch, placed: PodSketch[] = []): string[] {
  const pods = placed.map((p, i) => makePod(`placed${i}`, { on: 'a', ...p }))
  return Object.values(makeScene({ nodes: nodes(), pods, ...storage }).verdicts(makePod('p', pod)))
}

const both = (verdict: string) => [verdict, verdict]
const conflict = 'node(s) had volume node affinity conflict'
const nothing = "node(s) didn't find available persistent volumes to bind"
const waits = { name: 'late', waits: true }
const makes = { name: 'late', waits: true, provisioner: 'd' }
const late = { storageClass: 'late' }

describe('VolumeBinding', () => {
  test.each<[string, Partial<StorageSketch>, string[]]>([
    ['a claim that does not exist', {}, both('persistentvolumeclaim "c" not found')],
    [
      'a claim whose volume is lost',
      { claims: [{ name: 'c', volume: 'v', phase: 'Lost' }] },
      both('persistentvolumeclaim "c" bound to non-existent persistentvolume "v"'),
    ],
    [
      'a claim on its way out',
      { claims: [{ name: 'c', volume: 'v', deleted: true }] },
      both('persistentvolumeclaim "c" is being deleted'),
    ],
    [
      'a claim that should have been bound at once',
      { claims: [{ name: 'c' }] },
      both('pod has unbound immediate PersistentVolumeClaims'),
    ],
    [
      'a bound claim without its volume',
      { claims: [{ name: 'c', volume: 'v' }] },
      both('persistentvolume "v" not found'),
    ],
    [
      'a bound claim: where its volume is',
      { claims: [{ name: 'c', volume: 'v' }], volumes: [{ name: 'v', zone: 'x' }] },
      ['ok', conflict],
    ],
    [
      'a volume without affinity is everywhere',
      { claims: [{ name: 'c', volume: 'v' }], volumes: [{ name: 'v' }] },
      both('ok'),
    ],
    [
      'a waiting claim: where a volume of its class is free',
      {
        claims: [{ name: 'c', ...late }],
        volumes: [
          { name: 'v', zone: 'y', ...late },
          { name: 'w', zone: 'x' },
        ],
        storageClasses: [waits],
      },
      [nothing, 'ok'],
    ],
    [
      'a waiting claim: not a smaller one',
      {
        claims: [{ name: 'c', size: '2Gi', ...late }],
        volumes: [
          { name: 'v', zone: 'x', ...late },
          { name: 'w', size: '3Gi', zone: 'y', ...late },
        ],
        storageClasses: [waits],
      },
      [nothing, 'ok'],
    ],
    [
      'a waiting claim: not with less access',
      {
        claims: [{ name: 'c', mode: 'ReadWriteMany', ...late }],
        volumes: [{ name: 'v', ...late }],
        storageClasses: [waits],
      },
      both(nothing),
    ],
    [
      'a waiting claim: not one that is for somebody else',
      {
        claims: [{ name: 'c', ...late }],
        volumes: [{ name: 'v', claim: 'default/other', ...late }],
        storageClasses: [waits],
      },
      both(nothing),
    ],
    [
      'a waiting claim: one that was made for it',
      {
        claims: [{ name: 'c', ...late }],
        volumes: [
          { name: 'v', claim: 'default/c', zone: 'x', ...late },
          { name: 'w', zone: 'y', ...late },
        ],
        storageClasses: [waits],
      },
      ['ok', nothing],
    ],
    ['a waiting claim: one can be made', { claims: [{ name: 'c', ...late }], storageClasses: [makes] }, both('ok')],
    [
      'a waiting claim: made only in allowed zones',
      { claims: [{ name: 'c', ...late }], storageClasses: [{ ...makes, zones: ['y'] }] },
      [nothing, 'ok'],
    ],
    [
      'a waiting claim: made only where there is space',
      {
        claims: [{ name: 'c', size: '5Gi', ...late }],
        storageClasses: [makes],
        capacities: [
          { storageClass: 'late', size: '4Gi', zone: 'x' },
          { storageClass: 'late', size: '5Gi', zone: 'y' },
        ],
      },
      ['node(s) did not have enough free storage', 'ok'],
    ],
    [
      'a claim that is being made for a node stays with it',
      { claims: [{ name: 'c', selectedNode: 'b', ...late }], storageClasses: [makes] },
      [nothing, 'ok'],
    ],
  ])('%s', (_, storage, verdicts) => expect(ask(storage, uses('c'))).toEqual(verdicts))

  test('what keeps it away is said of claims that are bound and of those that wait', () => {
    const storage = {
      claims: [
        { name: 'c', volume: 'v' },
        { name: 'd', ...late },
      ],
      volumes: [{ name: 'v', zone: 'x' }],
      storageClasses: [waits],
    }
    expect(ask(storage, uses('c', 'd'))).toEqual([nothing, `${conflict}; ${nothing}`])
    expect(ask({ ...storage, volumes: [] }, uses('c', 'd'))).toEqual(both('persistentvolume "v" not found'))
    // Where VolumeZone is off.
    const profile = { ...defaultProfile, plugins: defaultProfile.plugins.filter(p => p.plugin.name !== 'VolumeZone') }
    expect(ask({ ...storage, volumes: [], profile }, uses('c', 'd'))).toEqual(
      both(`node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s); ${nothing}`),
    )
  })

  test('two claims of one pod do not get the same volume', () => {
    const storage = {
      claims: [
        { name: 'c', ...late },
        { name: 'd', ...late },
      ],
      volumes: [{ name: 'v', ...late }],
      storageClasses: [waits],
    }
    expect(ask(storage, uses('c'))).toEqual(both('ok'))
    expect(ask(storage, uses('c', 'd'))).toEqual(both(nothing))
  })

  test('a volume that was promised to one pod is not promised to another, until that one gives it back', () => {
    const claims = [
      { name: 'c', ...late },
      { name: 'd', ...late },
    ]
    const scene = makeScene({ nodes: nodes(), claims, volumes: [{ name: 'v', ...late }], storageClasses: [waits] })
    const { state, decider } = scene
    const [reservation] = decider.reserve(state.classes.admit(makePod('p', uses('c'))), state.byName('a')!)
    expect(Object.values(scene.verdicts(makePod('q', uses('d'))))).toEqual(both(nothing))
    expect(Object.values(scene.verdicts(makePod('p', uses('c'))))).toEqual(both('ok'))
    reservation!.release()
    expect(Object.values(scene.verdicts(makePod('q', uses('d'))))).toEqual(both('ok'))
  })

  test('says once, without counting nodes, what holds for all of them', () => {
    expect(makeScene({ nodes: nodes() }).decide(makePod('p', uses('c')))).toBe(
      '0/2 nodes are available: persistentvolumeclaim "c" not found.',
    )
  })

  test('an ephemeral volume waits for its claim, and does not take that of another', () => {
    const pod: PodSketch = { volumes: [{ name: 'v', ephemeral: {} }] }
    expect(ask({}, pod)).toEqual(
      both('waiting for ephemeral volume controller to create the persistentvolumeclaim "p-v"'),
    )
    expect(ask({ claims: [{ name: 'p-v', owner: 'other' }] }, pod)).toEqual(
      both('PVC default/p-v was not created for pod default/p (pod is not owner)'),
    )
  })
})

describe('VolumeRestrictions', () => {
  const disk = (readOnly = false): PodSketch => ({
    volumes: [{ name: 'v', gcePersistentDisk: { pdName: 'd', readOnly } }],
  })
  const ebs = (volumeID: string): PodSketch => ({ volumes: [{ name: 'v', awsElasticBlockStore: { volumeID } }] })
  const rbd = (monitor: string): Volume => ({ name: 'v', rbd: { monitors: [monitor], image: 'i' } })
  const iscsi: Volume = { name: 'v', iscsi: { iqn: 'q', lun: 0, targetPortal: 't' } }
  const busy = ['node(s) had no available disk', 'ok']
  test.each<[string, PodSketch, PodSketch, string[]]>([
    ['a disk is attached once', disk(), disk(), busy],
    ['unless all only read', disk(true), disk(true), both('ok')],
    ['all of them', disk(), disk(true), busy],
    ['an EBS volume is attached once', ebs('1'), ebs('1'), busy],
    ['another EBS volume is another one', ebs('1'), ebs('2'), both('ok')],
    ['the same image of the same monitors', { volumes: [rbd('m')] }, { volumes: [rbd('m')] }, busy],
    ['the same image of others', { volumes: [rbd('m')] }, { volumes: [rbd('n')] }, both('ok')],
    [
      'the same image in another pool',
      { volumes: [rbd('m')] },
      { volumes: [{ name: 'v', rbd: { ...rbd('m').rbd!, pool: 'q' } }] },
      both('ok'),
    ],
    [
      'another iSCSI target',
      { volumes: [iscsi] },
      { volumes: [{ name: 'v', iscsi: { ...iscsi.iscsi!, iqn: 'r' } }] },
      both('ok'),
    ],
    ['the same iSCSI target', { volumes: [iscsi] }, { volumes: [iscsi] }, busy],
  ])('%s', (_, placed, pod, verdicts) => expect(ask({}, pod, [placed])).toEqual(verdicts))

  test('a pod that fits nowhere for its disk says nothing about one that is like it but for the disk', () => {
    const scene = makeScene({ nodes: [makeNode('a')], pods: [makePod('x', { on: 'a', ...ebs('1') })] })
    expect(scene.decide(makePod('p', ebs('1')))).toContain('node(s) had no available disk')
    expect(scene.decide(makePod('q'))).toBe('a')
  })

  test('a ReadWriteOncePod claim has one pod in the whole cluster', () => {
    const storage = {
      claims: [{ name: 'c', volume: 'v', mode: 'ReadWriteOncePod' as const }],
      volumes: [{ name: 'v' }],
    }
    const taken = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'
    expect(ask(storage, uses('c'))).toEqual(both('ok'))
    expect(ask(storage, uses('c'), [uses('c')])).toEqual(both(taken))
  })
})

test('VolumeZone keeps a pod in the zones that its volume is labelled with', () => {
  const key = 'topology.kubernetes.io/zone'
  const old = 'failure-domain.beta.kubernetes.io/zone'
  const none = 'node(s) had no available volume zone'
  const of = (labels: Record<string, string>) =>
    ask({ claims: [{ name: 'c', volume: 'v' }], volumes: [{ name: 'v', labels }] }, uses('c'))
  expect(of({ [key]: 'x' })).toEqual(['ok', none])
  expect(of({ [key]: 'x__y' })).toEqual(both('ok'))
  expect(of({ [old]: 'y' })).toEqual([none, 'ok'])
  expect(of({ other: 'y' })).toEqual(both('ok'))
  // Zone and region both, where the node has but one; and what is written wrong says nothing.
  expect(of({ [key]: 'x', 'topology.kubernetes.io/region': 'r' })).toEqual([none, none])
  expect(of({ [key]: 'z__' })).toEqual(both('ok'))
})

test('VolumeZone asks nothing of nodes that have neither zone nor region', () => {
  const labels = { 'topology.kubernetes.io/zone': 'x' }
  const storage = { claims: [{ name: 'c', volume: 'v' }], volumes: [{ name: 'v', labels }] }
  const scene = makeScene({ nodes: [makeNode('a')], ...storage })
  expect(scene.verdicts(makePod('p', uses('c')))).toEqual({ a: 'ok' })
})

test('NodeVolumeLimits counts each volume of a driver once', () => {
  const claims = ['c', 'd', 'e'].map(name => ({ name, volume: `v-${name}` }))
  const storage = {
    claims: [...claims, { name: 'f', storageClass: 'late' }],
    volumes: claims.map(c => ({ name: c.volume, driver: c.name === 'e' ? 'another' : 'd' })),
    storageClasses: [makes],
    limits: { a: 1 },
  }
  const full = ['node(s) exceed max volume count', 'ok']
  expect(ask(storage, uses('d'), [uses('c')])).toEqual(full)
  expect(ask(storage, uses('c'), [uses('c')])).toEqual(both('ok'))
  expect(ask(storage, uses('e'), [uses('c')])).toEqual(both('ok'))
  expect(ask(storage, uses('f'), [uses('c')])).toEqual(full)
  expect(ask(storage, uses('c', 'd'))).toEqual(full)
})

test('NodeVolumeLimits counts what pods name themselves, where a CSI driver attaches it', () => {
  const scene = makeScene({ nodes: [makeNode('a')] })
  const { csiNodes } = scene.state.objects
  const csiNode = (migrated: string) =>
    csiNodes.set({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: {
        name: 'a',
        uid: 'a',
        resourceVersion: '1',
        annotations: { 'storage.alpha.kubernetes.io/migrated-plugins': migrated },
      },
      spec: { drivers: [{ name: 'disk.csi.azure.com', nodeID: 'a', allocatable: { count: 1 } }] },
    })
  const disk = (name: string): PodSketch => ({
    volumes: [{ name: 'v', azureDisk: { diskName: name, diskURI: `/${name}` } }],
  })
  const full = { a: 'node(s) exceed max volume count' }
  scene.place(makePod('there', { on: 'a', ...disk('one') }))
  csiNode('kubernetes.io/azure-disk')
  expect(scene.verdicts(makePod('p', disk('two')))).toEqual(full)
  expect(scene.verdicts(makePod('p', disk('one')))).toEqual({ a: 'ok' })
  expect(scene.decide(makePod('q', disk('two')))).toContain(full.a)
  expect(scene.decide(makePod('r', disk('one')))).toBe('a')
  csiNode('')
  expect(scene.verdicts(makePod('p', disk('two')))).toEqual({ a: 'ok' })
})

describe('PodTopologySpread by default', () => {
  const zone = 'topology.kubernetes.io/zone'
  const web = { app: 'web' }
  const three = () => [
    makeNode('a', { labels: { [zone]: 'x' } }),
    makeNode('b', { labels: { [zone]: 'x' } }),
    makeNode('c', { labels: { [zone]: 'y' } }),
  ]
  const scores = (services: Record<string, string>[]) =>
    makeScene({ nodes: three(), pods: [makePod('q', { on: 'a', labels: web })], services }).scores(
      makePod('p', { labels: web }),
      'PodTopologySpread',
    )

  test('pods of one service prefer other hosts and zones', () => {
    const { a, b, c } = scores([web]) as Record<string, number>
    expect([a! < b!, b! < c!]).toEqual([true, true])
  })

  test('pods that nothing holds together are not spread', () => {
    expect(scores([{ app: 'db' }])).toEqual({})
  })
})
