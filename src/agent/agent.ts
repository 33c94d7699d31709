import { join } from 'node:path'
import { explain } from '../base/errors.ts'
import { createInformers, type InformerSet } from '../client/index.ts'
import type { Pod } from '../models/kinds/core/pod.ts'
import { Service } from '../models/kinds/core/service.ts'
import { localFolderAnnotation } from '../models/local-volume.ts'
import { openPodGroups } from './cgroup/open-pod-groups.ts'
import type { PodGroups } from './cgroup/pod-groups.ts'
import { createImages } from './image/images.ts'
import { createImagePeers, type ImagePeers } from './image/peers.ts'
import { AgentMetrics } from './metrics/agent-metrics.ts'
import { Health } from './node/health.ts'
import { readHostMemory, simulatedMemory } from './node/host-memory.ts'
import type { Machine } from './node/machine.ts'
import { machineOf, recorderOf } from './node/node-parts.ts'
import { Registration } from './node/registration.ts'
import { keptFromPods } from './node/reservation.ts'
import { NodePods } from './node-pods.ts'
import { createReferencedObjects } from './objects.ts'
import type { AgentOptions } from './options.ts'
import { createNodePlugins, type NodePlugins } from './plugin/node-plugins.ts'
import type { NodeFacts } from './pod/admission.ts'
import { noDns, readHostDns } from './pod/name-resolution.ts'
import { PodMemory } from './pod-memory.ts'
import { deleteRecord } from './pod-record.ts'
import { ownPods } from './pod-source.ts'
import { ProbeMoments } from './probe/probe-moments.ts'
import { ProbeTally } from './probe/probe-tally.ts'
import { Routines } from './routines.ts'
import { RuntimeView } from './runtime-view.ts'
import { Semaphore } from './semaphore.ts'
import { servedAgent } from './serving/served-agent.ts'
import type { ServedNode } from './serving/served-node.ts'
import { delayShutdown } from './shutdown/inhibitor.ts'
import { NodeShutdown } from './shutdown/shutdown.ts'
import { ManifestFolder } from './static/manifest-folder.ts'
import { Mirrors } from './static/mirrors.ts'
import { StatusWriter } from './status-writer.ts'
import { Shares } from './topology/shares.ts'
import { createDiskVolumes } from './volume/disk-volumes.ts'
import { localFolderOf } from './volume/local-volumes.ts'
import { createServiceAccountTokens } from './volume/service-account-tokens.ts'
import { createSimulatedVolumes } from './volume/simulated-volumes.ts'
import { VolumeGrowth } from './volume/volume-growth.ts'
import type { Volumes } from './volume/volumes.ts'

