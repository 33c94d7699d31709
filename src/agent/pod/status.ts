import { timeText } from '../../base/clock.ts'
import type { ContainerState, ContainerStatus, Pod, PodCondition, PodStatus } from '../../models/types/core-v1.ts'
import type { ObservedContainer } from '../../runtime/runtime.ts'
import { recursionOf } from '../volume/recursive-read-only.ts'
import { crashDelayMs, restartAt, retryAt } from './back-off.ts'
import { isBeingEnded, phaseOf, restarts } from './phase.ts'
import { qosClassOf } from './qos.ts'
import {
  exitCodeOf,
  hasEnded,
  hasStarted,
  isRunning,
  isSidecar,
  newest,
  newestSandbox,
  type PodContainer,
  readySandbox,
  type Situation,
} from './records.ts'
import { resizeStatus, resourceStatus } from './resize.ts'

export interface HostFacts {
  /** The node's own addresses, main one first. */
  hostIps: string[]
  /** `containerd`: the scheme of container ids. */
  runtimeName: string
  /** Mounts inside read-only mounts can be read-only too. */
  canRecurse?: boolean
}

/** Status of a pod as the API should have it. Conditions that are not the agent's stay as they are. Pure. */
export function podStatus(situation: Situation, host: HostFacts): PodStatus {
  const { pod, observed, records } = situation
  const old = pod.status ?? {}
  const phase = phaseOf(situation)
  const { message: oldMessage, reason: oldReason, resize: _, ...kept } = old
  const resize = resizeStatus(situation)
  const why = records.rejection ?? (records.ending?.reason ? records.ending : undefined)
  const status: PodStatus = {
    ...kept,
    phase,
    ...(why?.reason
      ? { reason: why.reason, ...(why.message ? { message: why.message } : {}) }
      : { ...(oldReason ? { reason: oldReason } : {}), ...(oldMessage ? { message: oldMessage } : {}) }),
    ...(resize ? { resize } : {}),
    qosClass: old.qosClass ?? qosClassOf(pod.spec),
    startTime: old.startTime ?? timeText(records.startedAtMs),
    ...addresses(situation, host),
  }
  if (records.rejection && !observed) {
    status.conditions = conditions(situation, status)
    return status
  }
  const one = (container: PodContainer, before: ContainerStatus[] | undefined, init: boolean) =>
    containerStatus(
      situation,
      container,
      before?.find(s => s.name === container.name),
      init,
      host,
    )
  const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec
  if (initContainers.length)
    status.initContainerStatuses = initContainers.map(c => one(c, old.initContainerStatuses, true))
  status.containerStatuses = containers.map(c => one(c, old.containerStatuses, false))
  if (ephemeralContainers.length)
    status.ephemeralContainerStatuses = ephemeralContainers.map(c => one(c, old.ephemeralContainerStatuses, false))
  if (isBeingEnded(situation) || records.ending) cutShort(pod, status)
  status.conditions = conditions(situation, status)
  return status
}

/** Of a pod that is over, main containers that never ran have failed, since nobody can say that they did not. */
function cutShort({ spec }: Pod, status: PodStatus): void {
  if (status.phase !== 'Failed' && status.phase !== 'Succeeded') return
  const initialised = (spec.initContainers ?? []).every(container => {
    const known = status.initContainerStatuses?.find(s => s.name === container.name)
    return isSidecar(container) ? known?.started : known?.state?.terminated?.exitCode === 0
  })
  if (!initialised) return
  status.containerStatuses = (status.containerStatuses ?? []).map(one =>
    one.state?.terminated ? one : { ...one, ready: false, started: false, state: { terminated: unknownEnd } },
  )
}

const unknownEnd = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
}

