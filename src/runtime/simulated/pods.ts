import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import {
  type ContainerId,
  type ContainerResources,
  type ContainerSpec,
  ContainerStartFailed,
  type ObservedContainer,
  type ObservedPod,
  RuntimeFailed,
  type SandboxId,
  type SandboxSpec,
} from '../runtime.ts'
import { AddressPool } from './addresses.ts'
import { type Behaviour, readBehaviour } from './behaviour.ts'
import { Endings } from './endings.ts'
import { Output } from './output.ts'

export interface Sandbox {
  id: SandboxId
  spec: SandboxSpec
  state: 'ready' | 'stopped'
  createdAtMs: number
  ips: string[]
}

export interface Container {
  id: ContainerId
  sandbox: Sandbox
  spec: ContainerSpec
  behaviour: Behaviour
  observed: ObservedContainer
  /** What it has written; undefined until it runs. */
  output: Output | undefined
  /** Once it runs. */
  startedAtMonoMs: number
  resources: ContainerResources
}

/** How a program ended. */
export interface End {
  exitCode: number
  signal?: number
  reason?: string
  message?: string
}

/** The sandboxes and containers of one node as records, and the ways from one state to the next. */
export class SimulatedPods {
  readonly sandboxes = new Map<SandboxId, Sandbox>()
  readonly containers = new Map<ContainerId, Container>()
  /** Called with the uid of the pod that changed. */
  readonly listeners = new Set<(podUid: string | undefined) => void>()
  /** When programs end by themselves. */
  readonly endings: Endings
  readonly #clock: Clock
  readonly #random: Random
  readonly #podCidrs: () => readonly string[]
  #pools: AddressPool[] | undefined

