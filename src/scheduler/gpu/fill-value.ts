import type { Demand, PodKind } from './demand.ts'
import type { GapValues } from './gap-values.ts'
import { deviceMilli } from './gpu-request.ts'
import { NumberTable } from './number-table.ts'

/** Memory is looked at in steps, so that nodes that differ by little share one answer. */
const memoryStep = 4 * 2 ** 30
/** How much keeping room for one pod of several devices counts, as a part of its devices times their part of the demand. */
const roomWeight = 0.25
const mostRemembered = 400_000
/** These are larger: one number of each kind for each future. */
const mostUnhindered = 20_000

/** No node has as much: nothing is stranded. */
const plenty = Number.MAX_SAFE_INTEGER

/**
 * How many thousandths of devices pods yet to come are expected to use of a node:
 *
 * - its gaps at the prices that they have in the whole cluster (gap-values.ts),
 * - less what CPU and memory strand. In a sample of futures, pods drawn from the distribution seen so far arrive one after the
 *   other and stay if they fit; what the devices end up giving with plenty of both, less what they give with what is there, is
 *   stranded. So they cost something long before they have run out.
 * - and the room for pods of several devices, which are rare but need a node nearly empty: futures of one node alone
 *   would spend it.
 */
export class FillValue {
  #columns: Columns | undefined
  #version = -1
  #known = new NumberTable()
  #unhindered = new Map<number, Unhindered>()
  #work = new Int32Array(16)
  #sorted = new Int32Array(16)
  readonly #left = { cpu: 0, memory: 0 }

  /** Takes in what was learned. @param models names by number */
  learn(demand: Demand, models: readonly string[]): void {
    if (this.#version === demand.version && this.#columns?.models === models.length) return
    this.#version = demand.version
    this.#columns = columnsOf(demand, models)
    this.#known = new NumberTable()
    this.#unhindered = new Map()
  }

  /** @param free thousandths, by device; the first `devices` count */
  of(
    cpuMillis: number,
    memoryBytes: number,
    model: number,
    free: Int32Array,
    devices: number,
    gaps: GapValues,
  ): number {
    const used = this.#sort(free, devices)
    let value = used ? this.#beside(cpuMillis, memoryBytes, this.#columns!.alike[model]!, used) : 0
    for (let d = 0; d < devices; d++) if (free[d]! > 0) value += gaps.of(free[d]!)
    return value
  }

  /** What comes to the gaps. */
  #beside(cpuMillis: number, memoryBytes: number, model: number, used: number): number {
    const memorySteps = Math.floor(memoryBytes / memoryStep)
    const key = this.#key(cpuMillis, memorySteps, model, used)
    let value = this.#known.get(key)
    if (value !== undefined) return value
    const steppedBytes = memorySteps * memoryStep
    const most = this.#unhinderedFill(model, used)
    const hindered = cpuMillis < most.cpuMillis || steppedBytes < most.memoryBytes
    const stranded = hindered ? most.filled - this.#hinderedFill(cpuMillis, steppedBytes, model, used, most) : 0
    value = this.#rooms(cpuMillis, steppedBytes, model, used) - stranded
    if (this.#known.size >= mostRemembered) this.#known = new NumberTable()
    this.#known.set(key, value)
    return value
  }

  #unhinderedFill(model: number, used: number): Unhindered {
    const key = this.#key(0, 0, model, used)
    const known = this.#unhindered.get(key)
    if (known !== undefined) return known
    const value = this.#fillWithPlenty(model, used)
    if (this.#unhindered.size >= mostUnhindered) this.#unhindered.clear()
    this.#unhindered.set(key, value)
    return value
  }

  #fillWithPlenty(model: number, used: number): Unhindered {
    const { runs } = this.#columns!
    // Plain numbers lie in a list itself; a typed array has memory of its own, and there are thousands.
    const byRun: ByRun = { filled: [], cpu: [], memory: [] }
    const left = this.#left
    let sum = 0
    let mostCpu = 0
    let mostMemory = 0
    for (let run = 0; run < runs; run++) {
      const filled = this.#runOf(run, plenty, plenty, model, used)
      sum += filled
      const cpu = plenty - left.cpu
      const memory = plenty - left.memory
      byRun.filled.push(filled)
      byRun.cpu.push(cpu)
      byRun.memory.push(memory)
      if (cpu > mostCpu) mostCpu = cpu
      if (memory > mostMemory) mostMemory = memory
    }
    return { filled: sum / Math.max(runs, 1), cpuMillis: mostCpu, memoryBytes: mostMemory, byRun }
  }

