import { describe, expect, it } from 'vitest'
import type { StatefulSet } from '../models/types/apps-v1.ts'
import type { Pod } from '../models/types/core-v1.ts'
import { revisionHashLabel } from './revision-history.ts'
import { planStatefulSet, type StatefulAction, statefulSetStatus } from './stateful-set-plan.ts'
import { podIndexLabel, podNameLabel } from './stateful-set-pods.ts'
import { pod as podOf } from './testing/fixtures.ts'

const nowMs = Date.UTC(2026, 0, 1, 1)
const long = '2026-01-01T00:00:00Z'
const revisions = { current: 'db-1', update: 'db-2' }

const db = (spec: Partial<StatefulSet['spec']> = {}, status: object = {}) =>
  ({
    metadata: { name: 'db', namespace: 'default', uid: 'u', generation: 3 },
    spec: {
      ...{ serviceName: 'db', replicas: 3, selector: { matchLabels: { app: 'db' } }, template: {} },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...spec,
    },
    status,
  }) as unknown as StatefulSet
const parallel = { podManagementPolicy: 'Parallel' } as const

interface Facts {
  revision?: string
  phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed'
  /** undefined: not ready. */
  readySince?: string | undefined
  ending?: boolean
  labels?: Record<string, string>
}

function pod(ordinal: number, facts: Facts = {}): Pod {
  const { revision = 'db-2', phase = 'Running', ending } = facts
  const readySince = 'readySince' in facts ? facts.readySince : long
  const name = `db-${ordinal}`
  const identity = { [podNameLabel]: name, [podIndexLabel]: String(ordinal) }
  const made = podOf({
    ...{ name, phase, labels: { ...identity, [revisionHashLabel]: revision, ...facts.labels } },
    ...(readySince && phase === 'Running' ? { readySince } : {}),
  })
  if (ending) made.metadata.deletionTimestamp = long
  return made
}

const told = (action: StatefulAction) =>
  action.type === 'create'
    ? `+${action.ordinal} ${action.revision}`
    : action.type === 'claims'
      ? `claims ${action.ordinal}`
      : `${action.type} ${action.pod.metadata.name}`
const plan = (set: StatefulSet, ...pods: Pod[]) => planStatefulSet(set, pods, revisions, nowMs).map(told)
const sick = { readySince: undefined }

describe('a StatefulSet in order', () => {
  it.each<[string, Pod[], string[]]>([
    ['makes the first pod', [], ['+0 update']],
    ['makes the next when the one before is up', [pod(0)], ['+1 update']],
    ['waits for one that is not ready', [pod(0, sick)], []],
    ['waits for one that is ending', [pod(0), pod(1, { ending: true })], []],
    ['fills a gap before anything above it', [pod(0), pod(2)], ['+1 update']],
    ['replaces one that has ended, and nothing else', [pod(0, { phase: 'Succeeded' })], ['replace db-0']],
    ['waits for one that has ended and is ending', [pod(0, { phase: 'Failed', ending: true })], []],
    ['gives one that waits its claims', [pod(0, { phase: 'Pending' })], ['claims 0']],
    ['removes the highest of those that are too many', [0, 1, 2, 3, 4].map(n => pod(n)), ['delete db-4']],
    ['waits for it to be gone', [...[0, 1, 2, 3].map(n => pod(n)), pod(4, { ending: true })], []],
    ['removes none while one that should be is sick', [pod(0), pod(1, sick), pod(2), pod(3)], []],
    [
      'removes none while a lower one of the surplus is sick but not the top',
      [0, 1, 2, 4].map(n => pod(n)).concat(pod(3, sick)),
      ['delete db-4'],
    ],
    [
      'waits when the top one of the surplus is sick and a lower one too',
      [0, 1, 2].map(n => pod(n)).concat(pod(3, sick), pod(4, sick)),
      [],
    ],
    [
      'removes the top one of the surplus when it is the sick one',
      [0, 1, 2, 3].map(n => pod(n)).concat(pod(4, sick)),
      ['delete db-4'],
    ],
    [
      'updates the highest of the old ones',
      [pod(0, { revision: 'db-1' }), pod(1, { revision: 'db-1' }), pod(2)],
      ['delete db-1'],
    ],
    ['waits for the updated one to be ready', [pod(0, { revision: 'db-1' }), pod(1), pod(2, sick)], []],
    [
      'gives a pod the labels that say which it is',
      [pod(0, { labels: { [podIndexLabel]: '7' } }), pod(1), pod(2)],
      ['relabel db-0'],
    ],
  ])('%s', (_, pods, expected) => {
    expect(plan(db(), ...pods)).toEqual(expected)
  })

  it('waits until the one before was ready for long enough', () => {
    const since = (seconds: number) => ({ readySince: new Date(nowMs - seconds * 1000).toISOString() })
    expect(plan(db({ minReadySeconds: 30 }), pod(0, since(10)))).toEqual([])
    expect(plan(db({ minReadySeconds: 30 }), pod(0, since(40)))).toEqual(['+1 update'])
  })

  it('takes pods of the old revision below its partition, and updates none of them', () => {
    const partitioned = db({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } })
    expect(plan(partitioned)).toEqual(['+0 current'])
    expect(plan(partitioned, pod(0), pod(1))).toEqual(['+2 update'])
    const old = { revision: 'db-1' }
    expect(plan(partitioned, pod(0, old), pod(1, old), pod(2))).toEqual([])
    expect(plan(partitioned, pod(0, old), pod(1, old), pod(2, old))).toEqual(['delete db-2'])
  })

  it('counts its partition and its pods from the ordinal where it starts', () => {
    const partitioned = { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } } as const
    const set = db({ replicas: 2, ordinals: { start: 5 }, ...partitioned })
    expect(plan(set)).toEqual(['+5 current'])
    expect(plan(set, pod(5))).toEqual(['+6 update'])
    expect(plan(set, pod(4), pod(5), pod(6))).toEqual(['delete db-4'])
  })

  it('with OnDelete updates nothing', () => {
    const set = db({ updateStrategy: { type: 'OnDelete' } })
    expect(plan(set, pod(0, { revision: 'db-1' }), pod(1), pod(2))).toEqual([])
  })

  it('that is being deleted does nothing', () => {
    const set = db()
    set.metadata.deletionTimestamp = long
    expect(plan(set)).toEqual([])
  })
})

