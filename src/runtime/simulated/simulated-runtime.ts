import { followAbort } from '../../base/abort.ts'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Random } from '../../base/random.ts'
import {
  type ContainerId,
  type ContainerResources,
  type ContainerSpec,
  ContainerStartFailed,
  type ExecResult,
  type ImageRef,
  type LogOptions,
  type ObservedPod,
  type PodUsage,
  type ProbeAnswer,
  type ProbeQuestion,
  type PullOptions,
  type Runtime,
  RuntimeFailed,
  type RuntimeStatus,
  RuntimeUnavailable,
  type SandboxId,
  type SandboxSpec,
  type Streams,
} from '../runtime.ts'
import { readBehaviour } from './behaviour.ts'
import { SimulatedImages } from './images.ts'
import { readOutput } from './output.ts'
import { type Container, SimulatedPods } from './pods.ts'
import { runCommand, type ShellWorld } from './shell.ts'
import { answeringPort, runWithStreams } from './streams.ts'

export interface SimulatedOptions {
  clock: Clock
  random: Random
  log: Logger
  /** The node's pod ranges, such as `10.244.3.0/24`; asked for when the first sandbox starts. Default 10.244.0.0/24. */
  podCidrs?: () => readonly string[]
  /** From asking for a sandbox to having it, in milliseconds. Default 0. */
  sandboxDelayMs?: number
  /** From starting a container to its running, unless its pod says otherwise. Default 0. */
  startDelayMs?: number
  /** Of pulling an image that is not present, unless the pod says otherwise. Default 0. */
  pullDelayMs?: number
  /** Why an image cannot be pulled; undefined: it can. */
  pullError?: (image: string) => string | undefined
}

/** A runtime without containers, and what a test may do to it. It outlives its agents as containerd does. */
export interface SimulatedRuntime extends Runtime {
  /** Ends a running container as if its program crashed. */
  crash(container: ContainerId, end?: { exitCode?: number; signal?: number; oom?: boolean; message?: string }): void
  /** While false every call fails with RuntimeUnavailable; containers go on. */
  setAvailable(available: boolean): void
  /** The node loses power: every sandbox stops, every container ends with 255, as containerd reports after a reboot. */
  reboot(): void
}

/** Sandboxes and containers that exist only as records; what they do over time is computed when somebody looks. */
export function openSimulated(options: SimulatedOptions): SimulatedRuntime {
  return new Simulation(options)
}

class Simulation implements SimulatedRuntime {
  readonly name = 'simulated'
  readonly #options: SimulatedOptions
  readonly #clock: Clock
  readonly #pods: SimulatedPods
  readonly #images: SimulatedImages
  #available = true

