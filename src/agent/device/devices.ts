import { join } from 'node:path'
import { OptiFlowError } from '../../base/errors.ts'
import { Turns } from '../../base/turns.ts'
import { wholeDevice } from '../../models/gpu.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import type { DeviceGrant } from '../../plugins/index.ts'
import type { PluginKind, RegisteredPlugin } from '../plugin/plugin-watcher.ts'
import { mostAtOnce } from '../pod/most-at-once.ts'
import type { Rejection } from '../pod/rejection.ts'
import { type Hint, type Hints, hintsOf } from '../topology/hints.ts'
import type { NodeMask, Numa } from '../topology/numa.ts'
import type { TopologyProvider } from '../topology/topology-manager.ts'
import {
  available,
  chosenDevices,
  type DevicePool,
  type DeviceWish,
  nearFirst,
  takenOf,
  tightest,
  wishesOf,
} from './device-choice.ts'
import type { DeviceEndpoint } from './device-endpoint.ts'
import { type DeviceOffers, DevicePlugins, type DevicePluginsOptions } from './device-plugins.ts'
import { DeviceRecords } from './device-records.ts'
import { type DevicePromise, DevicePromises } from './promises.ts'

export interface DevicesOptions extends DevicePluginsOptions {
  /** Uids of pods that may have devices; undefined while they are not all known. */
  activePods(): ReadonlySet<string> | undefined
  /** Of the machine, where devices are promised by what they are near to. */
  numa?(): Pick<Numa, 'nodes'> | undefined
}

/** Devices that a container wants are not there (yet). */
export class DevicesUnavailable extends OptiFlowError {}

/** The devices of this node: plugins that offer them, and the containers that have them. */
export class Devices implements PluginKind, TopologyProvider, AsyncDisposable {
  readonly type = 'DevicePlugin'
  readonly records: DeviceRecords
  readonly #options: DevicesOptions
  readonly #plugins: DevicePlugins
  readonly #turns = new Turns()
  readonly #promises = new DevicePromises()

  constructor(options: DevicesOptions) {
    this.#options = options
    this.records = new DeviceRecords(options.disk, join(options.folder, 'optiflow-devices.json'))
    this.#plugins = new DevicePlugins(options, this.records)
  }

  /** Takes up what containers have; to be done before any container starts. */
  async restore(): Promise<void> {
    await this.#options.disk.makeFolder(this.#options.folder, { mode: 0o755 })
    await this.records.read()
  }

  /** Listens for plugins. */
  start(): Promise<void> {
    return this.#plugins.start()
  }

  register(plugin: RegisteredPlugin): Promise<void> {
    return this.#plugins.register(plugin)
  }

  deregister(plugin: RegisteredPlugin): void {
    this.#plugins.deregister(plugin)
  }

  /** What the node offers, by resource. */
  offers(): DeviceOffers {
    return this.#plugins.offers()
  }

  /** NUMA nodes that a device is near to; none where its plugin does not say. */
  nodesOf(resource: string, id: string): readonly number[] {
    return this.#plugins.of(resource)?.nodes.get(id) ?? []
  }