function addresses({ pod, observed }: Situation, { hostIps }: HostFacts): Partial<PodStatus> {
  const [hostIP] = hostIps
  const ips = pod.spec.hostNetwork && newestSandbox(observed) ? hostIps : (newestSandbox(observed)?.ips ?? [])
  const podIps = ips.length ? ips : (pod.status?.podIPs ?? []).map(p => p.ip!)
  return {
    ...(hostIP ? { hostIP, hostIPs: hostIps.map(ip => ({ ip })) } : {}),
    ...(podIps.length ? { podIP: podIps[0]!, podIPs: podIps.map(ip => ({ ip })) } : {}),
  }
}

/** What is shown of one container. */
function containerStatus(
  situation: Situation,
  container: PodContainer,
  old: ContainerStatus | undefined,
  init: boolean,
  host: HostFacts,
): ContainerStatus {
  const { pod, observed, records } = situation
  const last = newest(observed, container.name)
  const status: ContainerStatus = {
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    ready: false,
    restartCount: last?.attempt ?? old?.restartCount ?? 0,
    started: false,
    state: {},
    lastState: (!last && old?.lastState) || {},
    ...mountsOf(container, host.canRecurse ?? false),
    ...('resources' in container && !init ? resourceStatus(situation, container, last) : {}),
  }
  const id = (c: ObservedContainer) => `${host.runtimeName}://${c.id}`
  if (last && last.state !== 'created') {
    status.containerID = id(last)
    status.image = last.image || status.image
    status.imageID = last.imageRef
  }
  const previous = observed?.containers
    .filter(c => c.name === container.name && c !== last && hasEnded(c))
    .sort((a, b) => b.attempt - a.attempt)[0]
  if (previous) status.lastState = { terminated: terminated(situation, previous, host) }
  else if (last && old?.lastState?.terminated && old.restartCount === last.attempt) status.lastState = old.lastState

  if (last && hasStarted(records, last)) {
    const probes = records.probes.get(last.id)
    status.state = { running: { ...(last.startedAtMs ? { startedAt: timeText(last.startedAtMs) } : {}) } }
    status.started = probes?.started ?? true
    status.ready = status.started && (probes?.ready ?? true)
    if (init && !isSidecar(container)) status.ready = false
  } else if (hasEnded(last)) {
    const end = terminated(situation, last, host)
    const waiting = willRestart(situation, container, last, init)
      ? (waitingState(situation, container, init) ?? replacedState(situation, last, init))
      : undefined
    if (waiting) {
      status.state = { waiting }
      status.lastState = { terminated: end }
    } else status.state = { terminated: end }
    if (init && !isSidecar(container)) status.ready = end.exitCode === 0
  } else if (!last && old && isKnown(old)) return lost(situation, container, old, init)
  else {
    status.state = { waiting: waitingState(situation, container, init) ?? creating(pod, init) }
  }
  return status
}

/** As they are in the container: all of them are asked for as they are carried out. */
function mountsOf({ volumeMounts }: PodContainer, canRecurse: boolean): Pick<ContainerStatus, 'volumeMounts'> {
  if (!volumeMounts?.length) return {}
  return {
    volumeMounts: volumeMounts.map(mount => ({
      name: mount.name,
      mountPath: mount.mountPath,
      ...(mount.readOnly ? { readOnly: true, recursiveReadOnly: recursionOf(mount, canRecurse) } : {}),
    })),
  }
}

const isKnown = (old: ContainerStatus) => old.containerID !== undefined || old.state?.terminated !== undefined

/** The API knows the container, the runtime does not any more. */
function lost(situation: Situation, container: PodContainer, old: ContainerStatus, init: boolean): ContainerStatus {
  if (old.state?.terminated) return { ...old, ready: old.ready && init }
  if (!old.state?.running) {
    const waiting = waitingState(situation, container, init) ?? old.state?.waiting ?? creating(situation.pod, init)
    return { ...old, ready: false, started: false, state: { waiting } }
  }
  const over = situation.gone || situation.pod.metadata.deletionTimestamp || situation.records.ending
  const end = {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: over
      ? 'The container could not be located when the pod was terminated'
      : 'The container could not be located when the pod was deleted.  The container used to be Running',
  }
  const { containerID, ...rest } = old
  return over
    ? { ...old, ready: false, started: false, state: { terminated: end } }
    : {
        ...rest,
        ready: false,
        started: false,
        restartCount: old.restartCount + 1,
        state: { waiting: waitingState(situation, container, init) ?? creating(situation.pod, init) },
        lastState: { terminated: end },
      }
}

