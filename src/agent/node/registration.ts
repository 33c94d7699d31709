import { type Clock, microTimestamp, sleep } from '../../base/clock.ts'
import { explain, isAbort } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Client, EventRecorder } from '../../client/index.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../models/api-error.ts'
import { Lease } from '../../models/kinds/coordination/lease.ts'
import { Node } from '../../models/kinds/core/node.ts'
import type { ContainerImage, NodeAddress, Taint } from '../../models/types/core-v1.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { DeviceOffers } from '../device/device-plugins.ts'
import type { StartupTimes } from '../metrics/startup-times.ts'
import type { Machine } from './machine.ts'
import { differs, type NodeHealth, nodeStatus, standardLabels } from './node-status.ts'
import type { Reservation } from './reservation.ts'

export interface RegistrationOptions {
  nodeName: string
  client: Client
  clock: Clock
  log: Logger
  events: EventRecorder
  runtime: Runtime
  machine: Machine
  reserved: Reservation
  labels: Record<string, string>
  annotations: Record<string, string>
  taints: Taint[]
  addresses: NodeAddress[]
  agentVersion: string
  /** What a cloud calls this machine. */
  providerId?: string | undefined
  heartbeat?: Heartbeat
  /** Asked for when the node is written. */
  port(): number | undefined
  health(): NodeHealth
  images(): ContainerImage[]
  /** What device plugins offer. */
  offers(): DeviceOffers
  /** Told when each step of a new node's start is done; absent: nobody is. */
  startup?: StartupTimes | undefined
}

/** How often a node says that it lives, and how it is. */
export interface Heartbeat {
  /** How long others may wait for the next word; it is given four times as often. 40 unless said otherwise. */
  leaseSeconds?: number
  /** How often the node's state is looked at; 10 000 unless said otherwise. */
  lookMs?: number
  /** How often it is written though it is as it was; 300 000 unless said otherwise. */
  statusMs?: number
}

export const leaseNamespace = 'kube-node-lease'
export const leaseSeconds = 40
export const heartbeatMs = 10_000
export const statusPeriodMs = 300_000
const statusTries = 5

/** The node's own record in the API: its registration, its heartbeats, its status. */
export class Registration {
  readonly #options: RegistrationOptions
  #node: Node | undefined
  #lease: Lease | undefined
  #writtenAtMonoMs = Number.NEGATIVE_INFINITY
  #runtimeVersion = ''
  #volumesInUse: string[] | undefined
  #leaseWasThere = false
  #busy: Promise<void> = Promise.resolve()

  constructor(options: RegistrationOptions) {
    this.#options = options
  }

