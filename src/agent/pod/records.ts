import type { Container, EphemeralContainer, Pod, ResourceRequirements } from '../../models/types/core-v1.ts'
import type { ContainerId, ImageRef, ObservedContainer, ObservedPod, ObservedSandbox } from '../../runtime/runtime.ts'
import type { Rejection, ResizeVerdict } from './rejection.ts'

/** What went wrong with one step, so that it is tried again later and people can read why. */
export interface Failure {
  /** In a row, at least 1. */
  count: number
  atMonoMs: number
  /** The waiting reason that users see: `ErrImagePull`, `CreateContainerConfigError`, … */
  reason: string
  message: string
  /** The volume whose image is not there: containers that mount it wait for the reason. */
  volume?: string
  /** Nothing was wrong with the step: the runtime was away. */
  runtimeAway?: boolean
}

/** Why and since when a pod is being ended by the agent. */
export interface Ending {
  sinceMonoMs: number
  graceMs: number
  /** Set when the node ends it, not its deletion: `DeadlineExceeded`, `Evicted`. */
  reason?: string
  message?: string
  /** Wall time since when it is a target of disruption, if it is told as one. */
  disruptedAtMs?: number
  /** What is told of that; `message` unless said otherwise. */
  disruption?: string
}

/** A container that must be ended although the pod goes on. */
export interface KillRequest {
  /** What the Killing event says. */
  message: string
  graceMs: number
}

export interface Operation {
  sinceMonoMs: number
  /** Of a kill: when its grace period ends. */
  dueMonoMs?: number
}

/** What a container left behind when it ended. */
export interface Ended {
  atMonoMs: number
  /** Its termination message. */
  message: string
}

/**
 * What the agent remembers of one pod besides what the API and the runtime say. Nothing here is needed to go on after a
 * restart: at worst a back-off starts shorter.
 */
export interface Records {
  rejection: Rejection | undefined
  /** Wall time at which the agent first saw the pod, and the same moment in monotonic time: that of an agent before this one may be below 0. */
  startedAtMs: number
  startedAtMonoMs: number
  /** No wait between a crash and the restart is longer; 300 000 unless the node says otherwise. */
  mostCrashDelayMs: number | undefined
  ending: Ending | undefined
  volumesReady: boolean
  /** Those whose image is not there: who mounts them waits, all others start. */
  volumesMissing: ReadonlySet<string>
  /** By container name: the image it will be started from, as it was named. Taken away once it started. */
  images: Map<string, { name: string; ref: ImageRef }>
  /** By operation key. */
  failures: Map<string, Failure>
  /** Operations under way, by key. */
  operations: Map<string, Operation>
  /** Consecutive crashes by container name, under which definition they were, and the last container that was counted. */
  crashes: Map<string, { count: number; hash: string | undefined; lastId: ContainerId }>
  /** By container name: which attempt this agent began last, and when. */
  begun: Map<string, { attempt: number; atMonoMs: number }>
  ended: Map<ContainerId, Ended>
  kills: Map<ContainerId, KillRequest>
  /** Sidecars whose preStop hook has ended while they waited for their turn. */
  hooked: Set<ContainerId>
  /** Ended by the agent in order to be started anew: whatever they exit with, they are. */
  replaced: Set<ContainerId>
  /** Those of them that are started anew for other resources: at once, and that is no crash. */
  resized: Set<ContainerId>
  /** By container name: resources that the node has agreed to. */
  allocated: Map<string, ResourceRequirements>
  /** What running containers were given since they started. */
  applied: Map<ContainerId, ResourceRequirements>
  /** Why what the pod now asks for is not given. */
  resize: ResizeVerdict | undefined
  /** Probe results; a container without a probe of the kind is not in here. */
  probes: Map<ContainerId, { started: boolean; ready: boolean }>
  /** Everything of the pod is gone from the node. */
  cleaned: boolean
}

export function newRecords(startedAtMs: number, startedAtMonoMs: number, mostCrashDelayMs?: number): Records {
  return {
    rejection: undefined,
    startedAtMs,
    startedAtMonoMs,
    mostCrashDelayMs,
    ending: undefined,
    volumesReady: false,
    volumesMissing: new Set(),
    images: new Map(),
    failures: new Map(),
    operations: new Map(),
    crashes: new Map(),
    begun: new Map(),
    ended: new Map(),
    kills: new Map(),
    hooked: new Set(),
    replaced: new Set(),
    resized: new Set(),
    allocated: new Map(),
    applied: new Map(),
    resize: undefined,
    probes: new Map(),
    cleaned: false,
  }
}

/** Everything a decision about one pod rests on. */
export interface Situation {
  pod: Pod
  /** The pod is no longer in the API. */
  gone: boolean
  observed: ObservedPod | undefined
  records: Records
  /** Wall time, for what people read. */
  nowMs: number
  monoMs: number
}

export type PodContainer = Container | EphemeralContainer

export const isSidecar = (container: Container) => container.restartPolicy === 'Always'

/** The newest container of that name, in one sandbox or in any. */
export function newest(
  observed: ObservedPod | undefined,
  name: string,
  sandbox?: string,
): ObservedContainer | undefined {
  let found: ObservedContainer | undefined
  for (const container of observed?.containers ?? [])
    if (
      container.name === name &&
      (sandbox === undefined || container.sandbox === sandbox) &&
      (!found || container.attempt > found.attempt)
    )
      found = container
  return found
}

/** The newest sandbox, if it is ready. */
export function readySandbox(observed: ObservedPod | undefined): ObservedSandbox | undefined {
  const sandbox = newestSandbox(observed)
  return sandbox?.state === 'ready' ? sandbox : undefined
}

export function newestSandbox(observed: ObservedPod | undefined): ObservedSandbox | undefined {
  let found: ObservedSandbox | undefined
  for (const sandbox of observed?.sandboxes ?? []) if (!found || sandbox.attempt > found.attempt) found = sandbox
  return found
}

export const isRunning = (
  container: ObservedContainer | undefined,
): container is ObservedContainer & { state: 'running' } => container?.state === 'running'

/** It ran, or failed to, and is over. One that was created but not started is neither running nor ended. */
export const hasEnded = (
  container: ObservedContainer | undefined,
): container is ObservedContainer & { state: 'exited' | 'unknown' } =>
  container?.state === 'exited' || container?.state === 'unknown'

/** Running, and its postStart hook has ended. */
export const hasStarted = (records: Records, container: ObservedContainer | undefined) =>
  isRunning(container) && !records.operations.has(`start:${container.name}`)

export const exitCodeOf = (container: ObservedContainer): number => container.exitCode ?? 137

/** The container of this name, of whatever sort. */
export function findContainer({ spec }: Pod, name: string): PodContainer | undefined {
  const { containers, initContainers = [], ephemeralContainers = [] } = spec
  return [...containers, ...initContainers, ...ephemeralContainers].find(c => c.name === name)
}
