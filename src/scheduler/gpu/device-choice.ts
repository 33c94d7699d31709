import type { PodClass } from '../pod-class.ts'
import { cpu, memory } from '../resource-table.ts'
import type { Snapshot } from '../snapshot.ts'
import { tightest } from './device-ledger.ts'
import { deviceMilli, type GpuRequest, isShare } from './gpu-request.ts'

/** What a pod takes from a node. */
export interface Wanted {
  cpuMillis: number
  memoryBytes: number
  request: GpuRequest | undefined
}

export function wantedBy({ requests: { columns, amounts }, gpu }: PodClass): Wanted {
  return {
    cpuMillis: amounts[columns.indexOf(cpu)] ?? 0,
    memoryBytes: amounts[columns.indexOf(memory)] ?? 0,
    request: gpu,
  }
}

/** Scratch for trying devices out: no decision yields, so one is enough. */
let rest = new Int32Array(16)

/**
 * How many thousandths fewer pods to come would use of a node if a pod that fits there took its best devices: expected use
 * before (fill-value.ts), less the pod's own, less expected use after. Below 0 where the pod makes the rest more useful.
 */
export function lossOf(wanted: Wanted, row: number, { gpus, columns }: Snapshot): number {
  const { free, model } = gpus.ledger.at(row)!
  const cpuLeft = columns.allocatable[cpu]![row]! - columns.requested[cpu]![row]!
  const memoryLeft = columns.allocatable[memory]![row]! - columns.requested[memory]![row]!
  const before = gpus.valueOf(cpuLeft, memoryLeft, model, free, free.length)
  const { request } = wanted
  const cpuRest = cpuLeft - wanted.cpuMillis
  const memoryRest = memoryLeft - wanted.memoryBytes
  if (!request) return before - gpus.valueOf(cpuRest, memoryRest, model, free, free.length)
  copyInto(free)
  if (isShare(request)) {
    const device = bestDevice(request.milliEach, cpuRest, memoryRest, row, gpus)
    rest[device]! -= request.milliEach
  } else takeWhole(request.devices, free.length)
  const after = gpus.valueOf(cpuRest, memoryRest, model, rest, free.length)
  return before - request.devices * request.milliEach - after
}

/** The devices that `lossOf` has in mind. */
export function chooseDevices(wanted: Wanted, row: number, { gpus, columns }: Snapshot): readonly number[] {
  const request = wanted.request!
  const { free } = gpus.ledger.at(row)!
  if (!isShare(request) || !gpus.demand.version) return tightest(free, request)
  copyInto(free)
  const cpuRest = columns.allocatable[cpu]![row]! - columns.requested[cpu]![row]! - wanted.cpuMillis
  const memoryRest = columns.allocatable[memory]![row]! - columns.requested[memory]![row]! - wanted.memoryBytes
  return [bestDevice(request.milliEach, cpuRest, memoryRest, row, gpus)]
}

/** Leaves the scratch as it was. */
function bestDevice(milli: number, cpuRest: number, memoryRest: number, row: number, gpus: Snapshot['gpus']): number {
  const { free, model } = gpus.ledger.at(row)!
  let best = -1
  let bestAfter = Number.NEGATIVE_INFINITY
  for (let device = 0; device < free.length; device++) {
    const before = free[device]!
    // Devices that are equally free are worth the same.
    if (before < milli || free.indexOf(before) < device) continue
    rest[device] = before - milli
    const after = gpus.valueOf(cpuRest, memoryRest, model, rest, free.length)
    rest[device] = before
    if (after <= bestAfter) continue
    bestAfter = after
    best = device
  }
  return best
}

function copyInto(free: Int32Array): void {
  if (rest.length < free.length) rest = new Int32Array(free.length)
  for (let device = 0; device < free.length; device++) rest[device] = free[device]!
}

function takeWhole(devices: number, length: number): void {
  let left = devices
  for (let device = 0; device < length && left; device++)
    if (rest[device]! >= deviceMilli) {
      rest[device]! -= deviceMilli
      left--
    }
}
