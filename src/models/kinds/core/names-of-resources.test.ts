import { describe, expect, test } from 'vitest'
import {
  LimitRange,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  ReplicationController,
  ResourceQuota,
  RuntimeClass,
} from '../index.ts'
import { admitted, refusals, updateRefusals } from '../testing.ts'

// What a real kube-apiserver 1.32.13 says; found by `npm run compare -- writes`.

const unknownName = (field: string, name: string) =>
  `${field}[${name}]: Invalid value: ${name}: must be a standard resource type or fully qualified`
const noContainers = (field: string, name: string) =>
  `${field}[${name}]: Invalid value: ${name}: must be a standard resource for containers`

test('limits are of resources that there are, for pods and containers of theirs', () => {
  const limits = [{ type: 'Container', min: { a: '1' }, maxLimitRequestRatio: { 'b.example/c': '2' } }]
  expect(refusals(LimitRange, { spec: { limits } }).slice(0, 2)).toEqual([
    unknownName('spec.limits[0].min', 'a'),
    noContainers('spec.limits[0].min', 'a'),
  ])
  const storage = [{ type: 'PersistentVolumeClaim', min: { storage: '1Gi', a: '1' } }]
  expect(refusals(LimitRange, { spec: { limits: storage } })).toEqual([unknownName('spec.limits[0].min', 'a')])
})

test('a quota shows the name of a resource without quotes', () => {
  expect(refusals(ResourceQuota, { spec: { hard: { a: '1' } } })).toEqual([
    unknownName('spec.hard', 'a'),
    'spec.hard[a]: Invalid value: a: must be a standard resource for quota',
  ])
})

describe('a RuntimeClass', () => {
  const runtime = (more: object) => ({ handler: 'runc', ...more })
  test.each<[string, object, string[]]>([
    [
      'has overhead of resources that there are',
      runtime({ overhead: { podFixed: { a: '1' } } }),
      [unknownName('overhead.limits', 'a'), noContainers('overhead.limits', 'a')],
    ],
    [
      'selects nodes by labels',
      runtime({ scheduling: { nodeSelector: { a: 'Not Valid!' } } }),
      [expect.stringContaining('scheduling.nodeSelector: Invalid value: "Not Valid!": a valid label must')],
    ],
    [
      'tolerates what can be tolerated',
      runtime({ scheduling: { tolerations: [{ operator: 'Equal', effect: 'NoSchedule' }] } }),
      [
        'scheduling.tolerations.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
    [
      'tolerates it once',
      runtime({ scheduling: { tolerations: [{ operator: 'Exists' }, { operator: 'Exists' }] } }),
      [expect.stringContaining('scheduling.tolerations[1]: Duplicate value')],
    ],
    ['may say no more than its handler', runtime({}), []],
  ])('%s', (_, body, wanted) => expect(refusals(RuntimeClass, body)).toEqual(wanted))
})

test('an update of a node is looked at as a new node too', () => {
  const told = updateRefusals(Node, {}, node => {
    node.spec = { podCIDRs: ['x'], taints: [{ key: 'a', effect: '' }] }
  })
  const missing = 'metadata.taints[0].effect: Required value'
  expect(told.filter(text => !text.includes('podCIDRs'))).toEqual([missing, missing])
  expect(told).toContainEqual(expect.stringContaining('spec.podCIDRs[0]: Invalid value: "x"'))
})

test('an update of a ReplicationController finds twice what is wrong', () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const told = updateRefusals(ReplicationController, { spec: { selector: { a: 'b' }, template } }, controller => {
    controller.spec.replicas = -1
  })
  const negative = 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'
  expect(told).toEqual([negative, negative])
})

describe('a claim', () => {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } }
  const update = (phase: string, change: (claim: any) => void) =>
    updateRefusals(PersistentVolumeClaim, { spec }, claim => {
      claim.status = { phase }
      change(claim)
    })
  const immutable = expect.stringContaining('spec: Forbidden: spec is immutable after creation')

  test('that is bound may ask for more room, not for a limit', () => {
    const grow = (claim: any) => {
      claim.spec.resources.requests.storage = '3Gi'
    }
    expect(update('Bound', grow)).toEqual([])
    expect(update('Pending', grow)).toEqual([immutable])
    const limit = (claim: any) => {
      claim.spec.resources.limits = { storage: '9Gi' }
    }
    expect(update('Bound', limit)).toEqual([immutable])
  })

  test('loses a source that the older field cannot name', () => {
    const sourceOf = (dataSource: object) => admitted(PersistentVolumeClaim, { spec: { ...spec, dataSource } }).spec
    const claim = { kind: 'PersistentVolumeClaim', name: 'a' }
    const snapshot = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 'a' }
    for (const kept of [claim, snapshot]) expect(sourceOf(kept).dataSource).toMatchObject(kept)
    const dropped = sourceOf({ kind: 'Pod', name: 'a' })
    expect([dropped.dataSource, dropped.dataSourceRef]).toEqual([undefined, undefined])
  })

  test('has room made of storage', () => {
    const told = update('Bound', claim => {
      claim.status.allocatedResources = { a: '1', storage: '1Gi', 'b.example/c': '1' }
    })
    expect(told).toEqual(['status.allocatedResources: Unsupported value: "a": supported values: "storage"'])
  })
})

test('of a volume a flexVolume is not asked whether it is the second source, and those after it are', () => {
  const volume = (more: object) => ({
    metadata: { name: 'v' },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], flexVolume: { driver: 'a/b' }, ...more },
  })
  expect(refusals(PersistentVolume, volume({ hostPath: { path: '/a' } }))).toEqual([])
  expect(refusals(PersistentVolume, volume({ csi: { driver: 'd', volumeHandle: 'h' } }))).toEqual([
    'spec.csi: Forbidden: may not specify more than 1 volume type',
  ])
})

test('what a node is called elsewhere does not change', () => {
  const renamed = updateRefusals(Node, { metadata: { name: 'n' } }, node => {
    node.spec.externalID = 'a'
  })
  expect(renamed).toEqual(['spec.externalID: Forbidden: may not be updated'])
})
