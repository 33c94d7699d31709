import type { Container } from '../../models/types/core-v1.ts'
import type { ContainerId, ObservedContainer, ObservedSandbox, SandboxId } from '../../runtime/runtime.ts'
import { restartAt, retryAt } from './back-off.ts'
import { isOutdated } from './container-hash.ts'
import { deadlineAt, isFinished } from './phase.ts'
import {
  isRunning,
  isSidecar,
  newest,
  newestSandbox,
  type PodContainer,
  readySandbox,
  type Situation,
} from './records.ts'
import { resizeSteps } from './resize.ts'
import { lostRestarts, wantedContainers, withoutHeldUp } from './start-order.ts'

/** One step towards what the pod should be. Steps of different keys run side by side; of one key, one at a time. */
export type Action =
  | { type: 'setUpVolumes' }
  | { type: 'runSandbox'; attempt: number }
  | { type: 'stopSandbox'; id: SandboxId; because?: string }
  | { type: 'getImage'; container: string }
  | { type: 'start'; container: string; attempt: number; sandbox: SandboxId }
  | { type: 'readEnd'; id: ContainerId }
  /** @property replaced it is started anew, whatever it exits with */
  | { type: 'kill'; id: ContainerId; container: string; graceMs: number; message: string; replaced?: Replaced }
  /** The hook of a sidecar whose turn to end has not come yet. */
  | { type: 'preStop'; id: ContainerId; container: string; graceMs: number }
  /** A kill under way must end sooner than it was told. */
  | { type: 'hasten'; id: ContainerId; graceMs: number }
  /** Other resources for a running container. */
  | { type: 'resize'; id: ContainerId; container: string }
  | { type: 'removeContainer'; id: ContainerId }
  | { type: 'removeSandbox'; id: SandboxId }
  /** The pod ends: what is under way for it is no longer wanted. */
  | { type: 'cancel'; key: string }
  /** The pod has used up its time. */
  | { type: 'end'; reason: string; message: string; graceMs: number }
  /** Volumes and folders of the pod. */
  | { type: 'tearDownVolumes' }
  /** Nothing is left on the node: tell the API. */
  | { type: 'finish' }

export interface Decision {
  actions: Action[]
  /** Monotonic time at which to decide again even if nothing happens. */
  wakeAtMonoMs: number
}

/** The key under which an action runs, fails and is tried again. */
export function operationKey(action: Action): string {
  switch (action.type) {
    case 'setUpVolumes':
    case 'tearDownVolumes':
      return 'volumes'
    case 'runSandbox':
      return 'sandbox'
    case 'getImage':
      return `image:${action.container}`
    case 'start':
      return `start:${action.container}`
    case 'cancel':
      return `cancel:${action.key}`
    case 'end':
    case 'finish':
      return action.type
    default:
      return `${action.type}:${action.id}`
  }
}

/** A container that is ended is started anew: whatever it exits with, or at once since only its resources changed. */
type Replaced = boolean | 'resized'

/** What to do next about one pod. Pure: the same situation gives the same steps. */
export function decide(situation: Situation): Decision {
  const plan = new Plan(situation)
  plan.readEnds()
  if (situation.records.rejection) plan.tearDown()
  else if (situation.gone || situation.pod.metadata.deletionTimestamp || situation.records.ending) plan.end()
  else plan.run()
  return { actions: plan.actions, wakeAtMonoMs: plan.wakeAtMonoMs }
}

class Plan {
  readonly actions: Action[] = []
  wakeAtMonoMs = Number.POSITIVE_INFINITY
  readonly #s: Situation

  constructor(situation: Situation) {
    this.#s = situation
  }

