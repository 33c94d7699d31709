import { pause } from '../../support/statistics.ts'
import type { Json, Side } from '../side.ts'

/**
 * Plays scheduler and kubelet, on both clusters alike. What a pod does its annotation `plays` says: `ready` (the default), `running`
 * (and not ready), `unscheduled`, `silent` (scheduled, and nothing is reported).
 * Nodes report unless they have the label `silent`.
 */
export function startActor(side: Side): AsyncDisposable {
  let over = false
  const worked = (async () => {
    let beat = 0
    while (!over) {
      if (performance.now() - beat > 3_000) {
        beat = performance.now()
        await beatAll(side).catch(() => {})
      }
      await playAll(side).catch(() => {})
      await pause(200)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      over = true
      await worked
    },
  }
}

async function playAll(side: Side): Promise<void> {
  const { items } = await side.json('GET', '/api/v1/pods?resourceVersion=0')
  const inOrder = (a: Json, b: Json) =>
    a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) ||
    a.metadata.name.localeCompare(b.metadata.name)
  for (const pod of items.sort(inOrder)) await play(side, pod).catch(() => {})
}

const pathOf = ({ metadata }: Json) => `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`

async function play(side: Side, pod: Json): Promise<void> {
  const plays = pod.metadata.annotations?.plays ?? 'ready'
  if (pod.metadata.deletionTimestamp) {
    if (plays === 'stays' || pod.metadata.finalizers?.length) return
    await side.json('DELETE', pathOf(pod), { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 })
  } else if (!pod.spec.nodeName) {
    if (plays === 'unscheduled' || pod.spec.schedulingGates?.length) return
    const target = { apiVersion: 'v1', kind: 'Node', name: nodeFor(pod) }
    const { name, namespace } = pod.metadata
    await side.json('POST', `${pathOf(pod)}/binding`, {
      ...{ apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace }, target },
    })
  } else if (pod.status.phase === 'Pending' && plays !== 'silent')
    await setPod(side, pod, runningStatus(pod, plays !== 'running'))
}

/** Those of DaemonSets say which node they want; all others get the one they name, or the first. */
function nodeFor({ spec, metadata }: Json): string {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const wanted = terms[0]?.matchFields?.find((field: Json) => field.key === 'metadata.name')
  return wanted?.values[0] ?? metadata.annotations?.node ?? 'node-a'
}

const now = () => `${new Date().toISOString().slice(0, 19)}Z`
let addresses = 0

export function runningStatus({ spec }: Json, ready: boolean): Json {
  const podIP = `10.244.${200 + (addresses >> 8)}.${addresses++ & 255}`
  const time = now()
  const containerStatuses = spec.containers.map(({ name, image }: Json) => ({
    ...{ name, image, imageID: image, containerID: `sim://${name}`, ready, started: true, restartCount: 0 },
    state: { running: { startedAt: time } },
  }))
  return {
    ...{ phase: 'Running', startTime: time, hostIP: '192.0.2.1', podIP, podIPs: [{ ip: podIP }], containerStatuses },
    conditions: conditionsOf(ready, time),
  }
}

const conditionsOf = (ready: boolean, time: string) =>
  ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(type => ({
    ...{ type, status: ready || !/Ready/.test(type) ? 'True' : 'False', lastTransitionTime: time },
  }))

/** Its containers have ended, each with this code. */
export function finishPod(side: Side, pod: Json, exitCode: number): Promise<Json> {
  const time = now()
  const reason = exitCode ? 'Error' : 'Completed'
  const containerStatuses = pod.status.containerStatuses.map((status: Json) => ({
    ...{ ...status, ready: false, started: false },
    state: { terminated: { exitCode, reason, startedAt: time, finishedAt: time, containerID: status.containerID } },
  }))
  return setPod(side, pod, {
    phase: exitCode ? 'Failed' : 'Succeeded',
    containerStatuses,
    conditions: conditionsOf(false, time),
  })
}

/** A strategic merge, as kubelets do: conditions of others stay. */
export function setPod(side: Side, pod: Json, status: Json): Promise<Json> {
  return side.json('PATCH', `${pathOf(pod)}/status`, { status }, 'application/strategic-merge-patch+json')
}

async function beatAll(side: Side): Promise<void> {
  const { items } = await side.json('GET', '/api/v1/nodes?resourceVersion=0')
  const root = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
  for (const { metadata } of items) {
    if (metadata.labels?.silent !== undefined) continue
    const spec = {
      holderIdentity: metadata.name,
      leaseDurationSeconds: 40,
      renewTime: `${new Date().toISOString().slice(0, -1)}000Z`,
    }
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: metadata.name }, spec }
    await side
      .json('PATCH', `${root}/${metadata.name}`, { spec }, 'application/merge-patch+json')
      .catch(() => side.json('POST', root, lease))
  }
}

/** A node that reports that it is well. */
export async function addNode(
  side: Side,
  name: string,
  labels: Record<string, string> = {},
  spec: Json = {},
): Promise<void> {
  const metadata = { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...labels } }
  await side.json('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata, spec })
  await setNode(side, name, 'True')
}

export async function setNode(side: Side, name: string, ready: string): Promise<void> {
  const time = now()
  const condition = (type: string, status: string) => ({
    ...{ type, status, reason: 'Told', message: 'told', lastHeartbeatTime: time, lastTransitionTime: time },
  })
  const resources = { cpu: '8', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi' }
  const status = {
    ...{ capacity: resources, allocatable: resources, addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] },
    conditions: [
      condition('Ready', ready),
      ...['MemoryPressure', 'DiskPressure', 'PIDPressure'].map(type => condition(type, 'False')),
    ],
  }
  await side.json('PATCH', `/api/v1/nodes/${name}/status`, { status }, 'application/strategic-merge-patch+json')
}