  get #heartbeat(): Heartbeat {
    return this.#options.heartbeat ?? {}
  }

  /** As last read or written. */
  get node(): Node | undefined {
    return this.#node
  }

  get allocatable(): Record<string, string> {
    return this.#node?.status?.allocatable ?? this.#draft(undefined).status!.allocatable!
  }

  /** Registers, trying until it works or the signal aborts. */
  async register(signal: AbortSignal): Promise<void> {
    const { clock, log, nodeName, events, startup } = this.#options
    startup?.asks()
    for (let attempt = 1; !signal.aborted; attempt++)
      try {
        await this.#askVersion()
        await this.#register()
        await this.beat()
        events.normal(this.#about(), 'Starting', 'Starting the node agent.')
        return
      } catch (error) {
        if (isAbort(error) && signal.aborted) return
        log.warn({ node: nodeName, error: explain(error), attempt }, 'node not registered yet')
        await sleep(clock, Math.min(200 * 2 ** attempt, 5_000), signal).catch(() => {})
      }
  }

  /** Renews the lease, which says that the agent lives; registers anew when somebody deleted the node. */
  async beat(): Promise<void> {
    const { client, clock } = this.#options
    if (!this.#node) return
    const renewTime = microTimestamp(clock)
    try {
      if (!this.#lease) this.#lease = await this.#takeLease(renewTime)
      else this.#lease = await client.update(Lease, { ...this.#lease, spec: { ...this.#lease.spec, renewTime } })
      this.#leaseWasThere = true
    } catch (error) {
      this.#lease = undefined
      if (isConflict(error)) this.#lease = await this.#takeLease(renewTime)
      else if (isNotFound(error) && this.#leaseWasThere) {
        // Garbage collection takes the lease of a deleted node.
        await this.#register()
        this.#lease = await this.#takeLease(renewTime)
      } else throw error
    }
  }

  async #takeLease(renewTime: string): Promise<Lease> {
    const { client, nodeName } = this.#options
    const key = { namespace: leaseNamespace, name: nodeName }
    const spec = {
      holderIdentity: nodeName,
      leaseDurationSeconds: this.#heartbeat.leaseSeconds ?? leaseSeconds,
      renewTime,
    }
    try {
      const found = await client.get(Lease, key)
      return await client.update(Lease, { ...found, spec: { ...found.spec, ...spec } })
    } catch (error) {
      if (!isNotFound(error)) throw error
      const uid = this.#node?.metadata.uid
      return client.create<Lease>(Lease, {
        metadata: {
          ...key,
          ...(uid ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }] } : {}),
        },
        spec,
      })
    }
  }

  /** Writes the status if it changed, or was not written for five minutes. One write at a time. */
  updateStatus(): Promise<void> {
    this.#busy = this.#busy.then(() => this.#updateStatus())
    return this.#busy
  }

  async #updateStatus(): Promise<void> {
    const { client, clock, log, nodeName } = this.#options
    try {
      await this.#askVersion()
      if (!this.#node) return
      const old = await this.#keepSystem(this.#node)
      const due = clock.monotonicMs() - this.#writtenAtMonoMs >= (this.#heartbeat.statusMs ?? statusPeriodMs)
      if (!due && !differs(old.status, this.#draft(old).status!)) return
      const now = await client.get(Node, { name: nodeName })
      const status = this.#draft(now).status!
      this.#node = await client.updateStatus(Node, { ...now, status })
      this.#wrote()
    } catch (error) {
      if (isNotFound(error)) await this.#register().catch(() => {})
      else log.warn({ node: nodeName, error: explain(error) }, 'node status not written')
    }
  }

  #wrote(): void {
    const { clock, startup } = this.#options
    this.#writtenAtMonoMs = clock.monotonicMs()
    const ready = this.#node?.status?.conditions?.find(({ type }) => type === 'Ready')
    if (ready?.status === 'True') startup?.ready()
  }

  /** Resolves when the node's status names these volumes as in use: nobody detaches them then. */
  async announceVolumes(names: string[]): Promise<void> {
    this.#volumesInUse = names
    await this.updateStatus()
    const told = new Set(this.#node?.status?.volumesInUse)
    if (!names.every(name => told.has(name))) throw new Error('the volumes in use could not be reported to the server')
  }

  /** The node as it is in the API by now: entries of its status may be somebody else's. */
  seen(node: Node): void {
    const [ours, theirs] = [this.#node, node].map(n => Number(n?.metadata.resourceVersion ?? 0))
    if (ours! < theirs!) this.#node = node
  }

  /** The node is no longer in the API: it comes back, since its agent lives. */
  async gone(): Promise<void> {
    if (!this.#node) return
    this.#lease = undefined
    await this.#register().catch(() => {})
  }

  async #register(): Promise<void> {
    const { client, nodeName, log } = this.#options
    const draft = this.#draft(undefined)
    try {
      this.#node = await client.create<Node>(Node, draft)
      this.#options.startup?.registered()
      log.info({ node: nodeName }, 'node registered')
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      const found = await client.get(Node, { name: nodeName })
      this.#node = await this.#reconcileLabels(found, draft)
    }
    // Status is its own resource: a create does not carry it.
    await this.#firstStatus(this.#node)
    this.#wrote()
  }

  /** Controllers write to a new node at once, so the first try often comes too late: not worth a back-off. */
  async #firstStatus(node: Node): Promise<void> {
    const { client, nodeName } = this.#options
    for (let tries = 1; differs(node.status, this.#draft(node).status!); tries++)
      try {
        this.#node = await client.updateStatus(Node, this.#draft(node))
        return
      } catch (error) {
        if (!isConflict(error) || tries === statusTries) throw error
        node = await client.get(Node, { name: nodeName })
        this.#node = node
      }
  }

  /** What the node is made of no administrator changes: pods that must not run here would be sent here. */
  async #keepSystem(node: Node): Promise<Node> {
    const { nodeName, machine } = this.#options
    const labels = Object.fromEntries(
      Object.entries(standardLabels(nodeName, machine)).filter(([key]) => /^kubernetes\.io\/(os|arch)$/.test(key)),
    )
    this.#node = await this.#reconcileLabels(node, { metadata: { labels } } as unknown as Node)
    return this.#node
  }

  /** Labels and annotations that we own are brought up to date; all others, and taints, are the administrator's. */
  async #reconcileLabels(found: Node, draft: Node): Promise<Node> {
    const { labels = {}, annotations = {} } = draft.metadata
    const has = (there: Record<string, string> | undefined, wanted: Record<string, string>) =>
      Object.entries(wanted).every(([key, value]) => there?.[key] === value)
    if (has(found.metadata.labels, labels) && has(found.metadata.annotations, annotations)) return found
    const { client, nodeName } = this.#options
    return client.patch(Node, { name: nodeName }, { type: 'merge', body: { metadata: { labels, annotations } } })
  }

  #draft(old: Node | undefined): Node {
    const { nodeName, machine, labels, annotations, taints, clock, health, images, port, providerId } = this.#options
    const base: Node = old ?? {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: nodeName,
        labels: { ...standardLabels(nodeName, machine), ...labels },
        annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true', ...annotations },
      } as unknown as Node['metadata'],
      spec: { ...(taints.length ? { taints } : {}), ...(providerId ? { providerID: providerId } : {}) },
    }
    return {
      ...base,
      status: nodeStatus(base.status, {
        machine,
        reserved: this.#options.reserved,
        addresses: this.#options.addresses,
        images: images(),
        runtimeVersion: this.#runtimeVersion,
        agentVersion: this.#options.agentVersion,
        port: port(),
        health: health(),
        volumesInUse: this.#volumesInUse,
        offers: this.#options.offers(),
        nowMs: clock.now(),
      }),
    }
  }

  async #askVersion(): Promise<void> {
    if (this.#runtimeVersion) return
    const found = await this.#options.runtime.version().catch(() => undefined)
    // containerd 2 tells its version as its tags are named: v2.3.4.
    if (found) this.#runtimeVersion = `${found.name}://${found.version.replace(/^v/, '')}`
  }

  #about(): Node {
    // Events about nodes name the node where others have a uid, as upstream's do.
    const node = this.#node!
    return { ...node, metadata: { ...node.metadata, uid: node.metadata.name } }
  }
}
