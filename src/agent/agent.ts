import { join } from 'node:path'
import { sleep } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import { quantityToNumber } from '../base/quantity.ts'
import { createEventRecorder, createInformers, type Informer, type InformerSet } from '../client/index.ts'
import { isNotFound } from '../models/api-error.ts'
import { Node } from '../models/kinds/core/node.ts'
import { Pod } from '../models/kinds/core/pod.ts'
import { Service } from '../models/kinds/core/service.ts'
import { localFolderAnnotation } from '../models/local-volume.ts'
import type { ContainerImage } from '../models/types/core-v1.ts'
import type { ObservedPod } from '../runtime/runtime.ts'
import { Chores } from './chores.ts'
import { createImages } from './image/images.ts'
import { Health } from './node/health.ts'
import { defaultReservation, readMachine, simulatedMachine } from './node/machine.ts'
import { heartbeatMs, Registration } from './node/registration.ts'
import { createReferencedObjects } from './objects.ts'
import type { AgentOptions } from './options.ts'
import { admit, type NodeFacts } from './pod/admission.ts'
import { ghostOf } from './pod/ghost.ts'
import { type DnsSettings, readHostDns } from './pod/name-resolution.ts'
import type { NodeContext } from './pod/node-context.ts'
import { PodWorker } from './pod/worker.ts'
import { PodMemory } from './pod-memory.ts'
import { ownPods } from './pod-source.ts'
import { createPulse } from './pulse.ts'
import { RuntimeView } from './runtime-view.ts'
import { Semaphore } from './semaphore.ts'
import type { ServedNode } from './serving/served-node.ts'
import { StatusWriter } from './status-writer.ts'
import { createDiskVolumes, refreshPeriodMs } from './volume/disk-volumes.ts'
import { localFolderOf, removeLocalVolume } from './volume/local-volumes.ts'
import { createServiceAccountTokens } from './volume/service-account-tokens.ts'
import { createSimulatedVolumes } from './volume/simulated-volumes.ts'

/** Runs the pods of one node. */
export interface Agent extends AsyncDisposable {
  readonly nodeName: string
  /** Resolves when the runtime was seen and the pods are taken care of. The server may be away: see `registered`. */
  start(): Promise<void>
  /** Lets go of everything; pods run on. */
  stop(): Promise<void>
  /** Resolves when the node is registered. */
  registered: Promise<void>
  /** What a server says for this node. */
  served: ServedNode
}

const notReadyLookMs = 300

export const defaultVersion = 'v1.32.0'

export function createAgent(options: AgentOptions): Agent {
  return new NodeAgent(options)
}

class NodeAgent implements Agent {
  readonly nodeName: string
  readonly registered: Promise<void>
  readonly served: ServedNode
  readonly #options: AgentOptions
  readonly #stop = new AbortController()
  readonly #workers = new Map<string, PodWorker>()
  /** Pods whose workers wait until all that is known from the API is in. */
  readonly #ends: (() => void | Promise<void>)[] = []
  readonly #view: RuntimeView
  readonly #writer: StatusWriter
  readonly #health: Health
  #registration: Registration | undefined
  #context: NodeContext | undefined
  #images: ContainerImage[] = []
  #sharedInformers: InformerSet | undefined
  #registeredDone!: () => void
  #sourceReady = false
  /** Pods that the API told of, by uid. */
  readonly #seen = new Set<string>()
  readonly #memory: PodMemory | undefined

