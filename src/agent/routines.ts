import type { Cancel } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { EventRecorder, Informer, InformerSet } from '../client/index.ts'
import { Node } from '../models/kinds/core/node.ts'
import type { ContainerImage } from '../models/types/core-v1.ts'
import type { PodGroups } from './cgroup/pod-groups.ts'
import { Chores } from './chores.ts'
import type { DeviceClaims } from './dra/device-claims.ts'
import { Evictor } from './eviction/evictor.ts'
import { imageList } from './image/image-list.ts'
import type { Health } from './node/health.ts'
import { heartbeatMs, leaseSeconds, type Registration } from './node/registration.ts'
import type { NodePods } from './node-pods.ts'
import type { AgentOptions } from './options.ts'
import { createPulse, type Pulse } from './pulse.ts'
import type { RuntimeView } from './runtime-view.ts'
import { refreshPeriodMs } from './volume/disk-volumes.ts'
import type { Volumes } from './volume/volumes.ts'

export interface RoutinesOptions {
  agent: AgentOptions
  registration: Registration
  informers: InformerSet
  volumes: Volumes
  events: EventRecorder
  health: Health
  view: RuntimeView
  pods: NodePods
  /** Undefined: the node takes no DRA drivers. */
  claims: DeviceClaims | undefined
  /** Undefined: the runtime chooses where pods’ control groups are. */
  groups: PodGroups | undefined
}

const notReadyLookMs = 300
const lookMs = 10_000
const tidyMs = 60_000

/** Everything that a running node does now and then, from its heartbeat to the collection of images. */
export class Routines {
  readonly #options: RoutinesOptions
  readonly #ends: (() => void)[] = []
  #pulse: Pulse | undefined
  #hurrying: Cancel | undefined
  #evictor: Evictor | undefined
  #images: ContainerImage[] = []

  constructor(options: RoutinesOptions) {
    this.#options = options
  }

  /** What the node is short of. */
  get pressure(): Evictor['conditions'] {
    return this.#evictor?.conditions ?? []
  }

  /** As the node's status lists them. */
  get images(): ContainerImage[] {
    return this.#images
  }

  start(): void {
    const { agent } = this.#options
    const pulse = agent.pulse ?? createPulse(agent.clock)
    this.#pulse = pulse
    const every = (ms: number, task: () => void | Promise<void>) => void this.#ends.push(pulse.every(ms, task))
    this.#live(every)
    if (agent.simulated) return
    const chores = this.#chores(every)
    this.#evictions(every, chores)
    void this.#listImages().then(() => this.#options.registration.updateStatus())
  }

  stop(): void {
    this.#hurrying?.()
    this.#pulse = undefined
    for (const end of this.#ends.splice(0)) end()
  }

  #live(every: Every): void {
    const { agent, registration, health } = this.#options
    const nodes = this.#nodes()
    const periodMs = agent.heartbeat?.lookMs ?? heartbeatMs
    const leaseMs = (agent.heartbeat?.leaseSeconds ?? leaseSeconds) * 250
    const beat = () =>
      registration
        .beat()
        .catch(error => agent.log.warn({ node: agent.nodeName, error: explain(error) }, 'heartbeat not written'))
    if (leaseMs !== periodMs) every(leaseMs, beat)
    every(periodMs, async () => {
      const known = nodes.get({ name: agent.nodeName })
      if (known) registration.seen(known)
      if (leaseMs === periodMs) await beat()
      await health.look()
      await registration.updateStatus()
      this.#hurry()
    })
    this.#hurry()
  }

  /** A node that waits for its network should not be waited for ten seconds longer. One that is ready costs no such looks. */
  #hurry(): void {
    const { registration, health } = this.#options
    if (!health.state.notReady || this.#hurrying) return
    this.#hurrying = this.#pulse?.every(notReadyLookMs, async () => {
      await health.look()
      if (health.state.notReady) return
      this.#hurrying?.()
      this.#hurrying = undefined
      await registration.updateStatus()
    })
  }

  /** The node's own record. Simulated nodes share one watch of all, and look at it with every heartbeat instead of each change. */
  #nodes(): Informer<Node> {
    const { agent, informers, registration } = this.#options
    if (agent.simulated) return informers.for(Node)
    const informer = informers.for(Node, { fieldSelector: `metadata.name=${agent.nodeName}` })
    const end = informer.subscribe({
      updated: node => {
        registration.seen(node)
        void registration.updateStatus()
      },
      deleted: () => void registration.gone(),
    })
    this.#ends.push(end)
    return informer
  }

  #chores(every: Every): Chores {
    const { agent, volumes, view, pods, claims, groups } = this.#options
    const chores = new Chores({ ...agent, volumes, view, workers: pods.workers, tearDown: uid => pods.tearDown(uid) })
    every(agent.logs?.lookMs ?? lookMs, () => chores.rotateLogs())
    every(tidyMs, async () => {
      await chores.collectImages()
      await this.#listImages()
    })
    every(tidyMs, () => chores.sweep(pods.complete))
    every(tidyMs, async () => {
      if (pods.complete) await claims?.forgetOthers(new Set(pods.workers.keys()))
    })
    every(tidyMs, async () => {
      await groups?.share(true)
      if (pods.complete) await groups?.sweep(uid => pods.workers.has(uid) || view.get(uid) !== undefined)
    })
    every(refreshPeriodMs, async () => {
      for (const worker of pods.workers.values()) await worker.refreshVolumes()
    })
    return chores
  }

  #evictions(every: Every, chores: Chores): void {
    const { agent, events, pods, health, registration, groups } = this.#options
    const evictor = new Evictor({
      ...agent,
      events,
      groups,
      workers: pods.workers,
      reclaimDisk: what => chores.reclaimDisk(what),
      node: () => registration.node,
    })
    this.#evictor = evictor
    every(agent.eviction?.lookMs ?? lookMs, async () => {
      if (!(await evictor.look())) return
      await health.look()
      await registration.updateStatus()
      this.#hurry()
    })
  }

  async #listImages(): Promise<void> {
    const { runtime, shownImages } = this.#options.agent
    this.#images = imageList(await runtime.images().catch(() => []), shownImages)
  }
}

type Every = (ms: number, task: () => void | Promise<void>) => void
