import { expect, test } from 'vitest'
import type { KubeObject } from '../../models/object.ts'
import type { TableName } from '../cluster-objects.ts'
import { ClusterState } from '../cluster-state.ts'
import { volumeBinding } from '../plugins/volume-binding.ts'
import { makePod } from '../testing/index.ts'
import { claimVolume, makeClaim, makeVolume } from '../testing/storage.ts'

const pod = makePod('p', { volumes: [claimVolume('c'), { name: 'e', ephemeral: {} }] })
const other = (name: string, more = {}) => ({ metadata: { name, uid: name, resourceVersion: '1' }, ...more })
const migrated = (plugins?: string) => ({
  metadata: {
    ...{ name: 'n', uid: 'n', resourceVersion: '1' },
    ...(plugins ? { annotations: { 'storage.alpha.kubernetes.io/migrated-plugins': plugins } } : {}),
  },
})
const zones = (...values: string[]) =>
  other('fast', { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values }] }] })
const room = (capacity?: string, maximumVolumeSize?: string) => ({
  ...other('r'),
  ...(capacity ? { capacity } : {}),
  ...(maximumVolumeSize ? { maximumVolumeSize } : {}),
})
const driver = (storageCapacity?: boolean) => other('d', { spec: { storageCapacity } })
const claimOf = (name: string, namespace: string) => {
  const claim = makeClaim({ name })
  return { ...claim, metadata: { ...claim.metadata, namespace } }
}
const volume = makeVolume({ name: 'v' })
const gone = 'gone'

test.each<[string, TableName, from: object | undefined, to: object | typeof gone, wakes: boolean]>([
  ['a CSI node comes', 'csiNodes', undefined, migrated(), true],
  ['its plugins migrate', 'csiNodes', migrated(), migrated('kubernetes.io/aws-ebs'), true],
  ['other plugins migrate', 'csiNodes', migrated('kubernetes.io/gce-pd'), migrated('kubernetes.io/aws-ebs'), true],
  ['it changes otherwise', 'csiNodes', migrated('kubernetes.io/gce-pd'), migrated('kubernetes.io/gce-pd'), false],
  ['it goes', 'csiNodes', migrated('kubernetes.io/gce-pd'), gone, false],
  ['the claim of the pod comes', 'claims', undefined, claimOf('c', 'default'), true],
  ['it changes', 'claims', claimOf('c', 'default'), claimOf('c', 'default'), true],
  ['it goes', 'claims', claimOf('c', 'default'), gone, false],
  ['the claim made for the pod changes', 'claims', undefined, claimOf('p-e', 'default'), true],
  ['a claim of that name elsewhere changes', 'claims', undefined, claimOf('c', 'other'), false],
  ['another claim changes', 'claims', undefined, claimOf('d', 'default'), false],
  ['a volume comes', 'volumes', undefined, volume, true],
  ['a volume changes', 'volumes', volume, makeVolume({ name: 'v', size: '2Gi' }), true],
  ['a volume goes', 'volumes', volume, gone, false],
  ['a class comes', 'storageClasses', undefined, zones(), true],
  ['it is allowed elsewhere', 'storageClasses', zones('a'), zones('a', 'b'), true],
  ['it changes otherwise', 'storageClasses', zones('a'), { ...zones('a'), reclaimPolicy: 'Retain' }, false],
  ['room comes', 'capacities', undefined, room(), true],
  ['room becomes known', 'capacities', room(), room('10Gi'), true],
  ['the largest volume becomes known', 'capacities', room(), room(undefined, '10Gi'), true],
  ['room grows', 'capacities', room('10Gi'), room('20Gi'), true],
  ['room counts again, and is more', 'capacities', room('20Gi', '10Gi'), room('20Gi'), true],
  ['the largest volume grows', 'capacities', room('100Gi', '10Gi'), room('100Gi', '20Gi'), true],
  ['room is the same in other words', 'capacities', room('1Gi'), room('1024Mi'), false],
  ['room counts again, and is as much', 'capacities', room('10Gi', '10Gi'), room('10Gi'), false],
  ['room shrinks', 'capacities', room('20Gi'), room('10Gi'), false],
  ['the largest volume shrinks', 'capacities', room('20Gi', '20Gi'), room('20Gi', '10Gi'), false],
  ['a driver comes', 'csiDrivers', undefined, driver(), false],
  ['a driver never counted room', 'csiDrivers', driver(), driver(true), false],
  ['it did not count before', 'csiDrivers', driver(false), driver(), false],
  ['it counts room no longer', 'csiDrivers', driver(true), driver(), true],
  ['it says that it does not', 'csiDrivers', driver(true), driver(false), true],
  ['it counts as before', 'csiDrivers', driver(true), driver(true), false],
  ['a driver that counted room goes', 'csiDrivers', driver(true), gone, true],
  ['a Service comes', 'services', undefined, other('s'), false],
])('%s (%s): does that wake a pod that waits for volumes?', (_, table, from, to, wakes) => {
  const object = (to === gone ? from : to) as KubeObject
  const event = { type: 'object-changed' as const, table, object, ...(from ? { old: from as KubeObject } : {}) }
  const state = new ClusterState()
  expect(volumeBinding.wakes!(event, state.classes.admit(pod), state)).toBe(wakes)
})
