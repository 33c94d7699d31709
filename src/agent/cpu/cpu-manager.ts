import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { explain, OptiFlowError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { quantityToMillis } from '../../base/quantity.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { KeptJson } from '../kept-json.ts'
import type { AgentMetrics } from '../metrics/agent-metrics.ts'
import { handsOn, mostAtOnce } from '../pod/most-at-once.ts'
import type { Rejection } from '../pod/rejection.ts'
import type { RuntimeView } from '../runtime-view.ts'
import { type Hints, hintsOf } from '../topology/hints.ts'
import type { NodeMask, Numa } from '../topology/numa.ts'
import { giveToAll, type TopologyProvider } from '../topology/topology-manager.ts'
import { chooseCpus, exclusiveCpus, spreadCpus } from './assignment.ts'
import { cpuListText, parseCpuList } from './cpu-list.ts'

export interface CpuManagerOptions {
  disk: Disk
  runtime: Runtime
  view: RuntimeView
  log: Logger
  /** Where is written down who has what: kubelet's `cpu_manager_state`. */
  folder: string
  /** Kept for the system: so much cpu is never given to one container alone. */
  reservedCpu: string
  /** Just these instead; all must be there. */
  reservedCpus?: readonly number[]
  /** Only whole cores are given. */
  fullCoresOnly?: boolean
  /** Threads of different cores are given first. */
  spreadOverCores?: boolean
  /** What is kept for the system is nobody's: containers that share do not run there either. */
  strictReservation?: boolean
  /** Where processors are near to; absent: nobody asks. */
  numa?: Numa
  metrics?: AgentMetrics | undefined
}

/** Where a container remembers its processors, so that an agent after us knows them. */
export const ownCpus = 'optiflow.dev/cpus'

/** What is on the disk: also containers that have ended hand their processors on, and the runtime may know them no more. */
interface Kept {
  policyName: 'static'
  /** What the others share. */
  defaultCpuSet: string
  /** By pod uid, by container name. */
  entries: Record<string, Record<string, string>>
}

/** Containers could be given all processors, and the system none. */
export class NothingReserved extends OptiFlowError {}

/** kubelet's static policy: containers of Guaranteed pods that ask for whole processors have them for themselves. */
export class CpuManager implements TopologyProvider {
  readonly #options: CpuManagerOptions
  readonly #all: number[]
  readonly #cores: number[][]
  readonly #reserved: ReadonlySet<number>
  /** By pod uid, by container name. */
  readonly #given = new Map<string, Map<string, number[]>>()
  /** By pod uid: what its init containers have had, and no other container of it has. */
  readonly #reusable = new Map<string, Set<number>>()
  readonly #kept: KeptJson<Kept>
  /** Changes of what is shared, one after the other. */
  #sharing: Promise<void> = Promise.resolve()

  private constructor(options: CpuManagerOptions, all: number[], cores: number[][], kept: KeptJson<Kept>) {
    this.#options = options
    this.#all = all
    this.#cores = cores
    this.#kept = kept
    const count = Math.ceil(quantityToMillis(options.reservedCpu) / 1000)
    this.#reserved = new Set(options.reservedCpus ?? all.slice(0, count))
    for (const [uid, containers] of Object.entries(kept.value.entries ?? {}))
      for (const [name, cpus] of Object.entries(containers)) {
        const known = parseCpuList(cpus)
        if (known.every(cpu => all.includes(cpu))) this.#note(uid, name, known)
      }
    for (const pod of options.view.all())
      for (const { name, annotations, state } of pod.containers)
        if (annotations[ownCpus] && state !== 'exited') this.#note(pod.uid, name, parseCpuList(annotations[ownCpus]))
  }

  /** Reads what processors there are, and from the disk and the containers which are given. @throws NothingReserved */
  static async open(options: CpuManagerOptions): Promise<CpuManager> {
    if (!options.reservedCpus?.length && quantityToMillis(options.reservedCpu) <= 0)
      throw new NothingReserved('the static policy of processors needs some cpu reserved for the system', {
        hint: 'Reserve some, such as 100m, or use the policy none.',
      })
    const folder = '/sys/devices/system/cpu'
    const all = parseCpuList(await options.disk.readText(`${folder}/online`))
    const missing = (options.reservedCpus ?? []).filter(cpu => !all.includes(cpu))
    if (missing.length)
      throw new NothingReserved(
        `processors ${missing.join(', ')} are to be reserved, and this machine has none of them`,
        {
          hint: `Choose from ${cpuListText(all)}.`,
        },
      )
    const cores = new Map<string, number[]>()
    for (const cpu of all) {
      const path = `${folder}/cpu${cpu}/topology/thread_siblings_list`
      const text = (await options.disk.readText(path).catch(() => `${cpu}`)).trim()
      cores.set(text, parseCpuList(text))
    }
    const nothing: Kept = { policyName: 'static', defaultCpuSet: '', entries: {} }
    const kept = new KeptJson<Kept>(options.disk, join(options.folder, 'cpu_manager_state'), nothing)
    await kept.read().catch(error => {
      options.log.warn({ error: explain(error) }, 'who has which processors was not read; running containers tell')
    })
    return new CpuManager(options, all, [...cores.values()], kept)
  }

  /** Gives the pod's containers the processors that they ask for. Again for the same pod changes nothing. */
  admit(pod: Pod): Rejection | undefined {
    return giveToAll(this, pod)
  }

  give(pod: Pod, container: Container, nodes: NodeMask | undefined): Rejection | undefined {
    const uid = pod.metadata.uid!
    const requested = exclusiveCpus(pod, container)
    if (!requested) return undefined
    const before = this.#given.get(uid)?.get(container.name)
    if (before) {
      this.#handOn(pod, container, before)
      return undefined
    }
    this.#options.metrics?.cpusWanted()
    const free = this.#freeFor(uid)
    const misfit = this.#options.fullCoresOnly ? this.#misfit(requested, free) : undefined
    if (misfit) {
      this.#options.metrics?.cpusNotGiven()
      return { reason: 'SMTAlignmentError', message: `Pod was rejected: SMT Alignment Error: ${misfit}` }
    }
    const chosen = this.#choose(free, requested, nodes)
    if (!chosen) {
      this.#options.metrics?.cpusNotGiven()
      return {
        reason: 'UnexpectedAdmissionError',
        message: `Pod was rejected: Allocate failed due to not enough cpus available to satisfy request: requested=${requested}, available=${free.size}, which is unexpected`,
      }
    }
    this.#note(uid, container.name, chosen)
    this.#handOn(pod, container, chosen)
    this.#share()
    return undefined
  }

  /** What an init container has comes to those after it; what another one has does not any more. */
  #handOn(pod: Pod, container: Container, cpus: readonly number[]): void {
    const uid = pod.metadata.uid!
    const reusable = this.#reusable.get(uid) ?? new Set()
    const isHandedOn = handsOn(pod, container)
    for (const cpu of cpus)
      if (isHandedOn) reusable.add(cpu)
      else reusable.delete(cpu)
    this.#reusable.set(uid, reusable)
  }

  hints(pod: Pod, containers: readonly Container[]): Hints | undefined {
    const { numa } = this.#options
    const count = mostAtOnce(pod, containers, container => exclusiveCpus(pod, container))
    if (!count || !numa) return undefined
    const pieces = (cpus: Iterable<number>) => [...cpus].map(cpu => ({ nodes: [numa.nodeOfCpu.get(cpu) ?? 0] }))
    // What was given before is all that comes into question.
    const uid = pod.metadata.uid!
    const given = new Set(containers.flatMap(({ name }) => this.#given.get(uid)?.get(name) ?? []))
    if (given.size && given.size !== count) return { cpu: [] }
    const free = given.size ? given : this.#freeFor(uid)
    return { cpu: hintsOf({ nodes: numa.nodes, all: pieces(this.#all), free: pieces(free), count }) }
  }

  /** Why so many cannot be had as whole cores. */
  #misfit(count: number, free: ReadonlySet<number>): string | undefined {
    const perCore = Math.max(...this.#cores.map(core => core.length))
    if (count % perCore) return `requested ${count} cpus not multiple cpus per core = ${perCore}`
    const whole = this.#cores.filter(core => core.every(cpu => free.has(cpu))).flat().length
    return whole >= count
      ? undefined
      : `not enough free physical CPUs: available physical CPUs = ${whole}, requested CPUs = ${count}, CPUs per core = ${perCore}`
  }

  /** From those nodes as many as there are, the rest from anywhere. */
  #choose(free: ReadonlySet<number>, count: number, nodes: NodeMask | undefined): number[] | undefined {
    const { numa, spreadOverCores } = this.#options
    const choose = spreadOverCores ? spreadCpus : chooseCpus
    if (nodes === undefined || !numa) return choose(free, this.#cores, count)
    const near = new Set([...free].filter(cpu => nodes & (1 << (numa.nodeOfCpu.get(cpu) ?? 0))))
    const first = choose(near, this.#cores, Math.min(count, near.size))!
    const others = new Set([...free].filter(cpu => !first.includes(cpu)))
    const rest = choose(others, this.#cores, count - first.length)
    return rest && [...first, ...rest].sort((a, b) => a - b)
  }

  /** What a container that starts now runs on, and what it should remember. */
  cpusOf(pod: Pod, container: Container): { cpus: string; own: boolean } {
    const given = this.#given.get(pod.metadata.uid!)?.get(container.name)
    return { cpus: cpuListText(given ?? this.#shared()), own: given !== undefined }
  }

  /** Nothing of the pod runs any more. */
  release(uid: string): void {
    this.#reusable.delete(uid)
    if (this.#given.delete(uid)) this.#share()
  }

  /** All pods are known now: what others had is free again. */
  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#given.keys()) if (!uids.has(uid)) this.release(uid)
  }

  #note(uid: string, container: string, cpus: number[]): void {
    if (!this.#given.has(uid)) this.#given.set(uid, new Map())
    this.#given.get(uid)!.set(container, cpus)
  }

  #entries(): Kept['entries'] {
    const texts = (pod: ReadonlyMap<string, number[]>) =>
      Object.fromEntries([...pod].map(([name, cpus]) => [name, cpuListText(cpus)]))
    return Object.fromEntries([...this.#given].map(([uid, pod]) => [uid, texts(pod)]))
  }

  #taken(): Set<number> {
    return new Set([...this.#given.values()].flatMap(pod => [...pod.values()].flat()))
  }

  /** What no container has for itself, as far as those that share may have it. Never empty: a runtime takes that for all. */
  #shared(): number[] {
    const taken = this.#taken()
    const left = this.#all.filter(cpu => !taken.has(cpu))
    if (!this.#options.strictReservation) return left
    const others = left.filter(cpu => !this.#reserved.has(cpu))
    return others.length ? others : left
  }

  /** What one container may still have for itself. */
  #free(): Set<number> {
    return new Set(this.#shared().filter(cpu => !this.#reserved.has(cpu)))
  }

  /** The same for a container of this pod, which may have what its init containers had. */
  #freeFor(uid: string): Set<number> {
    return new Set([...this.#free(), ...(this.#reusable.get(uid) ?? [])].sort((a, b) => a - b))
  }

  /** What a container has for itself, ascending; none if it shares. */
  exclusive(podUid: string, container: string): readonly number[] {
    return this.#given.get(podUid)?.get(container) ?? []
  }

  /** What containers may have for themselves, whoever has it now. */
  get allocatable(): readonly number[] {
    return this.#all.filter(cpu => !this.#reserved.has(cpu))
  }

  /** How many processors containers have for themselves, and how many they still may have. */
  get counts(): { exclusive: number; free: number } {
    return { exclusive: this.#taken().size, free: this.#free().size }
  }

  /** Containers that share run on what is left from now on. */
  #share(): void {
    const { runtime, view, log } = this.#options
    this.#kept
      .set({ policyName: 'static', defaultCpuSet: cpuListText(this.#shared()), entries: this.#entries() })
      .catch(error => log.warn({ error: explain(error) }, 'who has which processors was not written down'))
    this.#sharing = this.#sharing.then(async () => {
      const cpusetCpus = cpuListText(this.#shared())
      for (const pod of view.all())
        for (const { id, name, state } of pod.containers) {
          if (state !== 'running' || this.#given.get(pod.uid)?.has(name)) continue
          await runtime
            .updateResources(id, { cpusetCpus })
            .catch(error => log.warn({ container: id, error: explain(error) }, 'container not moved to its processors'))
        }
    })
  }
}
