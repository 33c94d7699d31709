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
  type ObservedContainer,
  type ObservedPod,
  type PodUsage,
  type ProbeAnswer,
  type ProbeQuestion,
  type PullOptions,
  type Runtime,
  RuntimeFailed,
  RuntimeUnavailable,
  type SandboxId,
  type SandboxSpec,
  type Streams,
} from '../runtime.ts'
import { AddressPool } from './addresses.ts'
import { type Behaviour, readBehaviour } from './behaviour.ts'
import { Endings } from './endings.ts'
import { SimulatedImages } from './images.ts'
import { Output, readOutput } from './output.ts'
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

interface Sandbox {
  id: SandboxId
  spec: SandboxSpec
  state: 'ready' | 'stopped'
  createdAtMs: number
  ips: string[]
}

interface Container {
  id: ContainerId
  sandbox: Sandbox
  spec: ContainerSpec
  behaviour: Behaviour
  observed: ObservedContainer
  output: Output | undefined
  resources: ContainerResources
}

class Simulation implements SimulatedRuntime {
  readonly name = 'simulated'
  readonly #options: SimulatedOptions
  readonly #clock: Clock
  readonly #sandboxes = new Map<SandboxId, Sandbox>()
  readonly #containers = new Map<ContainerId, Container>()
  readonly #images: SimulatedImages
  readonly #listeners = new Set<(podUid: string | undefined) => void>()
  readonly #endings: Endings
  #pools: AddressPool[] | undefined
  #available = true