function creating(pod: Pod, _init: boolean) {
  return { reason: pod.spec.initContainers?.length ? 'PodInitializing' : 'ContainerCreating' }
}

function willRestart(situation: Situation, container: PodContainer, last: ObservedContainer, init: boolean): boolean {
  const { pod, gone, records, observed } = situation
  if (gone || pod.metadata.deletionTimestamp || records.ending || records.rejection) return false
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return false
  if ('targetContainerName' in container || pod.spec.ephemeralContainers?.includes(container as never)) return false
  if (init && !isSidecar(container)) {
    if (exitCodeOf(last) !== 0) return (pod.spec.restartPolicy ?? 'Always') !== 'Never'
    // Done in an older sandbox: it runs again in the new one, but until then what it said stands.
    return false
  }
  if (isSidecar(container)) return !pod.spec.containers.every(c => isOver(situation, c, newest(observed, c.name)))
  return restarts(situation, container, last)
}

function isOver(situation: Situation, container: PodContainer, last: ObservedContainer | undefined): boolean {
  return hasEnded(last) && !restarts(situation, container, last)
}

/** Told to have ended, it could not be told to run again, where its policy does not ask for that: the API would refuse it. */
function replacedState({ pod, records }: Situation, last: ObservedContainer, init: boolean) {
  return records.replaced.has(last.id) && pod.spec.restartPolicy !== 'Always' ? creating(pod, init) : undefined
}

/** Why a container does not run although it should, if there is more to say than that it is being made. */
function waitingState(situation: Situation, container: PodContainer, init: boolean) {
  const { pod, observed, records, monoMs } = situation
  const { name } = container
  const image = imageFailure(situation, container)
  if (image) {
    // Right after the failure people read what the registry said; later that the agent waits.
    const justFailed = monoMs - image.atMonoMs < 2_000 || image.reason !== 'ErrImagePull'
    return justFailed
      ? { reason: image.reason, message: image.message }
      : { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image.name}": ${image.message}` }
  }
  const last = newest(observed, name)
  if (hasEnded(last)) {
    const crashes = records.crashes.get(name)?.count ?? 0
    if (restartAt(records, container, last) > monoMs)
      return {
        reason: 'CrashLoopBackOff',
        message: `back-off ${durationText(crashDelayMs(crashes, records.mostCrashDelayMs))} restarting failed container=${name} pod=${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`,
      }
  }
  const start = records.failures.get(`start:${name}`)
  if (start && (start.reason !== 'PostStartHookError' || !isRunning(last)))
    return { reason: start.reason, message: start.message }
  // Between its end and its restart a container shows how it ended; that takes milliseconds.
  if (hasEnded(last) && !records.operations.has(`start:${name}`) && retryAt(records, `start:${name}`) <= monoMs)
    return undefined
  return hasEnded(last) ? creating(pod, init) : undefined
}

/** Why the container's image, or that of a volume that it mounts, is not there. */
function imageFailure({ pod, records }: Situation, container: PodContainer) {
  const own = records.failures.get(`image:${container.name}`)
  if (own) return { ...own, name: container.image }
  const failed = records.failures.get('volumes')
  if (!failed?.volume || !container.volumeMounts?.some(({ name }) => name === failed.volume)) return undefined
  return { ...failed, name: pod.spec.volumes?.find(({ name }) => name === failed.volume)?.image?.reference }
}

