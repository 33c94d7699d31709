import type { Json } from '../side.ts'
import { someTime } from '../told.ts'
import { conditions } from './nodes.ts'

const container = (name: string, more: Json = {}) => ({ name, image: 'i', ...more })
const ended = (exitCode: number, more: Json = {}) => ({
  terminated: { exitCode, startedAt: someTime, finishedAt: someTime, ...more },
})
const running = { running: { startedAt: someTime } }
const waiting = (reason?: string) => ({ waiting: reason ? { reason } : {} })
const status = (name: string, state: Json, more: Json = {}) => ({
  name,
  image: 'i',
  imageID: '',
  ready: false,
  restartCount: 0,
  state,
  ...more,
})
const ready = (name: string) => status(name, running, { ready: true, started: true })

const two = { containers: [container('c'), container('d')] }
const one = { containers: [container('c')] }
const inits = { ...one, initContainers: [container('i'), container('j')] }
const sidecars = { ...one, initContainers: [container('s', { restartPolicy: 'Always' }), container('j')] }

interface ShownPod {
  name: string
  spec: Json
  status?: Json
  metadata?: Json
}

/** A pod for each word that stands in the column of states. */
export const pods: readonly ShownPod[] = [
  { name: 'fresh', spec: one },
  { name: 'placed', spec: { ...one, nodeName: 'n', priority: 0 } },
  { name: 'gated', spec: { ...one, schedulingGates: [{ name: 'g' }] } },
  {
    name: 'gates',
    spec: { ...one, readinessGates: [{ conditionType: 'x' }, { conditionType: 'y' }] },
    status: {
      conditions: conditions(['x', 'True'], ['y', 'False']),
      nominatedNodeName: 'nn',
      phase: 'Running',
      podIP: '10.0.0.1',
      podIPs: [{ ip: '10.0.0.1' }],
    },
  },
  {
    name: 'running',
    spec: two,
    status: {
      phase: 'Running',
      conditions: conditions(['Ready', 'True']),
      containerStatuses: [ready('c'), ready('d')],
      podIPs: [{ ip: '10.0.0.2' }, { ip: 'fd00::2' }],
      hostIP: '10.0.0.3',
      qosClass: 'BestEffort',
      startTime: someTime,
    },
  },
  {
    name: 'half',
    spec: two,
    status: {
      phase: 'Running',
      containerStatuses: [
        ready('c'),
        status('d', waiting('CrashLoopBackOff'), { restartCount: 4, lastState: ended(1) }),
      ],
    },
  },
  {
    name: 'creating',
    spec: one,
    status: { phase: 'Pending', containerStatuses: [status('c', waiting('ContainerCreating'))] },
  },
  { name: 'waiting', spec: one, status: { phase: 'Pending', containerStatuses: [status('c', waiting())] } },
  {
    name: 'ended',
    spec: one,
    status: { phase: 'Succeeded', containerStatuses: [status('c', ended(0, { reason: 'Completed' }))] },
  },
  {
    name: 'ended-beside',
    spec: two,
    status: {
      phase: 'Running',
      conditions: conditions(['Ready', 'True']),
      containerStatuses: [ready('c'), status('d', ended(0, { reason: 'Completed' }))],
    },
  },
  {
    name: 'ended-unready',
    spec: two,
    status: {
      phase: 'Running',
      conditions: conditions(['Ready', 'False']),
      containerStatuses: [ready('c'), status('d', ended(0, { reason: 'Completed' }))],
    },
  },
  { name: 'failed', spec: one, status: { phase: 'Failed', reason: 'Evicted', message: 'm' } },
  {
    name: 'exited',
    spec: one,
    status: { phase: 'Failed', containerStatuses: [status('c', ended(3), { restartCount: 2, lastState: ended(2) })] },
  },
  {
    name: 'signalled',
    spec: one,
    status: { phase: 'Failed', containerStatuses: [status('c', ended(137, { signal: 9 }))] },
  },
  {
    name: 'oom',
    spec: one,
    status: { phase: 'Failed', containerStatuses: [status('c', ended(137, { reason: 'OOMKilled' }))] },
  },
  { name: 'lost', spec: one, status: { phase: 'Running', reason: 'NodeLost' } },
  {
    name: 'init',
    spec: inits,
    status: { phase: 'Pending', initContainerStatuses: [status('i', ended(0)), status('j', running)] },
  },
  {
    name: 'init-waiting',
    spec: inits,
    status: {
      phase: 'Pending',
      initContainerStatuses: [status('i', waiting('PodInitializing')), status('j', waiting('PodInitializing'))],
    },
  },
  {
    name: 'init-failed',
    spec: inits,
    status: { phase: 'Pending', initContainerStatuses: [status('i', ended(1), { restartCount: 3 })] },
  },
  {
    name: 'init-error',
    spec: inits,
    status: {
      phase: 'Pending',
      initContainerStatuses: [status('i', ended(1, { reason: 'Error' }), { restartCount: 3, lastState: ended(1) })],
    },
  },
  {
    name: 'init-signal',
    spec: inits,
    status: { phase: 'Pending', initContainerStatuses: [status('i', ended(1, { signal: 15 }))] },
  },
  {
    name: 'init-pull',
    spec: inits,
    status: { phase: 'Pending', initContainerStatuses: [status('i', waiting('ImagePullBackOff'))] },
  },
  {
    name: 'init-done',
    spec: inits,
    status: {
      phase: 'Running',
      conditions: conditions(['Initialized', 'True']),
      initContainerStatuses: [status('i', ended(0)), status('j', ended(0))],
      containerStatuses: [ready('c')],
    },
  },
  {
    name: 'sidecar',
    spec: sidecars,
    status: {
      phase: 'Running',
      conditions: conditions(['Initialized', 'True'], ['Ready', 'True']),
      initContainerStatuses: [{ ...ready('s'), restartCount: 1, lastState: ended(1) }, status('j', ended(0))],
      containerStatuses: [ready('c')],
    },
  },
  {
    name: 'sidecar-first',
    spec: sidecars,
    status: { phase: 'Pending', initContainerStatuses: [ready('s'), status('j', running)] },
  },
  {
    name: 'sidecar-starts',
    spec: sidecars,
    status: { phase: 'Pending', initContainerStatuses: [status('s', running, { started: false })] },
  },
  {
    name: 'owned',
    spec: one,
    metadata: {
      labels: { a: 'b', c: 'd' },
      annotations: { x: 'y' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' }],
    },
  },
  { name: 'going', spec: { ...one, nodeName: 'n' }, metadata: { finalizers: ['a.example/held'] } },
]
