import type { Readable, Writable } from 'node:stream'
import { OptiFlowError } from '../base/errors.ts'
import type { ImageContents } from './image-contents.ts'

export type SandboxId = string
export type ContainerId = string
/** Digest or id by which the runtime knows a pulled image. */
export type ImageRef = string

/**
 * What a node needs from its container runtime. Everything it started outlives us; `observe` tells the whole truth
 * at any time, so that a restarted agent needs no memory of its own. The conformance suite (runtime/conformance) says the rest.
 */
export interface Runtime extends AsyncDisposable {
  /** `containerd`, `simulated`: shown to people. */
  readonly name: string
  /** @throws RuntimeUnavailable */
  version(): Promise<{ name: string; version: string }>
  /** Ready to run pods, or the reason why not (network plugin missing, …). */
  status(): Promise<RuntimeStatus>

  imagePresent(image: string): Promise<ImageRef | undefined>
  /** @throws ImagePullFailed */
  pull(image: string, options: PullOptions, signal: AbortSignal): Promise<ImageRef>
  images(): Promise<ImageInfo[]>
  /** Bytes and files of the images. Absent: there are none (simulated). */
  readonly contents?: ImageContents
  removeImage(image: ImageRef): Promise<void>

  /** The pod's namespaces and network, no containers yet. @throws RuntimeFailed */
  runSandbox(pod: SandboxSpec, signal: AbortSignal): Promise<SandboxId>
  /** Path of the sandbox's network namespace; undefined on the host's network. Only a runtime whose pods have a network has this. */
  networkNamespace?(sandbox: SandboxId): Promise<string | undefined>
  /** The image that holds sandboxes open, as it was asked for. Undefined: it is not told. Absent: there is none (simulated). */
  sandboxImage?(sandbox: SandboxId): Promise<string | undefined>
  /**
   * Creates and starts. Once begun it is let end: a runtime whose caller turns away in between leaves a container that
   * seems to have failed, or a name that stays taken.
   * @throws ContainerStartFailed
   */
  start(sandbox: SandboxId, container: ContainerSpec): Promise<ContainerId>
  /** SIGTERM (or the image's stop signal), then SIGKILL after `graceMs`. Resolves when it has ended. Gone is fine. */
  stop(container: ContainerId, graceMs: number): Promise<void>
  /** Removes an ended container (and its logs). */
  removeContainer(container: ContainerId): Promise<void>
  /** Ends all that is left in the sandbox and gives its address back; the record stays until `remove`. */
  stopSandbox(sandbox: SandboxId): Promise<void>
  /** Everything of the sandbox is gone afterwards. Gone is fine. */
  remove(sandbox: SandboxId): Promise<void>
  /** All pods that are ours, with their sandboxes and containers; or only the one of this uid, nothing when it is not there. */
  observe(podUid?: string): Promise<ObservedPod[]>
  /** Calls back soon after anything started, ended or was removed; may miss some (then `observe` heals), may be unavailable. */
  onChange(callback: (podUid: string | undefined) => void): () => void
  /** Calls back after each call to the runtime's server. Absent: there is none (simulated). @returns ends it */
  onCall?(callback: (call: RuntimeCall) => void): () => void

