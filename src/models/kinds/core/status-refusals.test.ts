import { expect, test } from 'vitest'
import {
  HorizontalPodAutoscaler,
  Namespace,
  Node,
  PersistentVolume,
  Pod,
  PodDisruptionBudget,
  PriorityLevelConfiguration,
  ReplicationController,
  Service,
} from '../index.ts'
import { admitted } from '../testing.ts'

const kinds = { Namespace, Pod, ReplicationController, Service }
const bodies = {
  Namespace: {},
  Pod: { spec: { containers: [{ name: 'c', image: 'i' }] } },
  ReplicationController: { spec: { selector: { a: 'b' }, template: { metadata: { labels: { a: 'b' } } } } },
  Service: { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } },
}
const notIP = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'

// Each row is what a kube-apiserver 1.32.13 answered to such a status.
test.each<[kind: keyof typeof kinds, status: object, causes: string[]]>([
  ['Pod', { podIPs: [{ ip: 'x' }] }, [`status.podIPs[0]: Invalid value: "x": ${notIP}`]],
  [
    'Pod',
    { podIPs: [{ ip: '10.1.1.1' }, { ip: 'fd00::1' }, { ip: '10.1.1.1' }] },
    [
      'status.podIPs: Invalid value: []core.PodIP{core.PodIP{IP:"10.1.1.1"}, core.PodIP{IP:"fd00::1"}, core.PodIP{IP:"10.1.1.1"}}: may specify no more than one IP for each IP family',
      'status.podIPs[2]: Duplicate value: core.PodIP{IP:"10.1.1.1"}',
    ],
  ],
  [
    'Pod',
    { hostIPs: [{ ip: '1.2.3.4' }] },
    ['status.hostIPs[0].ip: Invalid value: "1.2.3.4": must be equal to `hostIP`'],
  ],
  [
    'Pod',
    { initContainerStatuses: [{ name: 'c', user: { linux: { uid: -1, gid: 1, supplementalGroups: [2 ** 32] } } }] },
    [
      'status.initContainerStatuses[0].linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      'status.initContainerStatuses[0].linux.supplementalGroups[0]: Invalid value: 4294967296: must be between 0 and 2147483647, inclusive',
    ],
  ],
  [
    'Namespace',
    { phase: 'Terminating' },
    ['status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty'],
  ],
  ['Pod', { qosClass: 'Guaranteed' }, ['status.qosClass: Invalid value: "Guaranteed": field is immutable']],
  [
    'Pod',
    { conditions: [{ type: 'a b' }] },
    [
      "metadata.conditions[0].Type: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  ],
  [
    'ReplicationController',
    { replicas: 1, readyReplicas: 2, availableReplicas: -1 },
    [
      'status.availableReplicas: Invalid value: -1: must be greater than or equal to 0',
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
    ],
  ],
  [
    'Service',
    {
      loadBalancer: {
        ingress: [
          { ip: '1.2.3.4', ipMode: '' },
          { hostname: 'a.b', ipMode: 'VIP' },
        ],
      },
    },
    [
      'status.loadBalancer.ingress[0].ipMode: Unsupported value: "": supported values: "Proxy", "VIP"',
      'status.loadBalancer.ingress[1].ipMode: Forbidden: may not be specified when `ip` is not set',
    ],
  ],
])('a status of a %s that says %j is refused as Kubernetes refuses it', (name, status, causes) => {
  const kind = kinds[name]
  const previous = admitted(kind, bodies[name])
  const next = { ...structuredClone(previous), status }
  expect(kind.validatePart!('status', next, previous).map(e => `${e.field}: ${e.message}`)).toEqual(causes)
})

test('a container that has ended, and is not to be started again, stays ended', () => {
  const ended = (name: string, exitCode: number) => ({ name, state: { terminated: { exitCode } } })
  const running = (...names: string[]) => names.map(name => ({ name, state: { running: {} } }))
  const told = (restartPolicy: string) => {
    const containers = [{ name: 'a', image: 'i' }]
    const initContainers = [{ name: 'c', image: 'i', restartPolicy: 'Always' }]
    const pod = admitted(Pod, { metadata: { name: 'p' }, spec: { restartPolicy, containers, initContainers } })
    const before = { containerStatuses: [ended('a', 0), ended('b', 1)], initContainerStatuses: [ended('c', 0)] }
    const status = { containerStatuses: running('a', 'b'), initContainerStatuses: running('c') }
    const [next, previous] = [status, before].map(s => ({ ...pod, status: { ...pod.status, ...s } })) as [any, any]
    return Pod.validatePart!('status', next, previous).map(e => `${e.field}: ${e.message}`)
  }
  const text = (i: number) =>
    `status.containerStatuses[${i}].state: Forbidden: may not be transitioned to non-terminated state`
  expect(told('Always')).toEqual([])
  expect(told('OnFailure')).toEqual([text(0)])
  expect(told('Never')).toEqual([text(0), text(1)])
})

test('the class of a pod need not be said again', () => {
  const pod = admitted(Pod, { metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'i' }] } })
  const next = { ...pod, status: { hostIP: '1.2.3.4' } } as any
  Pod.prepareStatus!(next, pod, '')
  expect(next.status).toEqual({ hostIP: '1.2.3.4', qosClass: 'BestEffort' })
})