  /** A future that takes no more than there is goes as it would with plenty. */
  #hinderedFill(cpuMillis: number, memoryBytes: number, model: number, used: number, { byRun }: Unhindered): number {
    const { runs } = this.#columns!
    let sum = 0
    for (let run = 0; run < runs; run++)
      sum +=
        byRun.cpu[run]! <= cpuMillis && byRun.memory[run]! <= memoryBytes
          ? byRun.filled[run]!
          : this.#runOf(run, cpuMillis, memoryBytes, model, used)
    return sum / Math.max(runs, 1)
  }

  /** Devices with room for any pod at all, the fullest first, into `#sorted`. @returns how many */
  #sort(free: Int32Array, devices: number): number {
    if (devices > this.#sorted.length) {
      this.#sorted = new Int32Array(devices)
      this.#work = new Int32Array(devices)
    }
    const sorted = this.#sorted
    const { least } = this.#columns!
    let used = 0
    for (let d = 0; d < devices; d++) {
      const milli = free[d]!
      if (milli < least) continue
      let at = used++
      for (; at > 0 && sorted[at - 1]! > milli; at--) sorted[at] = sorted[at - 1]!
      sorted[at] = milli
    }
    return used
  }

  /** 53 bits of a hash: equal states share one, others practically never do. */
  #key(cpuMillis: number, memorySteps: number, model: number, used: number): number {
    let a = Math.imul(cpuMillis ^ 0x9e3779b9, 0x85ebca6b)
    let b = Math.imul(memorySteps ^ 0x27d4eb2f, 0xc2b2ae35)
    a = mix(a, model)
    b = mix(b, cpuMillis)
    for (let d = 0; d < used; d++) {
      a = mix(a, this.#sorted[d]! + memorySteps)
      b = mix(b, this.#sorted[d]! + 7 * model)
    }
    return (a >>> 0) * 2 ** 21 + ((b ^ (b >>> 11)) & 0x1fffff)
  }

  /** One future. @returns thousandths that its pods take; what they leave of CPU and memory is in `#left` */
  #runOf(run: number, cpuMillis: number, memoryBytes: number, model: number, used: number): number {
    const { length, cpu, memory, devices, milli, fits, models, still } = this.#columns!
    const work = this.#work
    let total = 0
    for (let d = 0; d < used; d++) {
      work[d] = this.#sorted[d]!
      total += work[d]!
    }
    let cpuLeft = cpuMillis
    let memoryLeft = memoryBytes
    let left = total
    for (let i = run * length; i < (run + 1) * length; i++) {
      // Of all that is still to come, the least of each is too much.
      if (still.milli[i]! > left || still.cpu[i]! > cpuLeft || still.memory[i]! > memoryLeft) break
      const each = milli[i]!
      const count = devices[i]!
      if (cpu[i]! > cpuLeft || memory[i]! > memoryLeft || each * count > left) continue
      if (!fits[i * models + model]) continue
      if (!(count === 1 ? takeTightest(work, used, each) : takeAll(work, used, count, each))) continue
      cpuLeft -= cpu[i]!
      memoryLeft -= memory[i]!
      left -= each * count
    }
    this.#left.cpu = cpuLeft
    this.#left.memory = memoryLeft
    return total - left
  }

  #rooms(cpuMillis: number, memoryBytes: number, model: number, used: number): number {
    const { large } = this.#columns!
    if (!large.length) return 0
    let value = 0
    let whole = 0
    for (let d = 0; d < used; d++) if (this.#sorted[d]! >= deviceMilli) whole++
    for (const { kind, part, fits } of large) {
      if (whole < kind.devices || !fits[model]) continue
      const byCpu = kind.cpuMillis ? Math.floor(cpuMillis / kind.cpuMillis) : whole
      const byMemory = kind.memoryBytes ? Math.floor(memoryBytes / kind.memoryBytes) : whole
      const rooms = Math.min(Math.floor(whole / kind.devices), byCpu, byMemory)
      value += roomWeight * part * kind.devices * deviceMilli * rooms
    }
    return value
  }
}

