import { problemOf } from '../models/pod-problem.ts'
import { isPodReady } from '../models/pod-state.ts'
import type { Pod } from '../models/types/core-v1.ts'

const eventsShown = 3

/** Of several pods, the one that a question is most likely about: the worst off, else one that is not ready, else the first. */
export function troubledPod<P extends Pod>(pods: readonly P[]): P {
  const weight = (pod: Pod) => problemOf(pod)?.weight ?? (isPodReady(pod) || pod.status?.phase === 'Succeeded' ? 0 : 1)
  return pods.reduce((worst, pod) => (weight(pod) > weight(worst) ? pod : worst))
}

/**
 * Why a pod that has its node does not serve: what its containers say, and the last warnings about it.
 * @param events about this pod, newest last @returns nothing when it is ready or has ended well
 */
export function troubleText(pod: Pod, events: readonly PodEvent[]): string {
  if (!pod.spec.nodeName || isPodReady(pod) || pod.status?.phase === 'Succeeded') return ''
  const warnings = events.filter(e => e.type === 'Warning' && e.reason !== 'FailedScheduling').slice(-eventsShown)
  const what = problemOf(pod)?.message ?? unreadyOf(pod)
  return [
    `It is not ready: ${what}\n`,
    ...warnings.map(({ reason, message }) => `  ${reason}: ${(message ?? '').trim().replaceAll('\n', ' ')}\n`),
    ...[...remedies(pod), ...missingObject(pod, warnings)].slice(0, 1).map(text => `→ ${text}\n`),
  ].join('')
}

/** One thing to do about the first container that does badly; nothing where its message says it already. */
function remedies({ metadata, spec, status }: Pod): string[] {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const ill = all.find(c => c.state?.waiting?.reason === 'CrashLoopBackOff' || c.state?.terminated?.exitCode)
  const where = metadata.namespace === 'default' ? '' : ` -n ${metadata.namespace}`
  const logs = (container: string) => `optiflow logs pod/${metadata.name} -c ${container}${where}`
  if (ill) {
    const last = ill.state?.terminated ?? ill.lastState?.terminated
    const field = [...(spec.initContainers ?? []), ...spec.containers].find(c => c.name === ill.name)
    if (last?.reason === 'OOMKilled') {
      const limit = field?.resources?.limits?.memory
      return limit ? [`It needs more than its limit of ${limit}: raise resources.limits.memory of "${ill.name}".`] : []
    }
    if (last?.reason === 'StartError')
      return [`Look at command and args of "${ill.name}", and at what is in its image.`]
    return [`What it said before it ended: ${logs(ill.name)}${ill.state?.terminated ? '' : ' --previous'}`]
  }
  const unready = status?.containerStatuses?.find(c => c.state?.running && !c.ready)
  return unready ? [`What it says meanwhile: ${logs(unready.name)}`] : []
}

/** It waits for a ConfigMap or a Secret, and goes on by itself once that is there. */
function missingObject({ metadata, status }: Pod, warnings: readonly PodEvent[]): string[] {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const waits = all.filter(c => c.state?.waiting).map(c => c.state?.waiting?.message ?? '')
  const mounts = warnings.filter(({ reason }) => reason === 'FailedMount').map(({ message = '' }) => message)
  for (const text of all.some(c => c.state?.waiting) ? [...waits, ...mounts] : []) {
    const [, kind, name] = /\b(configmap|secret) "([^"]+)" not found/.exec(text) ?? []
    if (kind)
      return [
        `Create ${kind} ${metadata.namespace}/${name}: the pod goes on by itself then. Or mark its reference optional: true.`,
      ]
  }
  return []
}

interface PodEvent {
  type?: string
  reason?: string
  message?: string
}

/** Neither well nor known to be ill: on its way, or ending. */
function unreadyOf({ metadata, status }: Pod): string {
  if (metadata.deletionTimestamp) return 'it is being deleted'
  const condition = status?.conditions?.find(c => c.type === 'Ready' && c.status !== 'True')
  const waiting = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].find(
    c => c.state?.waiting,
  )
  if (waiting) return `container "${waiting.name}" waits: ${waiting.state?.waiting?.reason ?? 'no reason given'}`
  return condition?.message || condition?.reason || 'its node has said nothing of it yet'
}
