import { expect, it } from 'vitest'
import { ApiError } from '../models/api-error.ts'
import { PersistentVolumeClaim, Pod, StatefulSet } from '../models/kinds/index.ts'
import { statefulSetReconciler } from './stateful-set.ts'
import { meta, pod, template } from './testing/fixtures.ts'
import { stillWorld } from './testing/still-world.ts'

/** What one look at a StatefulSet writes and tells: cases that Kubernetes' own controller is held to. */

const key = { namespace: 'default', name: 'db' }
const set: StatefulSet = {
  ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: meta('db') },
  spec: {
    ...{ replicas: 1, serviceName: 'db', selector: { matchLabels: { app: 'web' } }, template: template() },
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} } as unknown as PersistentVolumeClaim],
  },
}
const claim = (more: object = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { ...meta('data-db-0'), ...more },
  }) as PersistentVolumeClaim
const wrong = pod({ name: 'db-0', readySince: '2026-01-01T00:00:00Z' })
wrong.metadata.ownerReferences = [
  { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'uid-db', controller: true },
]
const refused = new ApiError('InternalError', 'not now')

interface Case {
  claims?: PersistentVolumeClaim[]
  pods?: Pod[]
  fails?: Record<string, Error>
}

it.each<[string, Case, string[], string[]]>([
  [
    'makes a claim and its pod',
    {},
    ['create PersistentVolumeClaim default/data-db-0', 'create Pod default/db-0'],
    [
      'Normal SuccessfulCreate create Claim data-db-0 Pod db-0 in StatefulSet db success',
      'Normal SuccessfulCreate create Pod db-0 in StatefulSet db successful',
    ],
  ],
  [
    'makes the pod of a claim that is there',
    { claims: [claim()] },
    ['create Pod default/db-0'],
    ['Normal SuccessfulCreate create Pod db-0 in StatefulSet db successful'],
  ],
  [
    'makes no pod when it cannot make the claim',
    { fails: { 'create PersistentVolumeClaim': refused } },
    ['create PersistentVolumeClaim default/data-db-0'],
    [
      'Warning FailedCreate create Claim data-db-0 for Pod db-0 in StatefulSet db failed error: not now',
      'Warning FailedCreate create Pod db-0 in StatefulSet db failed error: not now',
    ],
  ],
  [
    'makes no pod while its claim goes',
    { claims: [claim({ deletionTimestamp: '2026-01-01T00:00:00Z' })] },
    [],
    [
      'Warning FailedCreate create Pod db-0 in StatefulSet db failed error: claim data-db-0 is being deleted; waiting until it is gone',
    ],
  ],
  [
    'says when it cannot make a pod',
    { claims: [claim()], fails: { 'create Pod': refused } },
    ['create Pod default/db-0'],
    ['Warning FailedCreate create Pod db-0 in StatefulSet db failed error: not now'],
  ],
  [
    'does not mind a pod that is there already',
    { claims: [claim()], fails: { 'create Pod': new ApiError('AlreadyExists', 'it is there') } },
    ['create Pod default/db-0'],
    [],
  ],
  [
    'gives a pod its identity',
    { claims: [claim()], pods: [wrong] },
    ['patch Pod default/db-0'],
    ['Normal SuccessfulUpdate update Pod db-0 in StatefulSet db successful'],
  ],
  [
    'says when it cannot',
    { claims: [claim()], pods: [wrong], fails: { 'patch Pod': refused } },
    ['patch Pod default/db-0'],
    ['Warning FailedUpdate update Pod db-0 in StatefulSet db failed error: not now'],
  ],
])('a StatefulSet %s', async (_, { claims = [], pods = [], fails = {} }, writes, told) => {
  const world = stillWorld({
    cached: [
      [StatefulSet, [set]],
      [PersistentVolumeClaim, claims],
      [Pod, pods],
    ],
    fails,
  })
  await statefulSetReconciler()
    .reconcile(key, world)
    .catch(() => {})
  expect(world.writes.filter(w => / (Pod|PersistentVolumeClaim) /.test(w) && !w.startsWith('delete'))).toEqual(writes)
  expect(world.told.filter(text => !text.includes('SuccessfulDelete'))).toEqual(told)
})
