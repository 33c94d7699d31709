import { describe, expect, it } from 'vitest'
import type { StatefulSet } from '../models/types/apps-v1.ts'
import type { PersistentVolumeClaim, Pod } from '../models/types/core-v1.ts'
import type { OwnerReference } from '../models/types/meta-v1.ts'
import { claimOwners, claimsAt, goesWithPodBefore, isClaimOf } from './stateful-set-claims.ts'

type Policy = 'Retain' | 'Delete'
const db = (whenDeleted: Policy, whenScaled: Policy) =>
  ({
    ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: 'default', uid: 'set-uid' } },
    spec: {
      selector: { matchLabels: { app: 'db' } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
      volumeClaimTemplates: [{ metadata: { name: 'data', labels: { app: 'x', tier: 'hot' } }, spec: {} }],
    },
  }) as unknown as StatefulSet
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'db-1', uid: 'pod-uid' } } as Pod
const controls = { controller: true, blockOwnerDeletion: true }
const ofSet = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'set-uid', ...controls }
const ofPod = { apiVersion: 'v1', kind: 'Pod', name: 'db-1', uid: 'pod-uid', ...controls }
const claim = (...ownerReferences: OwnerReference[]) =>
  ({ metadata: { name: 'data-db-1', ownerReferences } }) as unknown as PersistentVolumeClaim
const { controller: _, ...weakRefToSet } = ofSet
const stranger = { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'x', controller: true }
const reader = { apiVersion: 'v1', kind: 'ConfigMap', name: 'y', uid: 'y' }

describe('the owners of a claim', () => {
  it.each<[Policy, Policy, boolean, OwnerReference[]]>([
    ['Retain', 'Retain', false, []],
    ['Retain', 'Retain', true, []],
    ['Delete', 'Retain', false, [ofSet]],
    ['Delete', 'Retain', true, [ofSet]],
    ['Retain', 'Delete', false, []],
    ['Retain', 'Delete', true, [ofPod]],
    ['Delete', 'Delete', false, [ofSet]],
    ['Delete', 'Delete', true, [ofPod]],
  ])('whenDeleted %s, whenScaled %s, pod scaled away: %s', (whenDeleted, whenScaled, condemned, wanted) => {
    const set = db(whenDeleted, whenScaled)
    for (const before of [[], [ofSet], [ofPod], [ofSet, ofPod], [weakRefToSet]] as OwnerReference[][]) {
      const owners = claimOwners(set, claim(...before, reader), pod, condemned)
      expect(owners ?? [...before, reader]).toHaveLength(wanted.length + 1)
      expect(owners ?? [...before, reader]).toEqual(expect.arrayContaining([...wanted, reader]))
    }
    expect(claimOwners(set, claim(...wanted), pod, condemned)).toBeUndefined()
  })

  it('are left to another controller, without the set', () => {
    expect(claimOwners(db('Delete', 'Delete'), claim(stranger), pod, false)).toBeUndefined()
    expect(claimOwners(db('Delete', 'Delete'), claim(stranger, ofSet), pod, false)).toEqual([stranger])
  })

  it('are left to the garbage collector when they are a set or a pod from before', () => {
    expect(claimOwners(db('Delete', 'Delete'), claim({ ...ofSet, uid: 'old' }), pod, false)).toBeUndefined()
    expect(claimOwners(db('Retain', 'Retain'), claim({ ...ofPod, uid: 'old' }), pod, false)).toBeUndefined()
  })
})

it('a claim that goes with a pod that was scaled away is not for the next pod of that name', () => {
  const before = claim({ ...ofPod, uid: 'old' })
  expect(goesWithPodBefore(db('Retain', 'Delete'), before, 'db-1')).toBe(true)
  expect(goesWithPodBefore(db('Delete', 'Retain'), before, 'db-1')).toBe(false)
  expect(goesWithPodBefore(db('Retain', 'Delete'), before, 'db-2')).toBe(false)
  expect(goesWithPodBefore(db('Retain', 'Delete'), claim(ofSet), 'db-1')).toBe(false)
})

it('claims have the labels of the template and of the selector, which wins, and the set as owner if they go with it', () => {
  expect(claimsAt(db('Delete', 'Retain'), 4)).toEqual([
    {
      metadata: {
        ...{ name: 'data-db-4', namespace: 'default' },
        labels: { app: 'db', tier: 'hot' },
        ownerReferences: [ofSet],
      },
      spec: {},
    },
  ])
  expect(claimsAt(db('Retain', 'Delete'), 4)[0]!.metadata.ownerReferences).toBeUndefined()
})

it.each([
  ['data-db-0', true],
  ['data-db-12', true],
  ['data-db-x', false],
  ['other-db-0', false],
  ['data-dbx-0', false],
])('%s is a claim of the set: %s', (name, expected) => {
  expect(isClaimOf(db('Retain', 'Retain'), name)).toBe(expected)
})
