import { expect, test } from 'vitest'
import type { PersistentVolume } from '../../models/types/core-v1.ts'
import { makeNode, makePod, makeScene, type PodSketch } from '../testing/index.ts'
import { claimVolume, makeVolume, type StorageSketch } from '../testing/storage.ts'

const ebs = 'ebs.csi.aws.com'
const inTree = (name: string): PersistentVolume => {
  const { csi: _, ...spec } = makeVolume({ name }).spec
  return { ...makeVolume({ name }), spec: { ...spec, awsElasticBlockStore: { volumeID: name } } }
}
const uses = (...claims: string[]): PodSketch => ({ volumes: claims.map(claimVolume) })
const inline = (volumeID: string): PodSketch => ({ volumes: [{ name: 'v', awsElasticBlockStore: { volumeID } }] })
const ephemeral: PodSketch = { volumes: [{ name: 'e', ephemeral: {} }] }

/** Claims and their volumes, by what attaches these: c1 … c3 the driver, o1 and o2 another one, t1 and t2 the old source. */
const bound = ['c1', 'c2', 'c3', 'o1', 'o2', 't1', 't2'].map(name => ({ name, volume: name }))
const storage: Partial<StorageSketch> = {
  claims: [
    ...bound,
    { name: 'pending', storageClass: 'made' },
    { name: 'pending-in-tree', storageClass: 'made-in-tree' },
    { name: 'unknown-volume', storageClass: 'made', volume: 'nowhere' },
    { name: 'unknown-class', storageClass: 'none' },
    { name: 'p-e', storageClass: 'made', owner: 'p' },
  ],
  volumes: bound
    .filter(({ name }) => !name.startsWith('t'))
    .map(({ name }) => ({ name, driver: name.startsWith('c') ? ebs : 'other' })),
  storageClasses: [
    { name: 'made', waits: true, provisioner: ebs },
    { name: 'made-in-tree', waits: true, provisioner: 'kubernetes.io/aws-ebs' },
  ],
}

interface Limits {
  limit?: number
  migrated?: boolean
  attached?: string[]
}

function fits(pod: PodSketch, placed: PodSketch[], { limit, migrated, attached = [] }: Limits): boolean {
  const scene = makeScene({ nodes: [makeNode('n')], ...storage })
  const { csiNodes, volumes, attachments } = scene.state.objects
  for (const name of ['t1', 't2']) volumes.set(inTree(name))
  const annotations = { 'storage.alpha.kubernetes.io/migrated-plugins': migrated ? 'kubernetes.io/aws-ebs' : '' }
  csiNodes.set({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSINode',
    metadata: { name: 'n', uid: 'n', resourceVersion: '1', annotations },
    spec: { drivers: [{ name: ebs, nodeID: 'n', ...(limit === undefined ? {} : { allocatable: { count: limit } }) }] },
  })
  for (const persistentVolumeName of attached)
    attachments.set({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'VolumeAttachment',
      metadata: { name: persistentVolumeName, uid: persistentVolumeName, resourceVersion: '1' },
      spec: { attacher: ebs, nodeName: 'n', source: { persistentVolumeName } },
    })
  for (const [i, p] of placed.entries()) scene.place(makePod(`placed${i}`, { on: 'n', ...p }))
  const { plugin } = scene.decider.profile.plugins.find(w => w.plugin.name === 'NodeVolumeLimits')!
  const info = scene.state.classes.admit({ ...makePod('p', pod), metadata: { ...makePod('p').metadata, uid: 'p' } })
  const prepared = plugin.prepare(info.pod, scene.state, info)
  return prepared === undefined || plugin.filter!(prepared, scene.state.byName('n')!) === undefined
}

const two = uses('c2', 'c3')
const moved = { limit: 2, migrated: true }
test.each<[string, PodSketch, PodSketch[], Limits, boolean]>([
  ['what is attached counts, though no pod uses it', uses('c1'), [], { limit: 2, attached: ['c2', 'c3'] }, false],
  ['and leaves room below the limit', uses('c1'), [], { limit: 2, attached: ['c2'] }, true],
  ['what is attached and used counts once', uses('c1'), [uses('c2')], { limit: 2, attached: ['c2'] }, true],
  ['below the limit', uses('c1'), [two], { limit: 4 }, true],
  ['above it', uses('c1'), [two], { limit: 2 }, false],
  ['a driver without a limit', uses('c1'), [two], {}, true],
  ['claims that wait for their volumes count', uses('c1'), [uses('pending'), two], { limit: 3 }, false],
  ['the same one once', uses('c1'), [uses('pending'), uses('pending'), two], { limit: 4 }, true],
  [
    'a claim whose volume is not known counts by its class',
    uses('c1'),
    [uses('unknown-volume'), two],
    { limit: 3 },
    false,
  ],
  ['one whose class is not known does not', uses('c1'), [uses('unknown-class'), two], { limit: 3 }, true],
  ['volumes of another driver do not', uses('o1', 'o2'), [two], { limit: 2 }, true],
  ['and take nothing away', uses('c1'), [uses('o1', 'o2', 'c2')], { limit: 2 }, true],
  ['volumes of an old source count where the driver does its work', uses('c1'), [uses('t1', 't2')], moved, false],
  ['and not elsewhere', uses('c1'), [uses('t1', 't2')], { limit: 2 }, true],
  ['so do claims that wait for one', uses('pending-in-tree'), [uses('t1', 't2')], moved, false],
  ['not elsewhere either', uses('pending-in-tree'), [two], { limit: 2 }, true],
  ['and those that a pod names itself', inline('i'), [uses('t1', 't2')], moved, false],
  ['of all sources together', inline('i'), [two, uses('t1')], { ...moved, limit: 3 }, false],
  ['the same volume by two ways is one', inline('c2'), [two, uses('t1')], { ...moved, limit: 3 }, true],
  ['claims of ephemeral volumes count', ephemeral, [two], { limit: 2 }, false],
  ['and fit below the limit', ephemeral, [two], { limit: 3 }, true],
  [
    'a pod without such volumes is not asked',
    { volumes: [{ name: 's', secret: { secretName: 's' } }] },
    [two],
    { limit: 2 },
    true,
  ],
])('%s', (_, pod, placed, limits, expected) => expect(fits(pod, placed, limits)).toBe(expected))