  /** Output as written, oldest first; ends at the end unless `follow`. */
  logs(container: ContainerId, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** For probes and hooks. @throws RuntimeFailed when it cannot run at all; `timedOut` after timeoutMs. */
  exec(container: ContainerId, command: string[], timeoutMs: number): Promise<ExecResult>
  /** For people. Resolves with the exit code. @throws RuntimeFailed */
  execStream(container: ContainerId, command: string[], streams: Streams, signal: AbortSignal): Promise<number>
  /** Joins the main process's streams until it ends or the signal aborts. */
  attach(container: ContainerId, streams: Streams, signal: AbortSignal): Promise<void>
  /** A byte pipe to a port on the pod's loopback. */
  portForward(
    sandbox: SandboxId,
    port: number,
    signal: AbortSignal,
  ): Promise<{ readable: Readable; writable: Writable }>
  /** Usage now, for each container and pod. */
  stats(): Promise<PodUsage[]>
  /** Rotates the log of a running container when it is larger than `maxBytes`, keeping `maxFiles` files in all. True if it did. */
  rotateLog(container: ContainerId, maxBytes: number, maxFiles: number): Promise<boolean>
  /** New limits for a running container, without a restart. @throws RuntimeFailed */
  updateResources(container: ContainerId, resources: ContainerResources): Promise<void>
  /**
   * Writes a running container down, memory and all, into an archive on the disk; it runs on. Absent: it cannot (simulated).
   * @param timeoutMs 0: as long as the runtime likes
   * @throws RuntimeFailed also when the runtime's server cannot
   */
  checkpoint?(container: ContainerId, path: string, timeoutMs: number): Promise<void>
  /** Where images are kept and how much they take, for image garbage collection; and the layers that containers write. */
  imageFilesystem(): Promise<FilesystemUse & { layers: FilesystemUse }>
  /** Resolves when what was removed has left the disk. Absent: it has at once. */
  freeRemoved?(): Promise<void>
  /**
   * Only a runtime whose pods have no real network has this: it answers every probe (http, tcp, grpc and exec) itself,
   * and the agent asks it instead of connecting.
   */
  probe?(container: ContainerId, question: ProbeQuestion): Promise<ProbeAnswer>
}

/** A folder, and what one kind of thing takes of its file system. */
export interface FilesystemUse {
  path: string
  usedBytes: number
  usedInodes: number
}

/** One call to the runtime's server. */
export interface RuntimeCall {
  /** In kubelet's words: `create_container`, `list_podsandbox`. */
  operation: string
  seconds: number
  failed: boolean
}

export interface ProbeQuestion {
  purpose: 'startup' | 'readiness' | 'liveness'
  kind: 'http' | 'tcp' | 'grpc' | 'exec'
  /** Port, path or command, as people should see it in an event. */
  target: string
}

export interface ProbeAnswer {
  ok: boolean
  /** What people read when it failed. */
  output: string
}

/** Of the layers of an image, packed. */
export interface PullProgress {
  doneBytes: number
  totalBytes: number
}

export interface PullOptions {
  credentials?: { username: string; password: string } | { registryToken: string }
  /** Called about once a second, where the runtime tells how far it is. */
  onProgress?: (progress: PullProgress) => void
  /** Annotations of the pod that asked, as CRI carries them; the simulated runtime reads its behaviour from them. */
  annotations?: Record<string, string>
  /** Runtime handler of the pod that asked, where images depend on it. */
  runtimeHandler?: string
}

export interface ImageInfo {
  ref: ImageRef
  names: string[]
  sizeBytes: number
  /** Of the image's configuration, for runAsNonRoot: a number, or a name the runtime cannot resolve. */
  user?: string
  /** Never to be collected as garbage: the sandbox image. */
  pinned?: boolean
}

export interface SandboxSpec {
  uid: string
  name: string
  namespace: string
  /** Grows when the sandbox of the same pod is made anew; 0 first. */
  attempt: number
  hostname: string
  labels: Record<string, string>
  annotations: Record<string, string>
  hostNetwork: boolean
  hostPid: boolean
  hostIpc: boolean
  shareProcessNamespace: boolean
  dns: { servers: string[]; searches: string[]; options: string[] } | undefined
  portMappings: { protocol: 'TCP' | 'UDP' | 'SCTP'; containerPort: number; hostPort: number; hostIp: string }[]
  sysctls: Record<string, string>
  /** Runtime handler of the RuntimeClass; '' is the default. */
  runtimeHandler: string
  /** cgroup path of the pod, '' lets the runtime choose. */
  cgroupParent: string
  /** Folder of the pod's container logs. */
  logFolder: string
  /** Some container of the pod is privileged; containerd refuses it in a sandbox that is not. */
  privileged?: boolean
  /** Ids inside the pod are shifted to these on the host; absent: the host's own user namespace. */
  userNamespace?: { hostId: number; containerId: number; length: number }
  /** Of the sandbox itself (RuntimeClass overhead). */
  overhead?: ContainerResources
}

export interface ContainerSpec {
  name: string
  /** Restart count. */
  attempt: number
  image: string
  imageRef: ImageRef
  command: string[]
  args: string[]
  workingDir: string
  env: { name: string; value: string }[]
  mounts: Mount[]
  devices?: { hostPath: string; containerPath: string; permissions: string }[]
  labels: Record<string, string>
  annotations: Record<string, string>
  stdin: boolean
  stdinOnce: boolean
  tty: boolean
  resources: ContainerResources
  security: ContainerSecurity
  /** It must end before the next one starts (init containers): a simulated one then does. */
  runsToEnd?: boolean
  /** Join this container's process namespace (ephemeral containers with a target). */
  processNamespaceOf?: ContainerId
  /** CDI device names, `vendor.com/class=name`. */
  cdiDevices?: string[]
}

export interface Mount {
  hostPath: string
  containerPath: string
  readOnly: boolean
  propagation: 'private' | 'hostToContainer' | 'bidirectional'
  /** Mounts below it are read-only as well, where the runtime can. */
  recursiveReadOnly?: boolean
  /** The files of this image, by a runtime that mounts images itself; `hostPath` is '' then. */
  image?: ImageRef
}

export interface ContainerResources {
  /** cgroup v1 shares, 2…262144. */
  cpuShares?: number
  cpuQuotaMicros?: number
  cpuPeriodMicros?: number
  memoryLimitBytes?: number
  /** -1000…1000 */
  oomScoreAdj?: number
  /** Memory and swap together; equal to memoryLimitBytes: no swap. */
  memorySwapLimitBytes?: number
  /** Pinned cores, `0-1,3`. */
  cpusetCpus?: string
  cpusetMems?: string
  /** `{ pageSize: '2MB', limitBytes }` */
  hugepages?: { pageSize: string; limitBytes: number }[]
  /** cgroup v2 files and their values, such as memory.high. */
  unified?: Record<string, string>
}

export interface ContainerSecurity {
  privileged: boolean
  readOnlyRoot: boolean
  noNewPrivileges: boolean
  runAsUser?: number
  runAsUserName?: string
  runAsGroup?: number
  supplementalGroups: number[]
  addCapabilities: string[]
  dropCapabilities: string[]
  seccomp: 'RuntimeDefault' | 'Unconfined' | { localhost: string }
  apparmor?: 'RuntimeDefault' | 'Unconfined' | { localhost: string }
  seLinux?: { user: string; role: string; type: string; level: string }
  maskedPaths?: string[]
  readonlyPaths?: string[]
}

/** A pod as the runtime has it. Several sandboxes of one uid: attempts, newest first. */
export interface RuntimeStatus {
  runtimeReady: boolean
  networkReady: boolean
  message: string
  /** What each way of running pods can do; none from a runtime that does not say (containerd before 2.0). */
  handlers: RuntimeHandler[]
}

/** A way of running pods, as RuntimeClasses name it. */
export interface RuntimeHandler {
  /** '' for the one of pods without a class. */
  name: string
  recursiveReadOnlyMounts: boolean
  userNamespaces: boolean
}

export interface ObservedPod {
  uid: string
  name: string
  namespace: string
  sandboxes: ObservedSandbox[]
  containers: ObservedContainer[]
}

export interface ObservedSandbox {
  id: SandboxId
  attempt: number
  state: 'ready' | 'stopped'
  createdAtMs: number
  /** First is the main one. Empty with hostNetwork. */
  ips: string[]
}

export interface ObservedContainer {
  id: ContainerId
  sandbox: SandboxId
  name: string
  attempt: number
  image: string
  imageRef: ImageRef
  /** `created`: its program has not run, and will not unless somebody who is at it now starts it. */
  state: 'created' | 'running' | 'exited' | 'unknown'
  createdAtMs: number
  startedAtMs?: number
  finishedAtMs?: number
  exitCode?: number
  signal?: number
  /** `Completed`, `Error`, `OOMKilled`, `StartError`. */
  reason?: string
  message?: string
  labels: Record<string, string>
  annotations: Record<string, string>
  logPath?: string
}

export interface LogOptions {
  follow?: boolean
  tailLines?: number
  /** Only lines written after this wall time. */
  sinceMs?: number
  timestamps?: boolean
  limitBytes?: number
}

export interface ExecResult {
  exitCode: number
  stdout: string
  stderr: string
  timedOut: boolean
}

export interface Streams {
  stdin?: Readable
  stdout?: Writable
  stderr?: Writable
  tty: boolean
  /** Yields new terminal sizes. */
  resize?: AsyncIterable<{ width: number; height: number }>
  /** Attaching: the end of this input ends the attachment alone, and the process waits for others' (no stdinOnce, or a terminal). */
  inputGoesOn?: boolean
}

export interface PodUsage {
  uid: string
  /** cpuNanoseconds counts up from the container's start; the rest is now. `atMs` is wall time. */
  containers: {
    id: ContainerId
    name: string
    cpuNanoseconds: number
    memoryWorkingSetBytes: number
    memoryUsageBytes?: number
    memoryRssBytes?: number
    /** Of the writable layer. */
    filesystemUsedBytes?: number
    filesystemUsedInodes?: number
    atMs: number
  }[]
  network?: { rxBytes: number; txBytes: number }
}

/** The runtime cannot be reached. Wait and try again; pods go on. */
export class RuntimeUnavailable extends OptiFlowError {}

/** True when a step failed for no other reason than that the runtime cannot be reached. */
export function isRuntimeAway(error: unknown): boolean {
  return error instanceof RuntimeUnavailable || (error instanceof OptiFlowError && isRuntimeAway(error.cause))
}

/** The runtime refused; its words are in the message. */
export class RuntimeFailed extends OptiFlowError {}

/** The registry or the image is at fault; back off and try again. */
export class ImagePullFailed extends OptiFlowError {
  readonly image: string
  /** What is wrong, without the image's name before it. */
  readonly why: string
  /** The registry said nothing about the image: it cannot be reached, or is in trouble itself. */
  readonly registryAway: boolean
  constructor(
    image: string,
    why: string,
    { registryAway = false, ...options }: { cause?: unknown; hint?: string; registryAway?: boolean } = {},
  ) {
    super(`cannot pull image ${image}: ${why}`, options)
    this.image = image
    this.why = why
    this.registryAway = registryAway
  }
}

/** The container could not be created or its program not started. */
export class ContainerStartFailed extends OptiFlowError {
  /** `CreateContainerError`, `RunContainerError`, `CreateContainerConfigError`: the waiting reason that users see. */
  readonly reason: string
  constructor(reason: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.reason = reason
  }
}