describe('a StatefulSet in parallel', () => {
  it.each<[string, Pod[], string[]]>([
    ['makes all pods at once', [], ['+0 update', '+1 update', '+2 update']],
    ['makes what is missing whoever is sick or ending', [pod(0, sick), pod(1, { ending: true })], ['+2 update']],
    [
      'removes all that are too many',
      [0, 1, 2, 3, 4].map(n => pod(n, n > 2 ? sick : {})),
      ['delete db-4', 'delete db-3'],
    ],
    ['still updates one at a time', [0, 1, 2].map(n => pod(n, { revision: 'db-1' })), ['delete db-2']],
    ['waits for the updated one', [pod(0, { revision: 'db-1' }), pod(1, { revision: 'db-1' }), pod(2, sick)], []],
  ])('%s', (_, pods, expected) => {
    expect(plan(db(parallel), ...pods)).toEqual(expected)
  })

  it('waits in an update until the updated one is available, as later Kubernetes does (1.32: ready)', () => {
    const justNow = { readySince: new Date(nowMs - 1000).toISOString() }
    const set = db({ ...parallel, minReadySeconds: 30 })
    const old = { revision: 'db-1' }
    expect(plan(set, pod(0, old), pod(1, old), pod(2, justNow))).toEqual([])
    expect(plan(set, pod(0, old), pod(1, old), pod(2))).toEqual(['delete db-1'])
  })
})

describe('the status of a StatefulSet', () => {
  const status = (set: StatefulSet, ...pods: Pod[]) => statefulSetStatus(set, pods, revisions, nowMs)

  it('counts pods by what they are and by revision, those that end in no revision', () => {
    const justNow = { readySince: new Date(nowMs - 1000).toISOString() }
    const pods = [pod(0, { revision: 'db-1' }), pod(1, justNow), pod(2, { ending: true }), pod(3, { phase: 'Pending' })]
    expect(status(db({ replicas: 4, minReadySeconds: 30 }), ...pods)).toEqual({
      ...{ observedGeneration: 3, replicas: 4, readyReplicas: 3, availableReplicas: 2 },
      ...{ currentReplicas: 1, updatedReplicas: 2, currentRevision: 'db-1', updateRevision: 'db-2', collisionCount: 0 },
    })
  })

  it('has one revision once all pods are of the new one and ready', () => {
    expect(status(db(), pod(0), pod(1), pod(2, sick)).currentRevision).toBe('db-1')
    expect(status(db(), pod(0), pod(1), pod(2, { revision: 'db-1' })).currentRevision).toBe('db-1')
    expect(status(db(), pod(0), pod(1), pod(2))).toMatchObject({ currentRevision: 'db-2', currentReplicas: 3 })
    const onDelete = db({ updateStrategy: { type: 'OnDelete' } })
    expect(status(onDelete, pod(0), pod(1), pod(2)).currentRevision).toBe('db-1')
  })
})