/** What devices give with plenty of CPU and memory. */
interface Unhindered {
  filled: number
  /** The most that any future took: with as much there is plenty. */
  cpuMillis: number
  memoryBytes: number
  /** What each future filled and took. */
  byRun: ByRun
}

interface ByRun {
  filled: number[]
  cpu: number[]
  memory: number[]
}

/** A sample in typed arrays. */
interface Columns {
  runs: number
  length: number
  /** The smallest share of all, in thousandths. */
  least: number
  models: number
  /** By model: the first of those that do for the very same arrivals. */
  alike: Int32Array
  cpu: Float64Array
  memory: Float64Array
  devices: Int32Array
  milli: Int32Array
  /** By arrival and model: will it do? */
  fits: Uint8Array
  large: readonly { kind: PodKind; part: number; fits: readonly boolean[] }[]
  /** By arrival: the least that it or any later one of its run wants, each resource for itself. */
  still: { cpu: Float64Array; memory: Float64Array; milli: Float64Array }
}

function leastFromEachOn(amounts: ArrayLike<number>, length: number): Float64Array {
  const least = Float64Array.from(amounts)
  for (let i = least.length - 2; i >= 0; i--) if ((i + 1) % length) least[i] = Math.min(least[i]!, least[i + 1]!)
  return least
}

/** Written out plainly: it is made anew with all that is learned, when most of this code has never run. */
function columnsOf({ sample: { runs, length, kinds }, large }: Demand, models: readonly string[]): Columns {
  const cpu = new Float64Array(kinds.length)
  const memory = new Float64Array(kinds.length)
  const all = new Float64Array(kinds.length)
  const devices = new Int32Array(kinds.length)
  const milli = new Int32Array(kinds.length)
  const fits = new Uint8Array(kinds.length * models.length)
  const distinct = new Map<PodKind, Uint8Array>()
  let least = deviceMilli
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i]!
    cpu[i] = kind.cpuMillis
    memory[i] = kind.memoryBytes
    devices[i] = kind.devices
    milli[i] = kind.milliEach
    all[i] = kind.devices * kind.milliEach
    least = Math.min(least, kind.milliEach)
    let where = distinct.get(kind)
    if (!where) distinct.set(kind, (where = Uint8Array.from(models, model => (accepts(kind, model) ? 1 : 0))))
    fits.set(where, i * models.length)
  }
  return {
    runs,
    length,
    least,
    models: models.length,
    alike: alikeModels([...distinct.keys(), ...large.map(l => l.kind)], models),
    cpu,
    memory,
    devices,
    milli,
    fits,
    still: {
      cpu: leastFromEachOn(cpu, length),
      memory: leastFromEachOn(memory, length),
      milli: leastFromEachOn(all, length),
    },
    large: large.map(l => ({ ...l, fits: models.map(model => accepts(l.kind, model)) })),
  }
}

function alikeModels(kinds: readonly PodKind[], models: readonly string[]): Int32Array {
  const first = new Map<string, number>()
  const lists = new Set(kinds.map(k => k.models?.join('|')))
  return Int32Array.from(models, (name, model) => {
    const taken = [...lists].map(list => (list === undefined || list.split('|').includes(name) ? 1 : 0)).join('')
    if (!first.has(taken)) first.set(taken, model)
    return first.get(taken)!
  })
}

const accepts = ({ models }: PodKind, model: string) => !models || models.includes(model)

function takeTightest(work: Int32Array, used: number, milli: number): boolean {
  let best = -1
  for (let d = 0; d < used; d++) if (work[d]! >= milli && (best < 0 || work[d]! < work[best]!)) best = d
  if (best < 0) return false
  work[best]! -= milli
  return true
}

function takeAll(work: Int32Array, used: number, count: number, milli: number): boolean {
  let fitting = 0
  for (let d = 0; d < used; d++) if (work[d]! >= milli) fitting++
  if (fitting < count) return false
  let left = count
  for (let d = 0; d < used && left; d++)
    if (work[d]! >= milli) {
      work[d]! -= milli
      left--
    }
  return true
}

function mix(hash: number, value: number): number {
  let h = Math.imul(hash ^ value, 0x9e3779b1)
  h ^= h >>> 15
  return Math.imul(h, 0x85ebca77)
}