  /**
   * Gives the container what it asks for: the same again after a restart of the container or of the agent.
   * @throws DevicesUnavailable, PluginAway, PluginRefused
   */
  async allocate(pod: Pod, container: Container): Promise<DeviceGrant[]> {
    const pools = this.#plugins.pools()
    const grants: DeviceGrant[] = []
    for (const wish of wishesOf(container, pools, this.#options.sharedResource))
      grants.push(
        await this.#turns.take(wish.resource, () => this.#give(pod, container, wish, pools.get(wish.resource))),
      )
    return grants
  }

  /** Of whole devices whose plugin says what they are near to. */
  hints(pod: Pod, containers: readonly Container[]): Hints | undefined {
    const numa = this.#options.numa?.()
    if (!numa) return undefined
    const pools = this.#plugins.pools()
    const wishes = (container: Container) =>
      wishesOf(container, pools, this.#options.sharedResource).filter(({ milliEach }) => milliEach === wholeDevice)
    const names = new Set(containers.map(({ name }) => name))
    const resources = new Set(containers.flatMap(wishes).map(({ resource }) => resource))
    const ways = [...resources].map(name => {
      const wanted = (one: Container) => wishes(one).find(({ resource }) => resource === name)?.count ?? 0
      return [name, this.#waysTo(pod, names, pools.get(name)!, mostAtOnce(pod, containers, wanted), numa.nodes)]
    })
    return Object.fromEntries(ways)
  }

  #waysTo(
    pod: Pod,
    names: ReadonlySet<string>,
    pool: DevicePool,
    count: number,
    nodes: readonly number[],
  ): Hint[] | undefined {
    const { resource } = pool
    const nodesOf = this.#plugins.of(resource)?.nodes ?? new Map<string, readonly number[]>()
    if (!nodesOf.size) return undefined
    // What was given or promised before is all that comes into question.
    const before = this.#spoken(pod).filter(
      r => r.podUid === pod.metadata.uid && r.resource === resource && names.has(r.container),
    )
    const given = [...new Set(before.flatMap(({ ids }) => ids))]
    if (given.length && given.length !== count) return []
    const free = given.length ? given : this.#free(pod, '', { resource, count, milliEach: wholeDevice }, pool).free
    if (free.length < count) return []
    const pieces = (ids: readonly string[]) => ids.map(id => ({ nodes: nodesOf.get(id) ?? [] }))
    return hintsOf({ nodes, all: pieces(pool.ids), free: pieces(free), count })
  }

  give(pod: Pod, container: Container, nodes: NodeMask | undefined): Rejection | undefined {
    const pools = this.#plugins.pools()
    for (const wish of wishesOf(container, pools, this.#options.sharedResource)) {
      const { resource, count, milliEach } = wish
      const nodesOf = this.#plugins.of(resource)?.nodes
      const podUid = pod.metadata.uid!
      if (milliEach < wholeDevice || !nodesOf?.size) continue
      if (this.records.of(podUid, container.name).some(r => r.resource === resource)) continue
      if (this.#promises.of(pod, container.name, resource)) continue
      const pool = pools.get(resource)!
      const { free } = this.#free(pod, container.name, wish, pool)
      const chosen = chosenDevices(pod, pool, wish, this.#earlier(pod, container, wish))
      const ids = chosen ?? nearFirst(free, nodesOf, nodes).slice(0, count)
      if (ids.length < count || ids.some(id => !free.includes(id)))
        return {
          reason: 'UnexpectedAdmissionError',
          message: `Pod was rejected: Allocate failed due to requested number of devices unavailable for ${resource}. Requested: ${count}, Available: ${free.length}, which is unexpected`,
        }
      this.#promises.add({ podUid, container: container.name, resource, ids, milliEach })
    }
    return undefined
  }

  release(podUid: string): void {
    this.#promises.release(podUid)
  }

  /** What containers have or will have; of a pod that is no more nobody has anything. */
  #spoken(pod: Pod): DevicePromise[] {
    const active = this.#options.activePods()
    const isThere = (uid: string) => !active || active.has(uid) || uid === pod.metadata.uid
    return [...this.records.all.filter(({ podUid }) => isThere(podUid)), ...this.#promises.all]
  }

  /** What a container may have: also what init containers of its pod leave to it. */
  #free(pod: Pod, container: string, wish: DeviceWish, pool: DevicePool) {
    const before = new Set(
      (pod.spec.initContainers ?? [])
        .filter(c => c.restartPolicy !== 'Always' && c.name !== container)
        .map(c => c.name),
    )
    const mine = (r: DevicePromise) => r.podUid === pod.metadata.uid && before.has(r.container)
    const own = (r: DevicePromise) => r.podUid === pod.metadata.uid && r.container === container
    const taken = takenOf(pool, this.#spoken(pod), r => mine(r) || own(r))
    return { taken, free: available(pool, wish, taken), mine }
  }

  async #give(pod: Pod, container: Container, wish: DeviceWish, pool: DevicePool | undefined): Promise<DeviceGrant> {
    const uid = pod.metadata.uid!
    const endpoint = this.#plugins.of(wish.resource)
    const known = this.records.of(uid, container.name).find(r => r.resource === wish.resource)
    const prepare = async (ids: readonly string[]) => {
      if (endpoint?.options.pre_start_required) await endpoint.plugin.beforeStart(ids)
    }
    if (known) {
      await prepare(known.ids)
      return known.grant
    }
    if (!endpoint || !pool || endpoint.awaySinceMs !== undefined)
      throw new DevicesUnavailable(`no device plugin serves ${wish.resource} on this node at the moment`)
    const active = this.#options.activePods()
    if (active) await this.records.keepOnly(new Set([...active, uid]))
    const ids = await this.#choose(pod, container, wish, pool, endpoint)
    const { clock, metrics } = this.#options
    const began = clock.monotonicMs()
    const given = await endpoint.plugin.allocate(ids)
    metrics?.devicesAllocated(wish.resource, (clock.monotonicMs() - began) / 1000)
    const grant = withShare(given, ids, wish, pool)
    await this.records.add({
      podUid: uid,
      container: container.name,
      resource: wish.resource,
      ids,
      milliEach: wish.milliEach,
      grant,
    })
    const promise = this.#promises.of(pod, container.name, wish.resource)
    if (promise) this.#promises.keep(promise)
    await prepare(ids)
    return grant
  }

  async #choose(
    pod: Pod,
    container: Container,
    wish: DeviceWish,
    pool: DevicePool,
    { plugin, options }: DeviceEndpoint,
  ): Promise<string[]> {
    const { taken, free, mine } = this.#free(pod, container.name, wish, pool)
    const promised = this.#promises.of(pod, container.name, wish.resource)?.ids
    if (promised?.every(id => free.includes(id))) return promised
    const chosen = chosenDevices(pod, pool, wish, this.#earlier(pod, container, wish))
    const missing = chosen?.filter(id => !free.includes(id)) ?? []
    if (missing.length)
      throw new DevicesUnavailable(
        `device ${missing.join(', ')} of ${wish.resource}, which the scheduler chose, ${
          pool.healthy.has(missing[0]!)
            ? `has ${wholeDevice - (taken.get(missing[0]!) ?? 0)} of ${wholeDevice} thousandths free, ${wish.milliEach} are asked for`
            : 'is not healthy'
        }`,
      )
    if (chosen) return chosen
    if (free.length < wish.count)
      throw new DevicesUnavailable(
        `requested number of devices unavailable for ${wish.resource}. Requested: ${wish.count}, Available: ${free.length}`,
      )
    const again = this.records.all.filter(r => mine(r) && r.resource === wish.resource).flatMap(r => r.ids)
    const reused = again.filter(id => free.includes(id)).slice(0, wish.count)
    const rest = free.filter(id => !reused.includes(id))
    const more = wish.count - reused.length
    if (!more) return reused
    if (!options.get_preferred_allocation_available || wish.milliEach < wholeDevice)
      return [...reused, ...tightest(rest, more, taken)]
    const preferred = (await plugin.prefer(rest, more)).filter(id => rest.includes(id))
    return [...reused, ...new Set([...preferred, ...rest])].slice(0, wish.count)
  }

  /** Whole devices of the containers before this one. */
  #earlier({ spec }: Pod, container: Container, wish: DeviceWish): number {
    const pools = new Map([[wish.resource, {} as DevicePool]])
    let count = 0
    for (const other of spec.containers) {
      if (other.name === container.name) return count
      for (const own of wishesOf(other, pools, this.#options.sharedResource))
        if (own.resource === wish.resource) count += own.count
    }
    return 0
  }

  async [Symbol.asyncDispose]() {
    await this.#plugins[Symbol.asyncDispose]()
    await this.records.settled()
  }
}

/** The container is told which devices it is on and how much of them is its own. */
function withShare(
  grant: DeviceGrant,
  ids: readonly string[],
  { milliEach }: DeviceWish,
  pool: DevicePool,
): DeviceGrant {
  if (milliEach >= wholeDevice) return grant
  const numbers = ids.map(id => pool.ids.indexOf(id)).join(',')
  return { ...grant, envs: { ...grant.envs, OPTIFLOW_GPU_DEVICES: numbers, OPTIFLOW_GPU_MILLI: String(milliEach) } }
}