  /** What a container said when it ended is read once, before anything is reported about its end. */
  readEnds() {
    for (const container of this.#s.observed?.containers ?? [])
      if (container.state === 'exited' && !this.#s.records.ended.has(container.id))
        this.#try({ type: 'readEnd', id: container.id })
  }

  run() {
    const { pod, records, monoMs } = this.#s
    const deadline = deadlineAt(pod, records)
    if (deadline !== undefined) {
      if (monoMs >= deadline) {
        this.#try({
          type: 'end',
          reason: 'DeadlineExceeded',
          message: 'Pod was active on the node longer than the specified deadline',
          graceMs: graceOf(pod),
        })
        return
      }
      this.#wake(deadline)
    }
    if (isFinished(this.#s)) {
      this.#endContainers(graceOf(pod), records.ending?.sinceMonoMs ?? monoMs, 'Stopping container')
      this.tearDown()
      return
    }
    this.#killRequested()
    this.#resize()
    // After a restart of the agent the volumes of what runs are taken up again, for their updates.
    if (readySandbox(this.#s.observed) && this.#volumesLack()) this.#try({ type: 'setUpVolumes' })
    this.#startAll(wantedContainers(this.#s))
    this.#ephemeral()
    this.#forgetOld()
  }

  /** The pod is to go: containers first, then its sandbox, its volumes, and last its record in the API. */
  end() {
    const { pod, gone, records } = this.#s
    const graceMs = records.ending?.graceMs ?? graceOf(pod)
    const since = records.ending?.sinceMonoMs ?? this.#s.monoMs
    for (const key of records.operations.keys())
      if (/^(image|start):/.test(key) || (key === 'volumes' && this.#volumesLack())) this.#try({ type: 'cancel', key })
    this.#endContainers(graceMs, since, 'Stopping container')
    this.tearDown()
    if (this.actions.length || records.operations.size) return
    const deleted = gone || pod.metadata.deletionTimestamp !== undefined
    if (deleted) this.#removeAll()
  }

  /** Once nothing runs: the sandbox and its address, then the volumes. Ended containers stay for their logs. */
  tearDown() {
    const { observed, records } = this.#s
    if (observed?.containers.some(c => isRunning(c) || !this.#endRead(c))) return
    if (this.#startsUnderWay()) return
    for (const { id } of this.#standing()) this.#try({ type: 'stopSandbox', id })
    if (this.#standing().length || this.actions.length || records.operations.size) return
    if (records.volumesReady) this.#try({ type: 'tearDownVolumes' })
    const { pod, gone } = this.#s
    if (records.rejection && (gone || pod.metadata.deletionTimestamp)) this.#removeAll()
  }

  #removeAll() {
    const { observed, records } = this.#s
    // One that could not be ended yet has the pod's address: the pod is not over.
    if (this.#standing().length || this.actions.length || records.operations.size) return
    for (const sandbox of observed?.sandboxes ?? []) this.#try({ type: 'removeSandbox', id: sandbox.id })
    if (!this.actions.length && !records.cleaned) this.#try({ type: 'finish' })
  }

  /** Main containers at once, then sidecars from the last to the first, all within one grace period. */
  #endContainers(graceMs: number, sinceMonoMs: number, why: string) {
    const { pod, observed, monoMs } = this.#s
    const remaining = Math.max(graceMs - (monoMs - sinceMonoMs), 0)
    const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map(c => c.name)
    const running = (observed?.containers ?? []).filter(isRunning)
    const mains = running.filter(c => !sidecars.includes(c.name))
    for (const container of mains) this.#kill(container, remaining, `${why} ${container.name}`)
    const waiting = sidecars.reverse().flatMap(name => running.find(c => c.name === name) ?? [])
    for (const container of waiting) this.#hookOf(container, remaining)
    if (mains.length && remaining > 0) return
    for (const container of waiting) {
      if (!this.#s.records.operations.has(`preStop:${container.id}`))
        this.#kill(container, remaining, `${why} ${container.name}`)
      if (remaining > 0) return
    }
  }

  /** Hooks of sidecars run at once with the main containers' end; only the signal waits for its turn. */
  #hookOf({ id, name }: ObservedContainer, remainingMs: number) {
    const { pod, records, monoMs } = this.#s
    const hook = pod.spec.initContainers?.find(c => c.name === name)?.lifecycle?.preStop
    if (!hook || records.hooked.has(id) || records.operations.has(`kill:${id}`)) return
    const key = `preStop:${id}`
    if (remainingMs > 0) {
      this.#try({ type: 'preStop', id, container: name, graceMs: remainingMs })
      this.#wake(monoMs + remainingMs)
    } else if (records.operations.has(key)) this.#try({ type: 'cancel', key })
  }

  #kill(container: ObservedContainer, graceMs: number, why: string, replaced: Replaced = false) {
    const { id, name } = container
    const under = this.#s.records.operations.get(`kill:${id}`)
    const due = this.#s.monoMs + graceMs
    if (under?.dueMonoMs !== undefined && under.dueMonoMs > due + 500) this.#try({ type: 'hasten', id, graceMs })
    this.#try({ type: 'kill', id, container: name, graceMs, message: why, ...(replaced ? { replaced } : {}) })
  }

  /** Containers that failed a probe or a hook, or whose definition changed, are ended here and started anew later. */
  #killRequested() {
    const { pod, observed, records } = this.#s
    for (const container of observed?.containers ?? []) {
      if (!isRunning(container)) continue
      const request = records.kills.get(container.id)
      const again = pod.spec.restartPolicy !== 'Never'
      if (request) this.#kill(container, request.graceMs, request.message, again)
    }
    const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar)
    for (const container of [...sidecars, ...pod.spec.containers]) {
      const running = newest(observed, container.name)
      if (isRunning(running) && isOutdated(running, container))
        this.#kill(running, graceOf(pod), `Container ${container.name} definition changed, will be restarted`, true)
    }
  }

  #resize() {
    for (const { container, running, restart } of resizeSteps(this.#s)) {
      const { id } = running
      if (restart)
        this.#kill(running, graceOf(this.#s.pod), `Container ${container.name} resize requires restart`, 'resized')
      else this.#try({ type: 'resize', id, container: container.name })
    }
  }

  #startAll(wanted: Container[]) {
    const { observed, records } = this.#s
    const ready = wanted.filter(container => this.#isDue(container))
    const due = withoutHeldUp(ready, this.#s)
    if (!due.length) return
    const sandbox = readySandbox(observed)
    if (!sandbox && !records.volumesReady) this.#try({ type: 'setUpVolumes' })
    if (!sandbox) this.#makeSandbox()
    for (const container of due) this.#start(container, sandbox?.id)
  }

  /** The wait of a crashed container is over. */
  #isDue(container: Container): boolean {
    const { observed, records, monoMs } = this.#s
    const last = newest(observed, container.name)
    if (!last) return true
    if (!this.#endRead(last)) return false
    const at = restartAt(records, container, last)
    if (at <= monoMs) return true
    this.#wake(at)
    return false
  }

  #start(container: PodContainer, sandbox: SandboxId | undefined) {
    const { pod, observed, records } = this.#s
    const { name } = container
    if (records.operations.has(`start:${name}`)) return
    const last = newest(observed, name)
    // Made by an agent that was ended before it could start it: not a run that counts, so its number is given again.
    if (last?.state === 'created') {
      this.#try({ type: 'removeContainer', id: last.id })
      return
    }
    if (records.images.get(name)?.name !== container.image) {
      // A start that failed waits before its image is asked for again.
      if (this.#ready(`start:${name}`)) this.#try({ type: 'getImage', container: name })
      return
    }
    if (!sandbox || !records.volumesReady) return
    if (container.volumeMounts?.some(mount => records.volumesMissing.has(mount.name))) return
    const attempt = Math.max((last?.attempt ?? -1) + 1, lostRestarts(pod.status, name, observed))
    this.#try({ type: 'start', container: name, attempt, sandbox })
  }

  #makeSandbox() {
    const { observed } = this.#s
    const old = newestSandbox(observed)
    const left = (observed?.containers ?? []).filter(c => isRunning(c))
    if (old && left.length) {
      this.#try({
        type: 'stopSandbox',
        id: old.id,
        because: 'Pod sandbox changed, it will be killed and re-created.',
      })
      return
    }
    this.#try({ type: 'runSandbox', attempt: old ? old.attempt + 1 : 0 })
  }

  /** Started once each, whenever there is a sandbox; never again. */
  #ephemeral() {
    const { pod, observed } = this.#s
    const sandbox = readySandbox(observed)
    if (!sandbox) return
    for (const container of pod.spec.ephemeralContainers ?? [])
      if (!newest(observed, container.name)) this.#start(container, sandbox.id)
  }

  /** Of each container the last two attempts stay: what runs, and what `logs --previous` shows. */
  #forgetOld() {
    const { observed } = this.#s
    for (const container of observed?.containers ?? []) {
      const last = newest(observed, container.name)!
      if (container.attempt < last.attempt - 1 && !isRunning(container))
        this.#try({ type: 'removeContainer', id: container.id })
    }
    const current = newestSandbox(observed)
    for (const sandbox of observed?.sandboxes ?? []) {
      if (sandbox === current || !current || current.state !== 'ready') continue
      const inUse = observed!.containers.some(
        c => c.sandbox === sandbox.id && (isRunning(c) || c.attempt >= newest(observed, c.name)!.attempt - 1),
      )
      if (sandbox.state === 'ready') this.#try({ type: 'stopSandbox', id: sandbox.id })
      else if (!inUse) this.#try({ type: 'removeSandbox', id: sandbox.id })
    }
  }

  #volumesLack(): boolean {
    const { volumesReady, volumesMissing } = this.#s.records
    return !volumesReady || volumesMissing.size > 0
  }

  #standing(): ObservedSandbox[] {
    return (this.#s.observed?.sandboxes ?? []).filter(({ state }) => state === 'ready')
  }

  #startsUnderWay(): boolean {
    for (const key of this.#s.records.operations.keys())
      if (key === 'sandbox' || /^(start|kill|preStop):/.test(key)) return true
    return false
  }

  #endRead(container: ObservedContainer): boolean {
    return container.state !== 'exited' || this.#s.records.ended.has(container.id)
  }

  /** True when nothing of this key runs or waits after a failure. */
  #ready(key: string): boolean {
    const { records, monoMs } = this.#s
    if (records.operations.has(key)) return false
    const at = retryAt(records, key)
    if (at > monoMs) {
      this.#wake(at)
      return false
    }
    return true
  }

  #try(action: Action) {
    if (this.#ready(operationKey(action))) this.actions.push(action)
  }

  #wake(atMonoMs: number) {
    this.wakeAtMonoMs = Math.min(this.wakeAtMonoMs, atMonoMs)
  }
}

/** Milliseconds a pod's containers get to end by themselves. */
export function graceOf(pod: Situation['pod']): number {
  const seconds = pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
  return Math.max(seconds, 0) * 1000
}