  constructor(options: AgentOptions) {
    this.#options = options
    this.nodeName = options.nodeName
    const { runtime, clock, log, client } = options
    this.#view = new RuntimeView({
      runtime,
      clock,
      log,
      relistMs: options.relistMs ?? 60_000,
      onChange: uid => this.#runtimeChanged(uid),
    })
    this.#writer = new StatusWriter({ client, clock, log })
    this.#health = new Health(options, this.#view)
    if (!options.simulated) this.#memory = new PodMemory(options.disk, secretFolderOf(options), log)
    this.registered = new Promise(resolve => {
      this.#registeredDone = resolve
    })
    this.served = {
      nodeName: options.nodeName,
      runtime,
      clock,
      pods: () => [...this.#workers.values()].map(worker => worker.pod),
      observed: uid => this.#view.get(uid),
      startedAtMs: clock.now(),
      removeLocalVolume: name =>
        options.simulated ? Promise.resolve() : removeLocalVolume(options.disk, options.folder, name),
    }
  }

  async start(): Promise<void> {
    const { nodeName, client, clock, random, log, runtime, disk, folder, maxPods = 110, simulated } = this.#options
    const machine = simulated
      ? simulatedMachine(nodeName, simulated.capacity ?? {}, maxPods)
      : await this.#readMachine(maxPods)
    const events =
      this.#options.events ?? createEventRecorder({ client, clock, random, log, component: 'kubelet', host: nodeName })
    const registration = new Registration({
      nodeName,
      client,
      clock,
      log,
      events,
      runtime,
      machine,
      reserved: this.#options.reserved ?? (simulated ? {} : defaultReservation),
      labels: this.#options.labels ?? {},
      annotations: { [localFolderAnnotation]: localFolderOf(folder) },
      taints: this.#options.taints ?? [],
      addresses: this.#options.addresses,
      agentVersion: this.#options.version ?? defaultVersion,
      port: () => this.#options.server?.port,
      health: () => this.#health.state,
      images: () => this.#images,
    })
    this.#registration = registration
    const informers = this.#informers()
    this.#sharedInformers = informers
    const objects = this.#options.objects ?? this.#own(createReferencedObjects(this.#options))
    const volumes = this.#own(
      simulated
        ? createSimulatedVolumes(objects)
        : createDiskVolumes({
            ...this.#options,
            secretFolder: secretFolderOf(this.#options),
            objects,
            tokens: createServiceAccountTokens(client, clock),
          }),
    )
    const services = informers.for(Service)
    const hostDns = simulated ? noDns : await readHostDns(disk)
    const memoryBytes = quantityToNumber(machine.capacity['memory'] ?? '0')
    this.#context = {
      nodeName,
      client,
      runtime,
      view: this.#view,
      images: createImages({ runtime, events, clock, parallelPulls: this.#options.parallelPulls ?? 5 }),
      volumes,
      objects,
      events,
      clock,
      random,
      net: this.#options.net,
      disk,
      log,
      files: !simulated,
      folder,
      logFolder: this.#options.logFolder ?? join(folder, 'logs'),
      starts: new Semaphore(this.#options.parallelStarts ?? 16),
      hostIps: () => this.#options.addresses.filter(a => a.type === 'InternalIP').map(a => a.address),
      hostDns: () => hostDns,
      clusterDns: this.#options.clusterDns ?? [],
      clusterDomain: this.#options.clusterDomain ?? 'cluster.local',
      allocatable: () => registration.allocatable,
      memoryCapacityBytes: () => memoryBytes,
      services: namespace => {
        const all = services.list(namespace)
        const api = namespace === 'default' ? undefined : services.get({ namespace: 'default', name: 'kubernetes' })
        return api ? [api, ...all] : all
      },
      report: (pod, status) => this.#writer.set(pod, status),
      forget: pod => this.#forget(pod),
    }
    await this.#view.start()
    this.#options.server?.add(this.served)
    await this.#health.look()
    void registration.register(this.#stop.signal).then(() => this.#registeredDone())
    void this.#takePods(informers)
    this.#chores(registration, volumes)
  }

  async stop(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort(new DOMException('the agent stops', 'AbortError'))
    this.#options.server?.remove(this.served)
    for (const worker of this.#workers.values()) worker.stop()
    this.#view.stop()
    await this.#writer.stop()
    for (const end of this.#ends.reverse()) await end()
    this.#workers.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Everything that a running node does now and then. */
  #chores(registration: Registration, volumes: NodeContext['volumes']): void {
    const { clock, log, runtime, simulated } = this.#options
    const pulse = this.#options.pulse ?? createPulse(clock)
    const every = (ms: number, task: () => void | Promise<void>) => this.#ends.push(pulse.every(ms, task))
    const nodes = this.#nodes(registration)
    every(heartbeatMs, async () => {
      const known = nodes.get({ name: this.nodeName })
      if (known) registration.seen(known)
      await registration
        .beat()
        .catch(error => log.warn({ node: this.nodeName, error: explain(error) }, 'heartbeat not written'))
      await this.#health.look()
      await registration.updateStatus()
    })
    // A node that waits for its network should not be waited for ten seconds longer.
    every(notReadyLookMs, async () => {
      if (!this.#health.state.notReady) return
      await this.#health.look()
      if (!this.#health.state.notReady) await registration.updateStatus()
    })
    if (simulated) return
    const chores = new Chores({ ...this.#options, volumes, view: this.#view, workers: this.#workers })
    every(10_000, () => chores.rotateLogs())
    every(60_000, async () => {
      await chores.collectImages()
      this.#images = imageList(await runtime.images().catch(() => []))
    })
    every(60_000, () => chores.sweep(this.#sourceReady))
    every(refreshPeriodMs, async () => {
      for (const worker of this.#workers.values()) await worker.refreshVolumes()
    })
    void runtime
      .images()
      .then(images => {
        this.#images = imageList(images)
        return registration.updateStatus()
      })
      .catch(() => {})
  }

  /** The node's own record. Simulated nodes share one watch of all, and look at it with every heartbeat instead of each change. */
  #nodes(registration: Registration): Informer<Node> {
    const informers = this.#sharedInformers!
    if (this.#options.simulated) return informers.for(Node)
    const informer = informers.for(Node, { fieldSelector: `metadata.name=${this.nodeName}` })
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

  /** Pods from the API, and what runs here and is no longer in it. */
  async #takePods(informers: InformerSet): Promise<void> {
    const { signal } = this.#stop
    const source = this.#options.pods ?? ownPods(informers, this.nodeName)
    // Services first: a pod's environment lists those that existed when it started.
    let complete = false
    const ready = Promise.all([source.ready(signal), informers.for(Service).ready(signal)]).then(
      () => void (complete = true),
      () => {},
    )
    await Promise.race([ready, sleep(this.#options.clock, patienceMs, signal).catch(() => {})])
    if (signal.aborted) return
    if (!complete) await this.#takeRemembered()
    await ready
    if (signal.aborted) return
    const end = source.subscribe(this.nodeName, {
      added: pod => this.#see(pod),
      updated: pod => this.#see(pod),
      deleted: pod => this.#workers.get(pod.metadata.uid!)?.remove(pod),
    })
    this.#ends.push(end)
    this.#sourceReady = true
    for (const [uid, worker] of this.#workers) if (!this.#seen.has(uid)) worker.remove()
    for (const observed of this.#view.all()) this.#endOrphan(observed)
  }

  /** While the server is away, pods that run here are looked after as they were last known. */
  async #takeRemembered(): Promise<void> {
    if (!this.#memory) return
    this.#options.log.warn({ node: this.nodeName }, 'the server does not answer; pods go on as last known')
    for (const pod of await this.#memory.pods())
      if (this.#view.get(pod.metadata.uid!) && !this.#workers.has(pod.metadata.uid!)) this.#take(pod)
  }

  #see(pod: Pod): void {
    const uid = pod.metadata.uid!
    this.#seen.add(uid)
    this.#memory?.keep(pod)
    const worker = this.#workers.get(uid)
    if (worker) worker.update(pod)
    else this.#take(pod)
  }

  #take(pod: Pod): void {
    const uid = pod.metadata.uid!
    const observed = this.#view.get(uid)
    const phase = pod.status?.phase
    const over = phase === 'Failed' || phase === 'Succeeded'
    // What already runs here, or has run, has been admitted before.
    const known = observed !== undefined || over || pod.metadata.deletionTimestamp !== undefined
    const rejection = known ? undefined : admit(pod, this.#activePods(), this.#facts())
    this.#workers.set(uid, this.#worker(pod, { gone: false, takeOver: observed !== undefined, rejection }))
  }

  #worker(pod: Pod, about: { gone: boolean; takeOver: boolean; rejection?: ReturnType<typeof admit> }): PodWorker {
    const uid = pod.metadata.uid!
    return new PodWorker(this.#context!, pod, {
      ...about,
      onFinished: () => {
        this.#workers.delete(uid)
        this.#seen.delete(uid)
        this.#writer.drop(uid)
      },
    })
  }

  #activePods(): Pod[] {
    return [...this.#workers.values()].filter(worker => worker.active).map(worker => worker.pod)
  }

  #facts(): NodeFacts {
    const node = this.#registration?.node
    return {
      name: this.nodeName,
      labels: node?.metadata.labels ?? { ...this.#options.labels },
      allocatable: this.#registration!.allocatable,
    }
  }

  #runtimeChanged(uid: string): void {
    const worker = this.#workers.get(uid)
    if (worker) worker.poke()
    else if (this.#sourceReady) {
      const observed = this.#view.get(uid)
      if (observed) this.#endOrphan(observed)
    }
  }

  /** A pod that runs here although the API does not know it: deleted while we were away. */
  #endOrphan(observed: ObservedPod): void {
    if (this.#workers.has(observed.uid)) return
    this.#options.log.info({ pod: `${observed.namespace}/${observed.name}` }, 'ending a pod that was deleted')
    this.#workers.set(observed.uid, this.#worker(ghostOf(observed), { gone: true, takeOver: true }))
  }

  /** Its last status is written before its record goes, for those who watch how pods end. */
  async #forget(pod: Pod): Promise<void> {
    const { namespace, name, uid } = pod.metadata
    await this.#writer.flush(uid!)
    try {
      await this.#options.client.delete(
        Pod,
        { namespace: namespace!, name },
        { gracePeriodSeconds: 0, ...(uid ? { uid } : {}) },
      )
    } catch (error) {
      // A pod of the same name and another uid answers Conflict: ours is gone all the same.
      if (!isNotFound(error) && (error as { reason?: string }).reason !== 'Conflict') throw error
    }
  }

  #informers(): InformerSet {
    return this.#options.informers ?? this.#own(createInformers(this.#options))
  }

  #own<T extends AsyncDisposable>(thing: T): T {
    this.#ends.push(() => Promise.resolve(thing[Symbol.asyncDispose]()))
    return thing
  }

  async #readMachine(maxPods: number) {
    await this.#options.disk.makeFolder(this.#options.folder)
    return readMachine(this.#options.disk, this.#options.folder, maxPods)
  }
}

/** How long a start waits for the server before it goes on without. */
const patienceMs = 3_000

const secretFolderOf = (options: AgentOptions) => options.secretFolder ?? join(options.folder, 'secrets')

const noDns: DnsSettings = { servers: [], searches: [], options: [] }

/** The largest first, as upstream reports at most 50. */
function imageList(images: readonly { names: string[]; sizeBytes: number }[]): ContainerImage[] {
  return [...images]
    .filter(image => image.names.length)
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, 50)
    .map(({ names, sizeBytes }) => ({ names: names.slice(0, 5), sizeBytes }))
}
