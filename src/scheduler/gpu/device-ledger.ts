import type { Node } from '../../models/types/core-v1.ts'
import type { PodInfo } from '../pod-class.ts'
import { annotatedDevices, deviceMilli, type GpuRequest, gpuModelOf } from './gpu-request.ts'

/** Which devices of which node a pod sits on. */
export interface GpuPlace {
  node: string
  devices: readonly number[]
}

/** The devices of one node. */
export interface Devices {
  model: number
  /** Thousandths, by device. */
  capacity: Int32Array
  free: Int32Array
  /** Another number after every change of `free`, which no other state of that row has had. */
  changes: number
}

/** What is free on every device of every node that shares its devices, kept as pods come and go. */
export class DeviceLedger {
  readonly models: string[] = []
  /** By model: thousandths that are free, and all of them. */
  readonly freeByModel: number[] = []
  /** Thousandths, of all nodes. */
  capacityMilli = 0
  readonly #rows: (Devices | undefined)[] = []
  /** Nodes with devices. */
  size = 0
  /** Grows with every change. */
  version = 0

  at(row: number): Devices | undefined {
    return this.#rows[row]
  }

  /** @param milli as the node allows; 1000 a device, and what is left over is one smaller device */
  setNode(row: number, node: Node, milli: number): void {
    this.removeNode(row)
    if (milli <= 0) return
    const model = this.#modelNumber(gpuModelOf(node))
    const capacity = new Int32Array(Math.ceil(milli / deviceMilli)).fill(deviceMilli)
    if (milli % deviceMilli) capacity[capacity.length - 1] = milli % deviceMilli
    this.#rows[row] = { model, capacity, free: capacity.slice(), changes: ++this.version }
    this.freeByModel[model]! += milli
    this.capacityMilli += milli
    this.size++
  }

  removeNode(row: number): void {
    const devices = this.#rows[row]
    if (!devices) return
    this.freeByModel[devices.model]! -= sum(devices.free)
    this.capacityMilli -= sum(devices.capacity)
    this.#rows[row] = undefined
    this.size--
    this.version++
  }

  /** How many devices have so much free, by thousandths, where it is neither nothing nor a whole one. */
  gaps(): Map<number, number> {
    const gaps = new Map<number, number>()
    for (const devices of this.#rows)
      for (const milli of devices?.free ?? [])
        if (milli > 0 && milli < deviceMilli) gaps.set(milli, (gaps.get(milli) ?? 0) + 1)
    return gaps
  }

  /** Takes what the pod asks for: the devices that were chosen for it on this node, else those that fit most tightly. */
  add(row: number, node: string, info: PodInfo): void {
    const request = info.class.gpu
    const devices = this.#rows[row]
    if (!request || !devices) return
    const bound = info.pod.spec.nodeName === node ? annotatedDevices(info.pod) : undefined
    const promised = info.gpu?.node === node ? info.gpu.devices : undefined
    const known = (bound ?? promised)?.every(d => d < devices.free.length) ? (bound ?? promised) : undefined
    // Others may have taken what was promised; what is bound is bound.
    const stands = bound !== undefined || known?.every(d => devices.free[d]! >= request.milliEach)
    const chosen = known && stands ? known : tightest(devices.free, request)
    info.gpu = { node, devices: chosen }
    this.#take(devices, chosen, request.milliEach)
  }

  remove(row: number, info: PodInfo): void {
    const devices = this.#rows[row]
    if (info.class.gpu && devices && info.gpu) this.#take(devices, info.gpu.devices, -info.class.gpu.milliEach)
  }

  fork(): DeviceLedger {
    const copy = new DeviceLedger()
    copy.models.push(...this.models)
    copy.freeByModel.push(...this.freeByModel)
    for (const [row, devices] of this.#rows.entries())
      copy.#rows[row] = devices && { ...devices, free: devices.free.slice() }
    copy.capacityMilli = this.capacityMilli
    copy.size = this.size
    copy.version = this.version
    return copy
  }

  #take(devices: Devices, chosen: readonly number[], milli: number): void {
    for (const device of chosen) devices.free[device]! -= milli
    devices.changes = ++this.version
    this.freeByModel[devices.model]! -= milli * chosen.length
  }

  #modelNumber(name: string): number {
    const known = this.models.indexOf(name)
    if (known >= 0) return known
    this.freeByModel.push(0)
    return this.models.push(name) - 1
  }
}

/** Do so many devices have so much free? */
export function fitsDevices(free: Int32Array, { devices, milliEach }: GpuRequest): boolean {
  let fitting = 0
  for (const milli of free) if (milli >= milliEach && ++fitting >= devices) return true
  return false
}

/** The devices with the least to spare; where too few fit (somebody else has bound the pod), the emptiest. */
export function tightest(free: Int32Array, { devices, milliEach }: GpuRequest): readonly number[] {
  const all = [...free.keys()]
  const fitting = all.filter(d => free[d]! >= milliEach).sort((a, b) => free[a]! - free[b]! || a - b)
  const chosen = fitting.length >= devices ? fitting : all.sort((a, b) => free[b]! - free[a]! || a - b)
  return chosen.slice(0, devices)
}

function sum(amounts: Int32Array): number {
  let total = 0
  for (const amount of amounts) total += amount
  return total
}