/** Runs the pods of one node. */
export interface Agent extends AsyncDisposable {
  readonly nodeName: string
  /** Resolves when the runtime was seen and the pods are taken care of. The server may be away: see `registered`. */
  start(): Promise<void>
  /** Lets go of everything; pods run on. */
  stop(): Promise<void>
  /** The machine goes down: ends its pods, the least important first. Resolves when none runs, or their time is over. */
  shutDown(): Promise<void>
  /** Resolves when the node is registered. */
  registered: Promise<void>
  /** What a server says for this node. */
  served: ServedNode
}

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
  readonly #pods: NodePods
  readonly #mirrors: Mirrors
  readonly #ends: (() => void | Promise<void>)[] = []
  readonly #view: RuntimeView
  readonly #tally = new ProbeTally()
  readonly #writer: StatusWriter
  readonly #starts: Semaphore
  #onStatusesWritten: () => void = () => {}
  readonly #health: Health
  readonly #shutdown: NodeShutdown
  #registration: Registration | undefined
  #machine: Machine | undefined
  #groups: PodGroups | undefined
  #plugins: NodePlugins | undefined
  #volumes: Volumes | undefined
  #routines: Routines | undefined
  #shares: Shares | undefined
  #registeredDone!: () => void

  constructor(given: AgentOptions) {
    const options = given.simulated ? given : { ...given, metrics: given.metrics ?? new AgentMetrics() }
    this.#options = options
    this.nodeName = options.nodeName
    const { runtime, clock, log, client } = options
    this.#starts = new Semaphore(options.parallelStarts ?? 32)
    this.#view = new RuntimeView({
      runtime,
      clock,
      log,
      relistMs: options.relistMs ?? 60_000,
      metrics: options.metrics,
      onChange: uid => this.#pods.changed(uid),
    })
    const beside = { starting: () => this.#starts.taken, onRest: () => this.#onStatusesWritten() }
    this.#writer = new StatusWriter({ client, clock, log, ...beside, metrics: options.metrics })
    this.#health = new Health(
      options,
      this.#view,
      () => this.#routines?.pressure ?? [],
      () => this.#shutdown.begun,
    )
    this.#mirrors = new Mirrors({
      client,
      clock,
      log,
      node: () => this.#registration?.node,
      write: (mirror, status) => this.#writer.set(mirror, status),
    })
    this.#pods = new NodePods({
      ...options,
      view: this.#view,
      mirrors: this.#mirrors,
      memory: options.simulated ? undefined : new PodMemory(options.disk, secretFolderOf(options), log),
      facts: () => this.#facts(),
      finished: uid => {
        this.#shares?.release(uid)
        this.#writer.drop(uid)
        this.#tally.forget(uid)
      },
    })
    this.#shutdown = new NodeShutdown({
      clock,
      log,
      steps: options.shutdown?.steps ?? [],
      workers: this.#pods.workers,
      announce: async () => {
        await this.#health.look()
        await this.#registration?.updateStatus()
      },
    })
    this.registered = new Promise(resolve => {
      this.#registeredDone = resolve
    })
    this.served = servedAgent(options, {
      view: this.#view,
      probes: this.#tally,
      pods: () => [...this.#pods.workers.values()].map(worker => worker.pod),
      workedPods: () => this.#pods.worked,
      mirrorPods: () => this.#mirrors.count,
      volumes: () => this.#volumes,
      groups: () => this.#groups,
      machine: () => this.#machine,
      shares: () => this.#shares,
    })
  }

  async start(): Promise<void> {
    const { metrics } = this.#options
    metrics?.startup.starts(this.#options.clock)
    this.#ends.push(metrics?.follow(this.#options.runtime) ?? (() => {}))
    const { nodeName, client, clock, random, log, runtime, disk, folder, simulated } = this.#options
    const machine = (this.#machine = await machineOf(this.#options))
    const kept = simulated ? (this.#options.reserved ?? {}) : keptFromPods(this.#options, machine.capacity)
    // What people read about a start can wait until it is done, three seconds at most.
    const busy = () => this.#starts.taken > 0
    const events = this.#options.events ?? recorderOf(this.#options, busy)
    // Whoever waited for a pod to be ready may read at once what came before.
    this.#onStatusesWritten = () => void (busy() || events.flush())
    const registration = new Registration({
      nodeName,
      client,
      clock,
      log,
      events,
      runtime,
      machine,
      reserved: kept,
      labels: this.#options.labels ?? {},
      annotations: { [localFolderAnnotation]: localFolderOf(folder) },
      taints: this.#options.taints ?? [],
      addresses: this.#options.addresses,
      agentVersion: this.#options.version ?? defaultVersion,
      providerId: this.#options.providerId,
      heartbeat: this.#options.heartbeat ?? {},
      port: () => this.#options.server?.port,
      health: () => this.#health.state,
      images: () => this.#routines?.images ?? [],
      offers: () => this.#plugins?.devices.offers() ?? {},
      startup: metrics?.startup,
    })
    this.#registration = registration
    const informers = this.#informers()
    const objects = this.#options.objects ?? this.#own(createReferencedObjects(this.#options))
    const tokens = createServiceAccountTokens(client, clock)
    const growth = new VolumeGrowth({ client, objects, clock })
    const { kubeletFolder } = this.#options
    const plugins =
      kubeletFolder === undefined || simulated
        ? undefined
        : this.#own(
            createNodePlugins(
              { ...this.#options, kubeletFolder },
              {
                objects,
                tokens,
                growth,
                registration,
                activePods: () => (this.#pods.complete ? this.#pods.active : undefined),
                numa: () => this.#shares?.numa,
                shares: () => this.#shares,
              },
            ),
          )
    await plugins?.restore()
    this.#plugins = plugins
    const activePods = () => this.#pods.active
    const node = () => this.registered.then(() => registration.node)
    const groups = simulated ? undefined : await openPodGroups(this.#options, { machine, events, activePods, node })
    this.#groups = groups
    if (groups) this.#ends.push(() => groups[Symbol.dispose]())
    const images = createImages({
      ...{ runtime, events, objects, clock, parallelPulls: this.#options.parallelPulls ?? 5 },
      pullRate: this.#options.pullRate,
      peers: this.#peers(),
      credentials: this.#options.imageCredentials,
      metrics: this.#options.metrics,
    })
    const volumes = (this.#volumes = this.#own(
      simulated
        ? createSimulatedVolumes(objects)
        : createDiskVolumes({
            ...this.#options,
            secretFolder: secretFolderOf(this.#options),
            objects,
            tokens,
            growth,
            images,
            ...(runtime.contents ? { contents: runtime.contents } : {}),
            ...(plugins ? { csi: plugins.csi } : {}),
          }),
    ))
    const services = informers.for(Service)
    const hostDns = simulated ? noDns : await readHostDns(disk, this.#options.resolvConf)
    const memory = simulated ? simulatedMemory(machine) : await readHostMemory(disk, machine, this.#options)
    this.#pods.begin({
      nodeName,
      client,
      runtime,
      view: this.#view,
      images,
      volumes,
      devices: plugins?.devices,
      claims: plugins?.claims,
      objects,
      events,
      clock,
      random,
      net: this.#options.net,
      disk,
      log,
      files: !simulated,
      ...(this.#options.seccompDefault === false ? { seccompDefault: false } : {}),
      folder,
      logFolder: this.#options.logFolder ?? join(folder, 'logs'),
      starts: this.#starts,
      mostCrashDelayMs: this.#options.mostCrashDelayMs,
      hostIps: () => this.#options.addresses.filter(a => a.type === 'InternalIP').map(a => a.address),
      canRecurse: () => this.#health.canRecurse,
      hostDns: () => hostDns,
      clusterDns: this.#options.clusterDns ?? [],
      limitBandwidth: this.#options.limitBandwidth,
      openHostPorts: this.#options.openHostPorts,
      clusterDomain: this.#options.clusterDomain ?? 'cluster.local',
      allocatable: () => registration.allocatable,
      memory,
      cpuQuotas: this.#options.cpuQuotas,
      services: namespace => {
        const all = services.list(namespace)
        const api = namespace === 'default' ? undefined : services.get({ namespace: 'default', name: 'kubernetes' })
        return api ? [api, ...all] : all
      },
      resizeProblem: pod => this.#pods.resizeProblem(pod),
      shares: () => this.#shares,
      groups,
      tally: this.#tally,
      moments: new ProbeMoments(clock),
      metrics: this.#options.metrics,
      report: (pod, status) => {
        if (status.phase === 'Failed' || status.phase === 'Succeeded') this.#shares?.release(pod.metadata.uid!)
        if (!this.#mirrors.report(pod, status)) this.#writer.set(pod, status)
      },
      forget: pod => this.#forget(pod),
    })
    await this.#view.start()
    this.#shares = await Shares.open(this.#options, this.#view, this.#plugins?.devices, kept)
    this.#options.server?.add(this.served)
    await this.#health.look()
    await this.#takeStaticPods()
    if (!simulated && this.#options.shutdown) this.#ends.push(await delayShutdown(this.#options, this.#shutdown))
    void registration.register(this.#stop.signal).then(async () => {
      this.#registeredDone()
      if (this.#stop.signal.aborted) return
      await plugins?.start().catch(error => log.error({ error: explain(error) }, 'plugins are not taken'))
    })
    void this.#takePods(informers)
    const routines = new Routines({
      ...{ agent: this.#options, registration, informers, volumes, events },
      ...{ health: this.#health, view: this.#view, pods: this.#pods, claims: plugins?.claims, groups },
    })
    this.#routines = routines
    this.#ends.push(() => routines.stop())
    routines.start()
  }

  async stop(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort(new DOMException('the agent stops', 'AbortError'))
    this.#options.server?.remove(this.served)
    this.#mirrors.stop()
    this.#pods.stop()
    this.#view.stop()
    await this.#writer.stop()
    for (const end of this.#ends.reverse()) await end()
  }

  shutDown(): Promise<void> {
    return this.#shutdown.begin()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Pods from the API, once what they refer to is known too. */
  async #takePods(informers: InformerSet): Promise<void> {
    const { signal } = this.#stop
    const source = this.#options.pods ?? ownPods(informers, this.nodeName)
    // Services first: a pod's environment lists those that existed when it started.
    const ready = Promise.all([source.ready(signal), informers.for(Service).ready(signal)])
    this.#ends.push(await this.#pods.follow(source, ready, signal))
    if (signal.aborted) return
    this.#mirrors.complete()
    this.#shares?.keepOnly(new Set(this.#pods.workers.keys()))
  }

  /** Pods that are defined on the node itself run before any server answers. */
  async #takeStaticPods(): Promise<void> {
    const { staticPodFolder } = this.#options
    if (!staticPodFolder) return
    const manifests = new ManifestFolder({
      ...this.#options,
      folder: staticPodFolder,
      added: pod => this.#pods.addStatic(pod),
      removed: pod => this.#pods.removeStatic(pod),
    })
    await this.#own(manifests).start()
  }

  #facts(): NodeFacts {
    const node = this.#registration?.node
    return {
      name: this.nodeName,
      labels: node?.metadata.labels ?? { ...this.#options.labels },
      allocatable: this.#registration!.allocatable,
      unsafeSysctls: this.#options.allowedUnsafeSysctls ?? [],
      pressure: this.#routines?.pressure ?? [],
      goingDown: this.#shutdown.begun,
      exclusiveCpus: this.#shares?.cpus !== undefined,
      ownMemory: this.#shares?.memory !== undefined,
      withoutAppArmor: this.#machine?.appArmor === false,
    }
  }

  /** Its last status is written before its record goes, for those who watch how pods end. */
  async #forget(pod: Pod): Promise<void> {
    await this.#writer.flush(pod.metadata.uid!)
    await deleteRecord(this.#options.client, pod)
  }

  #peers(): ImagePeers | undefined {
    const { imagePeers: keys, runtime } = this.#options
    return keys && runtime.contents
      ? createImagePeers({ ...this.#options, keys, contents: runtime.contents })
      : undefined
  }

  #informers(): InformerSet {
    return this.#options.informers ?? this.#own(createInformers(this.#options))
  }

  #own<T extends AsyncDisposable>(thing: T): T {
    this.#ends.push(() => Promise.resolve(thing[Symbol.asyncDispose]()))
    return thing
  }
}

const secretFolderOf = (options: AgentOptions) => options.secretFolder ?? join(options.folder, 'secrets')