const since = '2026-01-01T00:00:00Z'
const now = '2026-02-02T00:00:00Z'
const own = '2026-01-15T00:00:00Z'
test.each<[string, object, string | undefined]>([
  ['the same phase', { phase: 'Pending' }, since],
  ['the same phase and its own time', { phase: 'Pending', lastPhaseTransitionTime: own }, own],
  ['another phase', { phase: 'Bound' }, now],
  ['another phase and the old time', { phase: 'Bound', lastPhaseTransitionTime: since }, now],
  ['another phase and its own time', { phase: 'Bound', lastPhaseTransitionTime: own }, own],
])('who writes of a volume %s', (_title, status, time) => {
  const volume = {
    metadata: { name: 'v' },
    spec: {},
    status: { phase: 'Pending', lastPhaseTransitionTime: since },
  } as any
  const next = { ...volume, status: { ...status } }
  PersistentVolume.prepareStatus!(next, volume, now)
  expect(next.status.lastPhaseTransitionTime).toBe(time)
})

test('conditions and counts of a budget', () => {
  const budget = admitted(PodDisruptionBudget, { metadata: { name: 'b' }, spec: {} })
  const condition = { type: 'A', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }
  const told = (status: object) =>
    PodDisruptionBudget.validatePart!('status', { ...budget, status } as any, budget).map(
      e => `${e.field}: ${e.message}`,
    )
  expect(told({ conditions: [condition], currentHealthy: 1 })).toEqual([])
  expect(told({ conditions: [condition, { ...condition, status: 'x', reason: '' }], expectedPods: -1 })).toEqual([
    'status.conditions[1].type: Duplicate value: "A"',
    'status.conditions[1].status: Unsupported value: "x": supported values: "False", "True", "Unknown"',
    'status.conditions[1].reason: Required value: must be set',
    'status.expectedPods: Invalid value: -1: must be greater than or equal to 0',
  ])
  expect(told({ conditions: [{ type: 'A', status: 'True', reason: '1' }] })).toEqual([
    'status.conditions[0].lastTransitionTime: Required value: must be set',
    expect.stringMatching(/^status\.conditions\[0\]\.reason: Invalid value: "1": a condition reason must start with/),
  ])
})

test('what a level or a schema of flows is told of itself is of a type, each once', () => {
  const level = admitted(PriorityLevelConfiguration, { metadata: { name: 'l' }, spec: { type: 'Limited' } })
  const status = { conditions: [{ type: 'A' }, { type: 'A' }, {}] }
  const errors = PriorityLevelConfiguration.validatePart!('status', { ...level, status } as any, level)
  expect(errors.map(e => `${e.field}: ${e.message}`)).toEqual([
    'status.conditions[1].type: Duplicate value: "A"',
    'status.conditions[2].type: Required value: must not be empty',
  ])
})

test('an autoscaler counts no fewer than none', () => {
  const status = { currentReplicas: -1, desiredReplicas: -2 }
  const errors = HorizontalPodAutoscaler.validatePart!('status', { status } as any, {} as any)
  expect(errors.map(e => `${e.field}: ${e.message}`)).toEqual([
    'status.currentReplicas: Invalid value: -1: must be greater than or equal to 0',
    'status.desiredReplicas: Invalid value: -2: must be greater than or equal to 0',
  ])
})

test('a node does not say how it is configured, and each of its images has a list of names', () => {
  const node = admitted(Node, {
    metadata: { name: 'n' },
    status: { config: { error: 'e' }, images: [{ sizeBytes: 1 }] },
  })
  expect(node.status.config).toBe(undefined)
  expect(node.status.images).toEqual([{ names: null, sizeBytes: 1 }])
})
