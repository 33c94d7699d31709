import { type ApiConnection, Wire } from '../../support/api.ts'
import { plainPod } from '../../support/pod-text.ts'
import { pause } from '../../support/statistics.ts'
import { ok, podPath, spread } from '../api/load.ts'

const nodes = 500
const pods = 3_000
const width = 64
const patienceMs = 120_000
const namespace = 'placed'

/** Pods a second from the first create until the last one is bound; on nodes that only exist as objects. */
export async function placing(api: ApiConnection): Promise<number> {
  await api.json('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
  await api.request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
  for (let i = 0; i < nodes; i++) await addNode(api, `imagined-${i}`)
  const wires = await Promise.all(Array.from({ length: width }, () => Wire.open(api.keys)))
  const text = (i: number) => plainPod(`p${i}`).replace('"schedulerName":"nobody",', '')
  const began = performance.now()
  await spread(wires, pods, (wire, i) => ok(wire, 'POST', podPath(namespace), text(i)))
  for (const wire of wires) wire[Symbol.dispose]()
  // Asked, not watched: watches of kube-apiserver 1.32 over etcd 3.4 fell silent here while every pod was bound.
  const waiting = `${podPath(namespace)}?fieldSelector=spec.nodeName%3D&limit=1`
  while ((await api.json('GET', waiting)).items.length) {
    if (performance.now() - began > patienceMs) throw new Error(`pods are not bound after ${patienceMs / 1000} s`)
    await pause(50)
  }
  const ms = performance.now() - began
  return (pods * 1000) / ms
}

async function addNode(api: ApiConnection, name: string): Promise<void> {
  const now = new Date().toISOString()
  const capacity = { cpu: '16', memory: '64Gi', pods: '110' }
  const ready = { type: 'Ready', status: 'True', lastHeartbeatTime: now, lastTransitionTime: now, reason: 'Imagined' }
  const status = { capacity, allocatable: capacity, conditions: [ready] }
  await api.json('POST', '/api/v1/nodes', { metadata: { name }, status })
  // Admission taints what is new; a controller, where one runs, would take that away.
  await api.json('PATCH', `/api/v1/nodes/${name}`, { spec: { taints: null } })
}
