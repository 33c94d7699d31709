import type { Column } from '../../kind.ts'
import type { ContainerStatus, Pod, PodCondition } from '../../types/core-v1.ts'
import type { TableRowCondition } from '../../types/meta-v1.ts'
import { age, sinceText, text } from '../columns.ts'

/** What a pod's row says. */
export interface PodSummary {
  readyContainers: number
  totalContainers: number
  /** The word people look for first: Running, Init:0/1, CrashLoopBackOff, Terminating, … */
  status: string
  restarts: number
  /** When a container last died, if one did. */
  lastRestart: string | undefined
}

/** What `kubectl get pods` says of a pod, as data. */
export function summarisePod(pod: Pod): PodSummary {
  const status = pod.status ?? {}
  const sidecars = new Set(pod.spec.initContainers?.filter(c => c.restartPolicy === 'Always').map(c => c.name))
  const init = initialising(pod, sidecars)
  let { restarts, lastRestart, readyContainers } = init
  let word = status.reason || status.phase || ''
  if (status.conditions?.some(c => c.type === 'PodScheduled' && c.reason === 'SchedulingGated'))
    word = 'SchedulingGated'
  if (init.status) word = init.status

  if (!init.status || isTrue(status.conditions, 'Initialized')) {
    restarts = init.sidecarRestarts
    lastRestart = init.lastSidecarRestart
    let running = false
    // Backwards: the first container's reason is the one that stays.
    for (const container of [...(status.containerStatuses ?? [])].reverse()) {
      restarts += container.restartCount
      lastRestart = later(lastRestart, container)
      const { waiting, terminated, running: isRunning } = container.state ?? {}
      if (waiting?.reason) word = waiting.reason
      else if (terminated) word = terminationText(terminated)
      else if (container.ready && isRunning) {
        running = true
        readyContainers++
      }
    }
    if (word === 'Completed' && running) word = isTrue(status.conditions, 'Ready') ? 'Running' : 'NotReady'
  }

  if (pod.metadata.deletionTimestamp) {
    if (status.reason === 'NodeLost') word = 'Unknown'
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') word = 'Terminating'
  }
  const totalContainers = pod.spec.containers.length + sidecars.size
  return { readyContainers, totalContainers, status: word, restarts, lastRestart }
}

/** How far the init containers are; `status` is set while one of them holds the pod up. */
function initialising(pod: Pod, sidecars: Set<string>) {
  const result = {
    status: undefined as string | undefined,
    restarts: 0,
    lastRestart: undefined as string | undefined,
    sidecarRestarts: 0,
    lastSidecarRestart: undefined as string | undefined,
    readyContainers: 0,
  }
  for (const [i, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const isSidecar = sidecars.has(container.name)
    const { waiting, terminated } = container.state ?? {}
    result.restarts += container.restartCount
    result.lastRestart = later(result.lastRestart, container)
    if (isSidecar) {
      result.sidecarRestarts += container.restartCount
      result.lastSidecarRestart = later(result.lastSidecarRestart, container)
    }
    if (terminated?.exitCode === 0) continue
    if (isSidecar && container.started) {
      if (container.ready) result.readyContainers++
      continue
    }
    if (terminated) result.status = `Init:${terminationText(terminated)}`
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') result.status = `Init:${waiting.reason}`
    else result.status = `Init:${i}/${pod.spec.initContainers?.length ?? 0}`
    break
  }
  return result
}

function terminationText(terminated: { reason?: string; signal?: number; exitCode: number }): string {
  if (terminated.reason) return terminated.reason
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`
}

function later(known: string | undefined, container: ContainerStatus): string | undefined {
  const finished = container.lastState?.terminated?.finishedAt
  return finished && (!known || Date.parse(finished) > Date.parse(known)) ? finished : known
}

function isTrue(conditions: PodCondition[] | undefined, type: string): boolean {
  return conditions?.find(c => c.type === type)?.status === 'True'
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? []
  if (!gates.length) return '<none>'
  return `${gates.filter(g => isTrue(pod.status?.conditions, g.conditionType)).length}/${gates.length}`
}

function restartsText({ restarts, lastRestart }: PodSummary, nowMs: number): string {
  return restarts && lastRestart ? `${restarts} (${sinceText(lastRestart, nowMs)} ago)` : String(restarts)
}

export const podColumns: Column<Pod>[] = [
  text('Ready', pod => {
    const { readyContainers, totalContainers } = summarisePod(pod)
    return `${readyContainers}/${totalContainers}`
  }),
  text('Status', pod => summarisePod(pod).status),
  text('Restarts', (pod, nowMs) => restartsText(summarisePod(pod), nowMs)),
  age,
  text('IP', pod => pod.status?.podIPs?.[0]?.ip || pod.status?.podIP || '<none>', 'wide'),
  text('Node', pod => pod.spec.nodeName || '<none>', 'wide'),
  text('Nominated Node', pod => pod.status?.nominatedNodeName || '<none>', 'wide'),
  text('Readiness Gates', readinessGates, 'wide'),
]

const ends: Record<string, string> = {
  Succeeded: 'The pod has completed successfully.',
  Failed: 'The pod failed.',
}

/** A pod that has run to its end says so beside its row. */
export function podRowConditions({ status }: Pod): TableRowCondition[] | undefined {
  const message = ends[status?.phase ?? '']
  return message === undefined ? undefined : [{ type: 'Completed', status: 'True', reason: status!.phase!, message }]
}