  constructor(options: SimulatedOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#pods = new SimulatedPods(options.clock, options.random, () => options.podCidrs?.() ?? ['10.244.0.0/24'])
    this.#images = new SimulatedImages(
      options.clock,
      options.random,
      options.pullDelayMs ?? 0,
      options.pullError ?? (() => undefined),
    )
  }

  async version() {
    this.#check()
    return { name: 'simulated', version: '1.0.0' }
  }

  async status(): Promise<RuntimeStatus> {
    this.#check()
    const cidrs = this.#options.podCidrs?.()
    // Nothing is mounted, so nothing is mounted wrongly.
    const handlers = [{ name: '', recursiveReadOnlyMounts: true, userNamespaces: false }]
    return cidrs && !cidrs.length
      ? { runtimeReady: true, networkReady: false, message: 'the node has no pod CIDR yet', handlers }
      : { runtimeReady: true, networkReady: true, message: 'simulated: no containers run', handlers }
  }

  async imagePresent(image: string) {
    this.#check()
    return this.#images.present(image)
  }

  async pull(image: string, options: PullOptions, signal: AbortSignal): Promise<ImageRef> {
    this.#check()
    return this.#images.pull(image, options, signal)
  }

  async images() {
    this.#check()
    return this.#images.list()
  }

  async removeImage(image: ImageRef) {
    this.#check()
    this.#images.remove(image)
  }

  async imageFilesystem() {
    this.#check()
    const images = this.#images.usage()
    return { ...images, layers: images }
  }

  async runSandbox(spec: SandboxSpec, signal: AbortSignal): Promise<SandboxId> {
    this.#check()
    const refused = readBehaviour(spec.annotations).sandboxError
    if (refused) throw new RuntimeFailed(`cannot start the sandbox of ${spec.namespace}/${spec.name}: ${refused}`)
    this.#pods.checkNewSandbox(spec)
    if (this.#options.sandboxDelayMs) await sleep(this.#clock, this.#options.sandboxDelayMs, signal)
    return this.#pods.addSandbox(spec).id
  }

  async start(sandboxId: SandboxId, spec: ContainerSpec): Promise<ContainerId> {
    this.#check()
    const container = this.#pods.addContainer(sandboxId, spec)
    const { behaviour, id } = container
    const delayMs = behaviour.startDelayMs ?? this.#options.startDelayMs ?? 0
    if (delayMs) await sleep(this.#clock, delayMs)
    if (behaviour.startError) {
      this.#pods.end(container, { exitCode: 128, reason: 'StartError', message: behaviour.startError })
      throw new ContainerStartFailed('RunContainerError', behaviour.startError)
    }
    this.#pods.run(container)
    return id
  }

  async stop(id: ContainerId, graceMs: number): Promise<void> {
    this.#check()
    const container = this.#pods.containers.get(id)
    if (!container || container.observed.state === 'exited') return
    const { ignoresSigterm, stopDelayMs, terminationMessage } = container.behaviour
    const obeys = !ignoresSigterm && stopDelayMs <= graceMs
    const waitMs = obeys ? stopDelayMs : graceMs
    if (waitMs) await sleep(this.#clock, waitMs)
    this.#pods.end(
      container,
      obeys
        ? { exitCode: 0, ...(terminationMessage ? { message: terminationMessage } : {}) }
        : { exitCode: 137, signal: 9 },
    )
  }

  async removeContainer(id: ContainerId) {
    this.#check()
    const container = this.#pods.containers.get(id)
    if (!container) return
    if (container.observed.state === 'running')
      throw new RuntimeFailed(`container ${container.spec.name} is running: stop it first`)
    this.#pods.containers.delete(id)
    this.#pods.changed(container.sandbox.spec.uid)
  }

  async stopSandbox(id: SandboxId) {
    this.#check()
    const sandbox = this.#pods.sandboxes.get(id)
    if (sandbox) this.#pods.stopSandbox(sandbox)
  }

  async remove(id: SandboxId) {
    this.#check()
    const sandbox = this.#pods.sandboxes.get(id)
    if (sandbox) this.#pods.removeSandbox(sandbox)
  }

  async observe(podUid?: string): Promise<ObservedPod[]> {
    this.#check()
    return this.#pods.observe(podUid)
  }

  onChange(callback: (podUid: string | undefined) => void) {
    this.#pods.listeners.add(callback)
    this.#pods.endings.resume()
    return () => void this.#pods.listeners.delete(callback)
  }

  logs(id: ContainerId, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array> {
    this.#check()
    const container = this.#pods.get(id)
    return readOutput(
      this.#clock,
      () => container.output,
      () => this.#pods.hasEnded(container),
      options,
      stop => sleep(this.#clock, Math.min(container.behaviour.logEveryMs ?? 250, 250), stop).catch(() => {}),
      signal,
    )
  }

  async exec(id: ContainerId, command: string[], timeoutMs: number): Promise<ExecResult> {
    this.#check()
    const container = this.#pods.running(id)
    const answer = runCommand(command, this.#world(container))
    const waitMs = Math.min(answer.tookMs, timeoutMs)
    if (waitMs) await sleep(this.#clock, waitMs)
    const { exitCode, stdout, stderr } = answer
    return answer.tookMs > timeoutMs
      ? { exitCode: 137, stdout: '', stderr: '', timedOut: true }
      : { exitCode, stdout, stderr, timedOut: false }
  }

  async execStream(id: ContainerId, command: string[], streams: Streams, signal: AbortSignal): Promise<number> {
    this.#check()
    return runWithStreams(this.#clock, this.#world(this.#pods.running(id)), command, streams, signal)
  }

  async attach(id: ContainerId, streams: Streams, signal: AbortSignal) {
    const left = new AbortController()
    if (streams.inputGoesOn) streams.stdin?.resume().once('end', () => left.abort())
    const unfollow = followAbort(left, signal)
    try {
      for await (const chunk of this.logs(id, { follow: true, tailLines: 0 }, left.signal)) streams.stdout?.write(chunk)
    } finally {
      unfollow()
    }
  }

  async portForward(id: SandboxId, port: number, signal: AbortSignal) {
    this.#check()
    const sandbox = this.#pods.sandboxes.get(id)
    if (sandbox?.state !== 'ready') throw new RuntimeFailed(`sandbox ${id} is ${sandbox ? 'stopped' : 'gone'}`)
    const pipe = answeringPort(`${sandbox.spec.namespace}/${sandbox.spec.name}`, port, signal)
    return { readable: pipe, writable: pipe }
  }

  async stats(): Promise<PodUsage[]> {
    this.#check()
    this.#pods.endings.run()
    const atMs = this.#clock.now()
    const pods = new Map<string, PodUsage>()
    for (const { id, sandbox, observed, spec, behaviour } of this.#pods.containers.values()) {
      if (observed.state !== 'running') continue
      const uid = sandbox.spec.uid
      let pod = pods.get(uid)
      if (!pod) pods.set(uid, (pod = { uid, containers: [], network: { rxBytes: 0, txBytes: 0 } }))
      pod.containers.push({
        id,
        name: spec.name,
        cpuNanoseconds: Math.round((atMs - observed.startedAtMs!) * behaviour.cpuMillis * 1000),
        memoryWorkingSetBytes: behaviour.memoryBytes,
        memoryUsageBytes: behaviour.memoryBytes,
        memoryRssBytes: behaviour.memoryBytes,
        filesystemUsedBytes: 4096,
        filesystemUsedInodes: 1,
        atMs,
      })
    }
    return [...pods.values()]
  }

  async rotateLog() {
    this.#check()
    return false
  }

  async updateResources(id: ContainerId, resources: ContainerResources) {
    this.#check()
    const container = this.#pods.running(id)
    container.resources = { ...container.resources, ...resources }
  }

  async probe(id: ContainerId, question: ProbeQuestion): Promise<ProbeAnswer> {
    this.#check()
    this.#pods.endings.run()
    const container = this.#pods.containers.get(id)
    if (container?.observed.state !== 'running') return { ok: false, output: 'container is not running' }
    const upMs = this.#clock.monotonicMs() - container.startedAtMonoMs
    const { readyAfterMs, unhealthyAfterMs } = container.behaviour
    const ok = upMs < unhealthyAfterMs && (question.purpose === 'liveness' || upMs >= readyAfterMs)
    return { ok, output: ok ? '' : `simulated ${question.purpose} probe of ${question.target} failed` }
  }

  crash(id: ContainerId, end: { exitCode?: number; signal?: number; oom?: boolean; message?: string } = {}) {
    const container = this.#pods.running(id)
    const signal = end.oom ? 9 : end.signal
    this.#pods.end(container, {
      exitCode: signal === undefined ? (end.exitCode ?? 1) : 128 + signal,
      ...(signal === undefined ? {} : { signal }),
      ...(end.oom ? { reason: 'OOMKilled' } : {}),
      ...(end.message === undefined ? {} : { message: end.message }),
    })
  }

  setAvailable(available: boolean) {
    this.#available = available
    if (available) this.#pods.changed(undefined)
  }

  reboot() {
    for (const container of this.#pods.containers.values())
      this.#pods.end(container, { exitCode: 255, reason: 'Unknown' })
    for (const sandbox of this.#pods.sandboxes.values()) this.#pods.stopSandbox(sandbox)
  }

  /** Only the callbacks end: whoever opens the node's runtime next (or goes on) finds the pods as they are. */
  async [Symbol.asyncDispose]() {
    this.#pods.endings.pause()
    this.#pods.listeners.clear()
  }

  #check() {
    if (!this.#available) throw new RuntimeUnavailable('the simulated runtime is switched off')
  }

  #world({ sandbox, spec }: Container): ShellWorld {
    return { hostname: sandbox.spec.hostname || sandbox.spec.name, env: spec.env, nowMs: this.#clock.now() }
  }
}
