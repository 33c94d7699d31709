import { describe, expect, test } from 'vitest'
import { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../index.ts'
import { admitted, refusals, updateRefusals } from '../testing.ts'

// What kube-apiserver 1.32 answers to the same bodies.

const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const selector = { matchLabels: { app: 'x' } }
const body = (spec: object) => ({ metadata: { name: 'x' }, spec: { selector, template, ...spec } })
const daemons = (rollingUpdate: object) => body({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } })
const operator = { matchExpressions: [{ key: 'a', operator: 'Near' }] }

describe('a create is refused', () => {
  test.each<[any, object, string[]]>([
    [
      Deployment,
      body({ selector: operator }),
      [
        'spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
        'spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement{v1.LabelSelectorRequirement{Key:"a", Operator:"Near", Values:[]string(nil)}}}: invalid label selector',
      ],
    ],
    [
      Deployment,
      body({ strategy: { type: 'Blue' } }),
      ['spec.strategy: Unsupported value: {"type":"Blue"}: supported values: "Recreate", "RollingUpdate"'],
    ],
    [
      Deployment,
      body({ strategy: { rollingUpdate: { maxSurge: 'x' } } }),
      [
        "spec.strategy.rollingUpdate.maxSurge: Invalid value: intstr.IntOrString{Type:1, IntVal:0, StrVal:\"x\"}: a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ],
    ],
    [
      Deployment,
      body({ replicas: -1, minReadySeconds: -1, progressDeadlineSeconds: -5 }),
      [
        'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
        'spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0',
        'spec.progressDeadlineSeconds: Invalid value: -5: must be greater than or equal to 0',
        'spec.progressDeadlineSeconds: Invalid value: -5: must be greater than minReadySeconds',
      ],
    ],
    [
      DaemonSet,
      daemons({ maxSurge: 1, maxUnavailable: 1 }),
      [
        'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: intstr.IntOrString{Type:0, IntVal:1, StrVal:""}: may not be set when maxUnavailable is non-zero',
      ],
    ],
    [
      DaemonSet,
      daemons({ maxSurge: 0, maxUnavailable: 0 }),
      ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
    ],
    [
      DaemonSet,
      body({ selector: undefined }),
      [
        'spec.template.metadata.labels: Invalid value: map[string]string{"app":"x"}: `selector` does not match template `labels`',
      ],
    ],
    [DaemonSet, body({ updateStrategy: { type: 'OnDelete', rollingUpdate: { maxSurge: 'x' } } }), []],
    [
      StatefulSet,
      body({ podManagementPolicy: 'All', updateStrategy: { type: 'OnDelete', rollingUpdate: {} } }),
      [
        "spec.podManagementPolicy: Invalid value: \"All\": must be 'OrderedReady' or 'Parallel'",
        "spec.updateStrategy.rollingUpdate: Invalid value: {}: only allowed for updateStrategy 'RollingUpdate'",
      ],
    ],
    [
      StatefulSet,
      body({ persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Keep' } }),
      [
        'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Keep": supported values: "Retain", "Delete"',
      ],
    ],
    [StatefulSet, body({ template: { ...template, spec: { containers: [{ name: 'No' }] } } }), []],
  ])('$kind %j', (kind, object, expected) => {
    expect(refusals(kind, object)).toEqual(expected)
  })
})

test('how many stateful pods may be missing is dropped, unless it was there', () => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } }
  const set = admitted(StatefulSet, body({ updateStrategy: strategy }))
  expect(set.spec.updateStrategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { partition: 0 } })
  const refused = updateRefusals(StatefulSet, body({}), next => {
    next.spec.serviceName = 'other'
  })
  expect(refused).toHaveLength(1)
})

describe('a status is refused', () => {
  const told = (kind: any, status: object, previous = {}) =>
    kind.validatePart('status', { status }, { status: previous }).map((e: any) => `${e.field}: ${e.message}`)

  test('that counts more parts than replicas, or fewer than none', () => {
    expect(told(Deployment, { replicas: 1, readyReplicas: 2, availableReplicas: 3, updatedReplicas: -1 })).toEqual([
      'status.updatedReplicas: Invalid value: -1: must be greater than or equal to 0',
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 3: cannot be greater than readyReplicas',
    ])
    expect(told(ReplicaSet, { replicas: 1, fullyLabeledReplicas: 2 })).toEqual([
      'status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than status.replicas',
    ])
    expect(told(StatefulSet, { replicas: 2, availableReplicas: 1 })).toEqual([
      'status.availableReplicas: Invalid value: 1: cannot be greater than status.readyReplicas',
    ])
    expect(told(DaemonSet, { numberReady: -2 })).toEqual([
      'status.numberReady: Invalid value: -2: must be greater than or equal to 0',
    ])
  })

  test('that forgets collisions', () => {
    const expected = ['status.collisionCount: Invalid value: 0: cannot be decremented']
    expect(told(Deployment, {}, { collisionCount: 1 })).toEqual(expected)
    expect(told(DaemonSet, { collisionCount: 0 }, { collisionCount: 1 })).toEqual(expected)
  })
})