  constructor(clock: Clock, random: Random, podCidrs: () => readonly string[]) {
    this.#clock = clock
    this.#random = random
    this.#podCidrs = podCidrs
    this.endings = new Endings(clock, id => this.#endByItself(id))
  }

  /** @throws RuntimeFailed when this attempt is there already */
  checkNewSandbox(spec: SandboxSpec): void {
    for (const sandbox of this.sandboxes.values())
      if (sandbox.spec.uid === spec.uid && sandbox.spec.attempt === spec.attempt)
        throw new RuntimeFailed(`sandbox ${spec.attempt} of ${spec.namespace}/${spec.name} is there already`)
  }

  /** @throws RuntimeFailed when there is no address for it */
  addSandbox(spec: SandboxSpec): Sandbox {
    const ips = spec.hostNetwork ? [] : this.#takeAddresses()
    const id = hex(this.#random, 32)
    const sandbox: Sandbox = { id, spec, state: 'ready', createdAtMs: this.#clock.now(), ips }
    this.sandboxes.set(id, sandbox)
    this.changed(spec.uid)
    return sandbox
  }

  /** The container is created, not running. @throws ContainerStartFailed without its sandbox, or when it is there already */
  addContainer(sandboxId: SandboxId, spec: ContainerSpec): Container {
    const sandbox = this.sandboxes.get(sandboxId)
    if (sandbox?.state !== 'ready')
      throw new ContainerStartFailed('CreateContainerError', `sandbox ${sandboxId} is ${sandbox ? 'stopped' : 'gone'}`)
    for (const other of this.containers.values())
      if (other.sandbox === sandbox && other.spec.name === spec.name && other.spec.attempt === spec.attempt)
        throw new ContainerStartFailed(
          'CreateContainerError',
          `container ${spec.name}, attempt ${spec.attempt}, is there already`,
        )
    const id = hex(this.#random, 32)
    const container: Container = {
      id,
      sandbox,
      spec,
      behaviour: behaviourOf({ ...sandbox.spec.annotations, ...spec.annotations }, spec),
      observed: {
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
      },
      output: undefined,
      startedAtMonoMs: 0,
      resources: spec.resources,
    }
    this.containers.set(id, container)
    this.changed(sandbox.spec.uid)
    return container
  }

  /** @throws RuntimeFailed when there is no such container */
  get(id: ContainerId): Container {
    const container = this.containers.get(id)
    if (!container) throw new RuntimeFailed(`container ${id} is gone`)
    return container
  }

  /** @throws RuntimeFailed when it does not run */
  running(id: ContainerId): Container {
    this.endings.run()
    const container = this.get(id)
    if (container.observed.state !== 'running')
      throw new RuntimeFailed(`container ${container.spec.name} is not running (${container.observed.state})`)
    return container
  }

  hasEnded(container: Container): boolean {
    this.endings.run()
    return container.observed.state === 'exited' || !this.containers.has(container.id)
  }

  /** From created to running. */
  run(container: Container): void {
    // The pod may have been removed while the container was starting.
    if (!this.containers.has(container.id) || container.observed.state !== 'created') return
    const now = this.#clock.now()
    const { behaviour, spec, sandbox } = container
    container.observed.state = 'running'
    container.observed.startedAtMs = now
    container.startedAtMonoMs = this.#clock.monotonicMs()
    container.output = new Output(now, behaviour.logLines, behaviour.logEveryMs)
    if (!behaviour.logLines.length && behaviour.logEveryMs === undefined)
      container.output.write(now, `simulated container ${spec.name} of ${sandbox.spec.namespace}/${sandbox.spec.name}`)
    if (behaviour.end) this.endings.schedule(container.id, behaviour.end.afterMs)
    this.changed(sandbox.spec.uid)
  }

  /** Does nothing to a container that has ended. */
  end(container: Container, how: End): void {
    const { observed, output } = container
    if (observed.state === 'exited') return
    const atMs = this.#clock.now()
    this.endings.cancel(container.id)
    observed.state = 'exited'
    observed.finishedAtMs = atMs
    observed.exitCode = how.exitCode
    observed.reason = how.reason ?? (how.exitCode === 0 ? 'Completed' : 'Error')
    if (how.signal !== undefined) observed.signal = how.signal
    if (how.message !== undefined) observed.message = how.message
    if (output) output.endedAtMs = atMs
    this.changed(container.sandbox.spec.uid)
  }

  /** With all of its containers. */
  stopSandbox(sandbox: Sandbox): void {
    if (sandbox.state === 'stopped') return
    sandbox.state = 'stopped'
    for (const container of this.containers.values())
      if (container.sandbox === sandbox) this.end(container, { exitCode: 137, signal: 9 })
    for (const ip of sandbox.ips) for (const pool of this.#pools ?? []) pool.giveBack(ip)
    sandbox.ips = []
    this.changed(sandbox.spec.uid)
  }

  /** Stopped before, if it was not. */
  removeSandbox(sandbox: Sandbox): void {
    this.stopSandbox(sandbox)
    for (const container of this.containers.values())
      if (container.sandbox === sandbox) this.containers.delete(container.id)
    this.sandboxes.delete(sandbox.id)
    this.changed(sandbox.spec.uid)
  }

  /** All of them, as a runtime tells it. */
  observe(podUid?: string): ObservedPod[] {
    this.endings.run()
    const pods = new Map<string, ObservedPod>()
    for (const { id, spec, state, createdAtMs, ips } of this.sandboxes.values()) {
      if (podUid !== undefined && spec.uid !== podUid) continue
      let pod = pods.get(spec.uid)
      if (!pod) {
        pod = { uid: spec.uid, name: spec.name, namespace: spec.namespace, sandboxes: [], containers: [] }
        pods.set(spec.uid, pod)
      }
      pod.sandboxes.push({ id, attempt: spec.attempt, state, createdAtMs, ips: [...ips] })
    }
    for (const { sandbox, observed } of this.containers.values())
      pods.get(sandbox.spec.uid)?.containers.push({ ...observed })
    for (const pod of pods.values()) pod.sandboxes.sort((a, b) => b.attempt - a.attempt)
    return [...pods.values()]
  }

  /** Tells the listeners; undefined: any pod may have changed. */
  changed(podUid: string | undefined): void {
    for (const listener of this.listeners) listener(podUid)
  }

  #takeAddresses(): string[] {
    if (!this.#pools?.length) {
      const cidrs = this.#podCidrs()
      if (!cidrs.length) throw new RuntimeFailed('the node has no pod CIDR yet, so that pods get no address')
      this.#pools = cidrs.map(cidr => new AddressPool(cidr))
    }
    return this.#pools.map(pool => pool.take())
  }

  /** The program ends as its annotations say. */
  #endByItself(id: ContainerId) {
    const container = this.containers.get(id)
    if (!container) return
    const { exitCode, signal, oom } = container.behaviour.end!
    const message = container.behaviour.terminationMessage
    this.end(container, {
      exitCode,
      ...(signal === undefined ? {} : { signal }),
      ...(oom ? { reason: 'OOMKilled' } : {}),
      ...(message === undefined ? {} : { message }),
    })
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
