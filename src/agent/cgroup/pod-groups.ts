import { dirname, join } from 'node:path'
import type { Cancel, Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { quantityToNumber } from '../../base/quantity.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { AgentMetrics } from '../metrics/agent-metrics.ts'
import { allocatable, type Reservation } from '../node/reservation.ts'
import { hugepageSizes } from '../pod/hugepages.ts'
import { qosClassOf } from '../pod/qos.ts'
import { readBounds } from './bounds.ts'
import { type Counted, type GroupCounters, readCounters } from './group-counters.ts'
import { filesOf, type GroupLimits } from './group-limits.ts'
import { Hierarchy } from './hierarchy.ts'
import { folderOf, nodeGroup, podGroup, qosGroups } from './pod-limits.ts'
import { type PressureOf, readPressure } from './pressure.ts'
import { type EnforcedReservation, enforceReserved, type ReservedGroup } from './reserved-groups.ts'

/** How pods are put into control groups. */
export interface CgroupSettings {
  /** The group below which `kubepods` is; `/` unless said otherwise. */
  root?: string
  /** Pods together get no more than the node's allocatable; true unless said otherwise. */
  enforceAllocatable?: boolean
  /** Processes of one pod; not bounded unless said otherwise. */
  podPidsLimit?: number
  /** False: limits of processors do not hold; they do unless said otherwise. */
  cpuQuotas?: boolean
  /** Percent of the memory that pods of the better classes request, kept from the lesser ones; 0 unless said otherwise. */
  reservedMemoryPercent?: number
  /** Groups of others that are held to what is reserved for them; none unless said otherwise. */
  reservedGroups?: readonly ReservedGroup[]
}

export interface PodGroupsOptions {
  settings: CgroupSettings
  disk: Disk
  clock: Clock
  log: Logger
  metrics?: AgentMetrics
  capacity: Record<string, string>
  reserved: Reservation
  /** Pods that take room on the node now. */
  activePods(): Pod[]
}

/** A group that is empty for so long is nobody's who is just about to use it. */
const oldMs = 600_000
/** Pods come and go many at a time. */
const shareAfterMs = 100

/**
 * The control groups above pods, as kubelet has them: `kubepods` bounds all, `burstable` and `besteffort` in it stand
 * back behind Guaranteed pods, `pod<uid>` bounds one pod.
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export class PodGroups implements Disposable {
  readonly #options: PodGroupsOptions
  readonly #hierarchy: Hierarchy
  readonly #top: string
  readonly #sizes: string[]
  /** What pods may use together. */
  readonly #amounts: Record<string, string>
  /** Groups of pods that run or ran under this agent, by uid. */
  readonly #groups = new Map<string, string>()
  /** Whether each is held to its bounds yet. */
  readonly #bounds = new Map<string, Promise<void>>()
  #shared = ''
  #due: Cancel | undefined

  private constructor(options: PodGroupsOptions, hierarchy: Hierarchy) {
    const { settings, capacity, reserved } = options
    this.#options = options
    this.#hierarchy = hierarchy
    this.#top = topOf(settings.root)
    this.#sizes = hugepageSizes(capacity)
    this.#amounts = settings.enforceAllocatable === false ? capacity : allocatable(capacity, reserved)
  }

  /** Makes the groups above the pods. @throws CgroupFailed */
  static async open(options: PodGroupsOptions): Promise<PodGroups> {
    const groups = new PodGroups(options, await Hierarchy.find(options.disk))
    await groups.#makeTop()
    return groups
  }

  /** Bounds what pods use together. @throws CgroupFailed when more is used than there should be */
  async enforce(): Promise<void> {
    await this.#set(this.#top, nodeGroup(this.#amounts))
  }

  /** Bounds what others of the machine use. @returns what came of each */
  enforceReserved(): Promise<EnforcedReservation[]> {
    return enforceReserved(this.#hierarchy, this.#options.settings.reservedGroups ?? [])
  }

  /** The group of a pod: the parent of its sandbox. Nothing of the pod's own may run in it before it is bounded. @throws CgroupFailed */
  async make(pod: Pod): Promise<string> {
    const uid = pod.metadata.uid!
    const group = join(this.#top, folderOf[qosClassOf(pod.spec)], `pod${uid}`)
    await this.#timed('create', () => this.#hierarchy.make(group))
    this.#groups.set(uid, group)
    this.#bounds.delete(uid)
    this.#shareSoon()
    return group
  }

  /** Holds the pod's group to what its containers may use together; once, whoever asks. @throws CgroupFailed */
  bound(pod: Pod): Promise<void> {
    const uid = pod.metadata.uid!
    let bound = this.#bounds.get(uid)
    if (!bound) {
      bound = this.#bound(pod)
      this.#bounds.set(uid, bound)
      bound.catch(() => this.#bounds.delete(uid))
    }
    return bound
  }

  /** The pod's definition asks for other resources. @throws CgroupFailed */
  async resize(pod: Pod): Promise<void> {
    await this.#bound(pod)
    this.#shareSoon()
  }

  /** Nothing of the pod runs any more. @returns false: something still holds on to its group, which is waited for in `sweep` */
  async remove(uid: string): Promise<boolean> {
    const group = await this.groupOf(uid)
    if (!group) return true
    const gone = await this.#timed('destroy', () => this.#hierarchy.remove(group))
    if (gone) this.#forget(uid)
    this.#shareSoon()
    return gone
  }

  /** How the classes of pods share the node: as it should be after every change, and now and then for what others changed. */
  async share(anyway = false): Promise<void> {
    const { settings, log, activePods } = this.#options
    const percent = settings.reservedMemoryPercent
    const podsBytes = quantityToNumber(this.#amounts['memory'] ?? '0')
    const groups = qosGroups(activePods(), percent ? { percent, podsBytes } : undefined)
    const text = JSON.stringify(groups)
    if (text === this.#shared && !anyway) return
    this.#shared = text
    try {
      if (anyway) await this.#makeTop()
      await this.#set(join(this.#top, folderOf.Burstable), groups.burstable)
      await this.#set(join(this.#top, folderOf.BestEffort), groups.besteffort)
    } catch (error) {
      this.#shared = ''
      log.warn({ error: explain(error) }, 'classes of pods do not share the node as they should')
    }
  }

  /** Takes out groups of pods that are no more, as after an agent that ended between a pod and its group. */
  async sweep(alive: (uid: string) => boolean): Promise<void> {
    const nowMs = this.#options.clock.now()
    for (const folder of Object.values(folderOf))
      for (const name of await this.#hierarchy.list(join(this.#top, folder))) {
        const uid = /^pod(.+)$/.exec(name)?.[1]
        if (!uid || alive(uid)) continue
        const group = join(this.#top, folder, name)
        const madeAtMs = await this.#hierarchy.madeAtMs(group)
        // Another agent of this machine may have made it just now.
        if (this.#groups.has(uid) || (madeAtMs ?? nowMs) < nowMs - oldMs) await this.#hierarchy.remove(group)
        this.#forget(uid)
      }
  }

  /** What pods use together and what they may, in bytes. Undefined: nothing bounds them, or it is not known. */
  async memory(): Promise<{ available: number; capacity: number } | undefined> {
    if (this.#options.settings.enforceAllocatable === false) return undefined
    const used = await this.#hierarchy.workingSetBytes(this.#top)
    const capacity = quantityToNumber(this.#amounts['memory'] ?? '0')
    return used === undefined || !capacity ? undefined : { available: capacity - used, capacity }
  }

  /** Of the kernel's control groups. */
  get version(): 1 | 2 {
    return this.#hierarchy.version
  }

  /** The groups above pods. */
  get above(): string[] {
    return Object.values(folderOf).map(folder => join(this.#top, folder))
  }

  /** What the kernel counted in a group, such as `/kubepods`. @param only what is asked for, if not all */
  counters(group: string, only?: readonly Counted[]): Promise<GroupCounters> {
    return readCounters(this.#hierarchy, group, only)
  }

  /** How long its processes waited, where the kernel tells. */
  pressure(group: string): Promise<PressureOf> {
    return readPressure(this.#hierarchy, group)
  }

  /** What the kernel holds a group to. Undefined: it is not there. */
  bounds(group: string): Promise<GroupLimits | undefined> {
    return readBounds(this.#hierarchy, group)
  }

  /** Wall time. Undefined: it is not there. */
  madeAtMs(group: string): Promise<number | undefined> {
    return this.#hierarchy.madeAtMs(group)
  }

  /** Processes of a group itself, not of those below it; the first was there first. */
  async processesIn(group: string): Promise<number[]> {
    const text = await this.#hierarchy.read('memory', group, 'cgroup.procs')
    return text.split('\n').filter(Boolean).map(Number)
  }

  /** Processes of a pod, whose namespaces are the pod's; none when nothing of it runs. */
  async processes(uid: string): Promise<number[]> {
    const group = await this.groupOf(uid)
    if (!group) return []
    const below = (await this.#hierarchy.list(group)).map(name => join(group, name))
    return (await Promise.all(below.map(each => this.processesIn(each)))).flat()
  }

  [Symbol.dispose](): void {
    this.#due?.()
  }

  #shareSoon(): void {
    this.#due ??= this.#options.clock.schedule(shareAfterMs, () => {
      this.#due = undefined
      void this.share()
    })
  }

  async #makeTop(): Promise<void> {
    await this.#hierarchy.make(join(this.#top, folderOf.Burstable))
    await this.#hierarchy.make(join(this.#top, folderOf.BestEffort))
  }

  #forget(uid: string): void {
    this.#groups.delete(uid)
    this.#bounds.delete(uid)
  }

  /** A pod of before there were groups has none. */
  async #bound(pod: Pod): Promise<void> {
    const group = await this.groupOf(pod.metadata.uid!)
    const { podPidsLimit, cpuQuotas } = this.#options.settings
    if (group) await this.#set(group, podGroup(pod, this.#sizes, podPidsLimit, cpuQuotas))
  }

  #set(group: string, limits: GroupLimits): Promise<void> {
    return this.#timed('update', () => this.#hierarchy.write(group, filesOf(limits, this.#hierarchy.version)))
  }

  async #timed<T>(operation: 'create' | 'update' | 'destroy', change: () => Promise<T>): Promise<T> {
    const { clock, metrics } = this.#options
    const began = clock.monotonicMs()
    try {
      return await change()
    } finally {
      metrics?.groupChanged(operation, (clock.monotonicMs() - began) / 1000)
    }
  }

  /** The group of a pod. After a restart it is looked for where it can be. */
  async groupOf(uid: string): Promise<string | undefined> {
    const known = this.#groups.get(uid)
    if (known) return known
    for (const folder of Object.values(folderOf)) {
      const group = join(this.#top, folder, `pod${uid}`)
      if ((await this.#hierarchy.madeAtMs(group)) === undefined) continue
      this.#groups.set(uid, group)
      return group
    }
    return undefined
  }
}

const topOf = (root = '/') => join(root, 'kubepods')

/** Takes out all groups of pods that have no process, and those above them that are empty: the node is no more. Somebody else's stay. */
export async function removePodGroups(disk: Disk, root = '/'): Promise<void> {
  const hierarchy = await Hierarchy.find(disk).catch(() => undefined)
  await hierarchy?.remove(topOf(root))
  for (let above = root; above !== '/'; above = dirname(above)) await hierarchy?.removeEmpty(above)
}