/** `10s`, `1m20s`, `5m0s`: as Go prints durations. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}

function terminated(
  { records }: Situation,
  c: ObservedContainer,
  host: HostFacts,
): NonNullable<ContainerState['terminated']> {
  const message = records.ended.get(c.id)?.message || c.message
  const exitCode = exitCodeOf(c)
  return {
    exitCode,
    ...(c.signal ? { signal: c.signal } : {}),
    reason: c.reason || (exitCode === 0 ? 'Completed' : 'Error'),
    ...(message ? { message } : {}),
    ...(c.startedAtMs ? { startedAt: timeText(c.startedAtMs) } : {}),
    ...(c.finishedAtMs ? { finishedAt: timeText(c.finishedAtMs) } : {}),
    containerID: `${host.runtimeName}://${c.id}`,
  }
}

/** The agent's own conditions in upstream's order, then everybody else's. */
function conditions(situation: Situation, status: PodStatus): PodCondition[] {
  const { pod } = situation
  const own = [
    readyToStart(situation),
    initialized(situation, status),
    ready(pod, status),
    containersReady(pod, status),
  ]
  own.push({ type: 'PodScheduled', status: 'True' })
  const before = pod.status?.conditions ?? []
  const now = timeText(situation.nowMs)
  const merged = own.map(condition => {
    const old = before.find(c => c.type === condition.type)
    const same = old?.status === condition.status && old.lastTransitionTime
    return { ...condition, lastTransitionTime: same ? old.lastTransitionTime! : now }
  })
  return [...merged, ...disruption(situation), ...before.filter(c => !own.some(o => o.type === c.type))]
}

/** The node ended it, which is not the pod's own failure. */
function disruption({ records, pod }: Situation): PodCondition[] {
  const { disruptedAtMs, message, disruption: told = message } = records.ending ?? {}
  const known = pod.status?.conditions?.some(c => c.type === 'DisruptionTarget')
  if (disruptedAtMs === undefined || known) return []
  return [
    {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'TerminationByKubelet',
      ...(told ? { message: told } : {}),
      lastTransitionTime: timeText(disruptedAtMs),
    },
  ]
}

function readyToStart({ observed, pod }: Situation): PodCondition {
  const sandbox = readySandbox(observed)
  const ready = sandbox !== undefined && (pod.spec.hostNetwork || sandbox.ips.length > 0)
  return { type: 'PodReadyToStartContainers', status: ready ? 'True' : 'False' }
}

function initialized(situation: Situation, status: PodStatus): PodCondition {
  const { pod } = situation
  const type = 'Initialized'
  if (status.phase === 'Succeeded') return { type, status: 'True', reason: 'PodCompleted' }
  const specs = pod.spec.initContainers ?? []
  // Once a main container was started, the initialisation is over for good.
  const begun = status.containerStatuses?.some(s => s.state?.running || s.state?.terminated || s.lastState?.terminated)
  const incomplete = specs.filter(spec => {
    const s = status.initContainerStatuses?.find(c => c.name === spec.name)
    if (isSidecar(spec)) return !begun && !s?.started
    return s?.state?.terminated?.exitCode !== 0 && !begun
  })
  if (situation.records.rejection) return { type, status: 'False', reason: 'PodFailed' }
  if (!incomplete.length) return { type, status: 'True' }
  return {
    type,
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${incomplete.map(c => c.name).join(' ')}]`,
  }
}

function containersReady(pod: Pod, status: PodStatus): PodCondition {
  const type = 'ContainersReady'
  if (status.phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' }
  if (status.phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' }
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar)
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  const unready = [...sidecars, ...pod.spec.containers].filter(c => !statuses.find(s => s.name === c.name)?.ready)
  if (!unready.length) return { type, status: 'True' }
  return {
    type,
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.map(c => c.name).join(' ')}]`,
  }
}

function ready(pod: Pod, status: PodStatus): PodCondition {
  const containers = containersReady(pod, status)
  if (containers.status !== 'True') return { ...containers, type: 'Ready' }
  const missing: string[] = []
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const gate = pod.status?.conditions?.find(c => c.type === conditionType)
    if (!gate) missing.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`)
    else if (gate.status !== 'True')
      missing.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`)
  }
  if (!missing.length) return { type: 'Ready', status: 'True' }
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: missing.join(', ') }
}
