import { describe, expect, it } from 'vitest'
import type { ReplicaSet, ReplicaSetCondition } from '../models/types/apps-v1.ts'
import { replicaStatus, type ScaleOutcome } from './replica-status.ts'
import { type PodShape, pod, replicaSet } from './testing/fixtures.ts'

const nowMs = Date.parse('2026-01-02T00:00:00Z')
const now = '2026-01-02T00:00:00Z'
const well: ScaleOutcome = { difference: 0, error: undefined }
const since = '2026-01-01T23:59:00Z'

/** Of a set whose template bears these labels. */
const owner = (labels: Record<string, string>, minReadySeconds = 0): ReplicaSet => {
  const set = replicaSet({ name: 'rs', replicas: 2 })
  set.spec.template!.metadata!.labels = labels
  set.spec.minReadySeconds = minReadySeconds
  return set
}
const full = { name: 'foo', type: 'production' }
const part = { name: 'foo' }
const ready = (labels: Record<string, string>, name = 'a'): PodShape => ({ name, labels, readySince: since })

describe('a replica set counts', () => {
  it.each<[string, ReplicaSet, PodShape[], number[]]>([
    ['a pod that has all labels of the template', owner(full), [ready(full)], [1, 1, 1, 1]],
    ['one that has not', owner(full), [ready(part)], [1, 0, 1, 1]],
    ['two that have', owner(full), [ready(full), ready(full, 'b')], [2, 2, 2, 2]],
    ['two that have not', owner(full), [ready(part), ready(part, 'b')], [2, 0, 2, 2]],
    ['one of each', owner(full), [ready(part), ready(full, 'b')], [2, 1, 2, 2]],
    ['one that is not ready', owner(full), [{ name: 'a', labels: full, phase: 'Pending' }], [1, 1, 0, 0]],
    ['one that is ready for less than minReadySeconds', owner(full, 3600), [ready(full)], [1, 1, 1, 0]],
  ])('%s', (_, set, pods, counts) => {
    const status = replicaStatus(set, pods.map(pod), well, nowMs, now)
    const { replicas, fullyLabeledReplicas, readyReplicas, availableReplicas } = status
    expect([replicas, fullyLabeledReplicas, readyReplicas, availableReplicas]).toEqual(counts)
  })
})

describe('the failure of a replica set', () => {
  const old = { type: 'ReplicaFailure', status: 'True' }
  const told = (reason: string) => ({ ...old, reason, message: 'no luck', lastTransitionTime: now })
  const other = { type: 'ImagePullBackOff', status: 'True', reason: 'NonExistentImage' }
  const error = new Error('no luck')
  it.each<[string, ReplicaSetCondition[] | undefined, ScaleOutcome, ReplicaSetCondition[] | undefined]>([
    ['to create is told', undefined, { difference: -1, error }, [told('FailedCreate')]],
    ['to delete is told', undefined, { difference: 1, error }, [told('FailedDelete')]],
    ['that is over is not told any more', [old], well, undefined],
    ['that lasts stays as it was told first', [old], { difference: -1, error }, [old]],
    ['that never was is not told', undefined, well, undefined],
    ['is told beside what others say', [other], { difference: -1, error }, [other, told('FailedCreate')]],
    ['that is over leaves what others say', [other, old], well, [other]],
  ])('%s', (_, conditions, outcome, expected) => {
    const set = replicaSet({ name: 'rs', replicas: 2 })
    set.status = { replicas: 1, ...(conditions ? { conditions } : {}) }
    expect(replicaStatus(set, [], outcome, nowMs, now).conditions).toEqual(expected)
  })
})