  constructor(options: SimulatedOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#endings = new Endings(options.clock, id => this.#endByItself(id))
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

  async status() {
    this.#check()
    const cidrs = this.#options.podCidrs?.()
    return cidrs && !cidrs.length
      ? { runtimeReady: true, networkReady: false, message: 'the node has no pod CIDR yet' }
      : { runtimeReady: true, networkReady: true, message: 'simulated: no containers run' }
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
    return this.#images.usage()
  }

  async runSandbox(spec: SandboxSpec, signal: AbortSignal): Promise<SandboxId> {
    this.#check()
    const refused = readBehaviour(spec.annotations).sandboxError
    if (refused) throw new RuntimeFailed(`cannot start the sandbox of ${spec.namespace}/${spec.name}: ${refused}`)
    for (const sandbox of this.#sandboxes.values())
      if (sandbox.spec.uid === spec.uid && sandbox.spec.attempt === spec.attempt)
        throw new RuntimeFailed(`sandbox ${spec.attempt} of ${spec.namespace}/${spec.name} is there already`)
    if (this.#options.sandboxDelayMs) await sleep(this.#clock, this.#options.sandboxDelayMs, signal)
    const ips = spec.hostNetwork ? [] : this.#takeAddresses()
    const id = hex(this.#options.random, 32)
    this.#sandboxes.set(id, { id, spec, state: 'ready', createdAtMs: this.#clock.now(), ips })
    this.#changed(spec.uid)
    return id
  }

  async start(sandboxId: SandboxId, spec: ContainerSpec, signal: AbortSignal): Promise<ContainerId> {
    this.#check()
    const sandbox = this.#sandboxes.get(sandboxId)
    if (sandbox?.state !== 'ready')
      throw new ContainerStartFailed('CreateContainerError', `sandbox ${sandboxId} is ${sandbox ? 'stopped' : 'gone'}`)
    for (const other of this.#containers.values())
      if (other.sandbox === sandbox && other.spec.name === spec.name && other.spec.attempt === spec.attempt)
        throw new ContainerStartFailed(
          'CreateContainerError',
          `container ${spec.name}, attempt ${spec.attempt}, is there already`,
        )
    const id = hex(this.#options.random, 32)
    const annotations = { ...sandbox.spec.annotations, ...spec.annotations }
    const behaviour = behaviourOf(annotations, spec)
    const observed: ObservedContainer = {
      id,
      sandbox: sandboxId,
      name: spec.name,
      attempt: spec.attempt,
      image: spec.image,
      imageRef: spec.imageRef,
      state: 'created',
      createdAtMs: this.#clock.now(),
      labels: spec.labels,
      annotations: spec.annotations,
      logPath: `${sandbox.spec.logFolder}/${spec.name}/${spec.attempt}.log`,
    }
    const container: Container = {
      id,
      sandbox,
      spec,
      behaviour,
      observed,
      output: undefined,
      resources: spec.resources,
    }
    this.#containers.set(id, container)
    this.#changed(sandbox.spec.uid)
    const delayMs = behaviour.startDelayMs ?? this.#options.startDelayMs ?? 0
    if (delayMs) await sleep(this.#clock, delayMs, signal)
    if (behaviour.startError) {
      this.#end(container, { exitCode: 128, reason: 'StartError', message: behaviour.startError })
      throw new ContainerStartFailed('RunContainerError', behaviour.startError)
    }
    this.#run(container)
    return id
  }

  async stop(id: ContainerId, graceMs: number): Promise<void> {
    this.#check()
    const container = this.#containers.get(id)
    if (!container || container.observed.state === 'exited') return
    const { ignoresSigterm, stopDelayMs, terminationMessage } = container.behaviour
    const obeys = !ignoresSigterm && stopDelayMs <= graceMs
    const waitMs = obeys ? stopDelayMs : graceMs
    if (waitMs) await sleep(this.#clock, waitMs)
    this.#end(
      container,
      obeys
        ? { exitCode: 0, ...(terminationMessage ? { message: terminationMessage } : {}) }
        : { exitCode: 137, signal: 9 },
    )
  }

  async removeContainer(id: ContainerId) {
    this.#check()
    const container = this.#containers.get(id)
    if (!container) return
    if (container.observed.state === 'running')
      throw new RuntimeFailed(`container ${container.spec.name} is running: stop it first`)
    this.#containers.delete(id)
    this.#changed(container.sandbox.spec.uid)
  }

  async stopSandbox(id: SandboxId) {
    this.#check()
    const sandbox = this.#sandboxes.get(id)
    if (sandbox) this.#stopSandbox(sandbox)
  }

  async remove(id: SandboxId) {
    this.#check()
    const sandbox = this.#sandboxes.get(id)
    if (!sandbox) return
    this.#stopSandbox(sandbox)
    for (const container of this.#containers.values())
      if (container.sandbox === sandbox) this.#containers.delete(container.id)
    this.#sandboxes.delete(id)
    this.#changed(sandbox.spec.uid)
  }

  async observe(): Promise<ObservedPod[]> {
    this.#check()
    this.#endings.run()
    const pods = new Map<string, ObservedPod>()
    for (const { id, spec, state, createdAtMs, ips } of this.#sandboxes.values()) {
      let pod = pods.get(spec.uid)
      if (!pod) {
        pod = { uid: spec.uid, name: spec.name, namespace: spec.namespace, sandboxes: [], containers: [] }
        pods.set(spec.uid, pod)
      }
      pod.sandboxes.push({ id, attempt: spec.attempt, state, createdAtMs, ips: [...ips] })
    }
    for (const { sandbox, observed } of this.#containers.values())
      pods.get(sandbox.spec.uid)?.containers.push({ ...observed })
    for (const pod of pods.values()) pod.sandboxes.sort((a, b) => b.attempt - a.attempt)
    return [...pods.values()]
  }

  onChange(callback: (podUid: string | undefined) => void) {
    this.#listeners.add(callback)
    this.#endings.resume()
    return () => void this.#listeners.delete(callback)
  }

  logs(id: ContainerId, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array> {
    this.#check()
    const container = this.#get(id)
    return readOutput(
      this.#clock,
      () => container.output,
      () => this.#gone(container),
      options,
      stop => sleep(this.#clock, Math.min(container.behaviour.logEveryMs ?? 250, 250), stop).catch(() => {}),
      signal,
    )
  }

  async exec(id: ContainerId, command: string[], timeoutMs: number): Promise<ExecResult> {
    this.#check()
    const container = this.#running(id)
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
    return runWithStreams(this.#clock, this.#world(this.#running(id)), command, streams, signal)
  }

  async attach(id: ContainerId, streams: Streams, signal: AbortSignal) {
    const left = new AbortController()
    if (streams.inputGoesOn) streams.stdin?.resume().once('end', () => left.abort())
    const until = AbortSignal.any([signal, left.signal])
    for await (const chunk of this.logs(id, { follow: true, tailLines: 0 }, until)) streams.stdout?.write(chunk)
  }

  async portForward(id: SandboxId, port: number, signal: AbortSignal) {
    this.#check()
    const sandbox = this.#sandboxes.get(id)
    if (sandbox?.state !== 'ready') throw new RuntimeFailed(`sandbox ${id} is ${sandbox ? 'stopped' : 'gone'}`)
    const pipe = answeringPort(`${sandbox.spec.namespace}/${sandbox.spec.name}`, port, signal)
    return { readable: pipe, writable: pipe }
  }

  async stats(): Promise<PodUsage[]> {
    this.#check()
    this.#endings.run()
    const atMs = this.#clock.now()
    const pods = new Map<string, PodUsage>()
    for (const { id, sandbox, observed, spec, behaviour } of this.#containers.values()) {
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
    const container = this.#running(id)
    container.resources = { ...container.resources, ...resources }
  }

  async probe(id: ContainerId, question: ProbeQuestion): Promise<ProbeAnswer> {
    this.#check()
    this.#endings.run()
    const container = this.#containers.get(id)
    if (container?.observed.state !== 'running') return { ok: false, output: 'container is not running' }
    const upMs = this.#clock.now() - container.observed.startedAtMs!
    const { readyAfterMs, unhealthyAfterMs } = container.behaviour
    const ok = upMs < unhealthyAfterMs && (question.purpose === 'liveness' || upMs >= readyAfterMs)
    return { ok, output: ok ? '' : `simulated ${question.purpose} probe of ${question.target} failed` }
  }

  crash(id: ContainerId, end: { exitCode?: number; signal?: number; oom?: boolean; message?: string } = {}) {
    const container = this.#running(id)
    const signal = end.oom ? 9 : end.signal
    this.#end(container, {
      exitCode: signal === undefined ? (end.exitCode ?? 1) : 128 + signal,
      ...(signal === undefined ? {} : { signal }),
      ...(end.oom ? { reason: 'OOMKilled' } : {}),
      ...(end.message === undefined ? {} : { message: end.message }),
    })
  }

  setAvailable(available: boolean) {
    this.#available = available
    if (available) this.#changed(undefined)
  }

  reboot() {
    for (const container of this.#containers.values()) this.#end(container, { exitCode: 255, reason: 'Unknown' })
    for (const sandbox of this.#sandboxes.values()) this.#stopSandbox(sandbox)
  }

  /** Only the callbacks end: whoever opens the node's runtime next (or goes on) finds the pods as they are. */
  async [Symbol.asyncDispose]() {
    this.#endings.pause()
    this.#listeners.clear()
  }

  #takeAddresses(): string[] {
    if (!this.#pools?.length) {
      const cidrs = this.#options.podCidrs?.() ?? ['10.244.0.0/24']
      if (!cidrs.length) throw new RuntimeFailed('the node has no pod CIDR yet, so that pods get no address')
      this.#pools = cidrs.map(cidr => new AddressPool(cidr))
    }
    return this.#pools.map(pool => pool.take())
  }

  #check() {
    if (!this.#available) throw new RuntimeUnavailable('the simulated runtime is switched off')
  }

  #get(id: ContainerId): Container {
    const container = this.#containers.get(id)
    if (!container) throw new RuntimeFailed(`container ${id} is gone`)
    return container
  }

  #running(id: ContainerId): Container {
    this.#endings.run()
    const container = this.#get(id)
    if (container.observed.state !== 'running')
      throw new RuntimeFailed(`container ${container.spec.name} is not running (${container.observed.state})`)
    return container
  }

  #gone(container: Container): boolean {
    this.#endings.run()
    return container.observed.state === 'exited' || !this.#containers.has(container.id)
  }

  #world({ sandbox, spec }: Container): ShellWorld {
    return { hostname: sandbox.spec.hostname || sandbox.spec.name, env: spec.env, nowMs: this.#clock.now() }
  }

  #run(container: Container) {
    // The pod may have been removed while the container was starting.
    if (!this.#containers.has(container.id) || container.observed.state !== 'created') return
    const now = this.#clock.now()
    const { behaviour, spec, sandbox } = container
    container.observed.state = 'running'
    container.observed.startedAtMs = now
    container.output = new Output(now, behaviour.logLines, behaviour.logEveryMs)
    if (!behaviour.logLines.length && behaviour.logEveryMs === undefined)
      container.output.write(now, `simulated container ${spec.name} of ${sandbox.spec.namespace}/${sandbox.spec.name}`)
    if (behaviour.end) this.#endings.schedule(container.id, behaviour.end.afterMs)
    this.#changed(sandbox.spec.uid)
  }

  #end(
    container: Container,
    how: { exitCode: number; signal?: number; reason?: string; message?: string },
    atMs = this.#clock.now(),
  ) {
    const { observed, output } = container
    if (observed.state === 'exited') return
    this.#endings.cancel(container.id)
    observed.state = 'exited'
    observed.finishedAtMs = atMs
    observed.exitCode = how.exitCode
    observed.reason = how.reason ?? (how.exitCode === 0 ? 'Completed' : 'Error')
    if (how.signal !== undefined) observed.signal = how.signal
    if (how.message !== undefined) observed.message = how.message
    if (output) output.endedAtMs = atMs
    this.#changed(container.sandbox.spec.uid)
  }

  /** The program ends as its annotations say. */
  #endByItself(id: ContainerId) {
    const container = this.#containers.get(id)
    if (!container) return
    const { exitCode, signal, oom } = container.behaviour.end!
    const message = container.behaviour.terminationMessage
    this.#end(container, {
      exitCode,
      ...(signal === undefined ? {} : { signal }),
      ...(oom ? { reason: 'OOMKilled' } : {}),
      ...(message === undefined ? {} : { message }),
    })
  }

  #stopSandbox(sandbox: Sandbox) {
    if (sandbox.state === 'stopped') return
    sandbox.state = 'stopped'
    for (const container of this.#containers.values())
      if (container.sandbox === sandbox) this.#end(container, { exitCode: 137, signal: 9 })
    for (const ip of sandbox.ips) for (const pool of this.#pools ?? []) pool.giveBack(ip)
    sandbox.ips = []
    this.#changed(sandbox.spec.uid)
  }

  #changed(podUid: string | undefined) {
    for (const listener of this.#listeners) listener(podUid)
  }
}

/** What must end before others start does so at once, unless its pod says how it goes. */
function behaviourOf(annotations: Record<string, string>, spec: ContainerSpec): Behaviour {
  const behaviour = readBehaviour(annotations, spec.name, spec.attempt)
  return spec.runsToEnd ? { ...behaviour, end: behaviour.end ?? { afterMs: 0, exitCode: 0, oom: false } } : behaviour
}

function hex(random: Random, bytes: number): string {
  return Buffer.from(random.bytes(bytes)).toString('hex')
}
