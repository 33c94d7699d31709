import { type Clock, timestamp } from '../../base/clock.ts'
import type { Client, InformerSet } from '../../client/index.ts'
import { isConflict, isNotFound } from '../../models/api-error.ts'
import { Pod } from '../../models/kinds/index.ts'
import { keyOf } from '../../models/object.ts'
import { targetNode } from '../daemon-set-pods.ts'

export type PodFate = 'ready' | 'pending' | 'running' | 'succeeded' | 'failed'

export interface AgentOptions {
  client: Client
  informers: InformerSet
  clock: Clock
  /** What becomes of a pod; `ready` unless given. */
  fate?(pod: Pod): PodFate
  /** How many nodes pods without one are spread over; 2 unless given. */
  nodes?: number
  /** What a pod cannot be given; thrown unless there is somebody to hear it. */
  onError?(error: unknown): void
}

/** Scheduler and agent in one: pods are bound, run and end as they are told, at once. */
export function simulateAgent(options: AgentOptions): void {
  let ip = 0
  const nextIp = () => `10.1.${(++ip >> 8) & 255}.${ip & 255}`
  const look = async (pod: Pod) => {
    try {
      await act(options, pod, nextIp)
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return
      if (!options.onError) throw error
      options.onError(error)
    }
  }
  options.informers.for(Pod).subscribe({ added: pod => void look(pod), updated: pod => void look(pod) })
}

async function act({ client, clock, fate, nodes = 2 }: AgentOptions, pod: Pod, nextIp: () => string): Promise<void> {
  const key = keyOf(pod)
  if (pod.metadata.deletionTimestamp) {
    if (pod.spec?.nodeName) await client.delete(Pod, key, { gracePeriodSeconds: 0, uid: pod.metadata.uid })
    return
  }
  const wanted = fate?.(pod) ?? 'ready'
  if (wanted === 'pending') return
  if (!pod.spec?.nodeName) {
    const name = targetNode(pod) || `node-${1 + (Number.parseInt(pod.metadata.uid.slice(0, 4), 16) % nodes)}`
    const target = { apiVersion: 'v1', kind: 'Node', name }
    try {
      await client.post(Pod, key, 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: key, target })
      return
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
  const phase = wanted === 'succeeded' ? 'Succeeded' : wanted === 'failed' ? 'Failed' : 'Running'
  const ready = wanted === 'ready' ? 'True' : 'False'
  const known = pod.status?.conditions?.find(c => c.type === 'Ready')?.status
  if (pod.status?.phase === phase && known === ready) return
  const now = timestamp(clock)
  const podIP = pod.status?.podIP ?? nextIp()
  await client.patch(
    Pod,
    key,
    {
      type: 'strategic',
      body: {
        status: {
          phase,
          podIP,
          podIPs: [{ $patch: 'replace' }, { ip: podIP }],
          conditions: [{ type: 'Ready', status: ready, lastTransitionTime: now }],
        },
      },
    },
    { subresource: 'status' },
  )
}
