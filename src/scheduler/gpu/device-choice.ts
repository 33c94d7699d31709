import type { PodClass } from '../pod-class.ts'
import { cpu, memory } from '../resource-table.ts'
import type { Snapshot } from '../snapshot.ts'
import type { ByCondition } from './conditions.ts'
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
 * @param known losses of the same pod elsewhere: nodes in one condition lose the same
 */
export function lossOf(wanted: Wanted, row: number, { gpus, columns }: Snapshot, known: ByCondition): number {
  const cpuLeft = columns.allocatable[cpu]![row]! - columns.requested[cpu]![row]!
  const memoryLeft = columns.allocatable[memory]![row]! - columns.requested[memory]![row]!
  return lossWith(wanted, row, cpuLeft, memoryLeft, gpus, known)
}

/** `lossOf` every row of devices whose refusal is 0, below 0 for what is lost; 0 for other such rows. */
export function gainsOf(
  wanted: Wanted,
  { gpus, columns: { allocatable, requested } }: Snapshot,
  known: ByCondition,
  refusal: Int32Array,
  gains: Float64Array,
  rows: number,
): void {
  const [cpuAll, cpuTaken] = [allocatable[cpu]!, requested[cpu]!]
  const [memoryAll, memoryTaken] = [allocatable[memory]!, requested[memory]!]
  for (let row = 0; row < rows; row++) {
    if (refusal[row] !== 0) continue
    const cpuLeft = cpuAll[row]! - cpuTaken[row]!
    const memoryLeft = memoryAll[row]! - memoryTaken[row]!
    gains[row] = gpus.ledger.at(row) ? -lossWith(wanted, row, cpuLeft, memoryLeft, gpus, known) : 0
  }
}

function lossWith(
  wanted: Wanted,
  row: number,
  cpuLeft: number,
  memoryLeft: number,
  gpus: Snapshot['gpus'],
  known: ByCondition,
): number {
  const condition = gpus.conditionOf(row, cpuLeft, memoryLeft)
  let loss = known.get(condition, gpus.pricing())
  if (loss === undefined) {
    const before = gpus.worthOf(condition, row, cpuLeft, memoryLeft)
    loss = lossFrom(before, wanted, row, cpuLeft - wanted.cpuMillis, memoryLeft - wanted.memoryBytes, gpus)
    known.set(condition, loss)
  }
  return loss
}

function lossFrom(
  before: number,
  { request }: Wanted,
  row: number,
  cpuRest: number,
  memoryRest: number,
  gpus: Snapshot['gpus'],
): number {
  const { free, model } = gpus.ledger.at(row)!
  if (!request) return before - gpus.valueOf(cpuRest, memoryRest, model, free, free.length)
  const milli = request.devices * request.milliEach
  copyInto(free)
  if (isShare(request)) return before - milli - best(request.milliEach, cpuRest, memoryRest, row, gpus).after
  takeWhole(request.devices, free.length)
  return before - milli - gpus.valueOf(cpuRest, memoryRest, model, rest, free.length)
}

/** The devices that `lossOf` has in mind. */
export function chooseDevices(wanted: Wanted, row: number, { gpus, columns }: Snapshot): readonly number[] {
  const request = wanted.request!
  const { free } = gpus.ledger.at(row)!
  if (!isShare(request) || !gpus.demand.version) return tightest(free, request)
  copyInto(free)
  const cpuRest = columns.allocatable[cpu]![row]! - columns.requested[cpu]![row]! - wanted.cpuMillis
  const memoryRest = columns.allocatable[memory]![row]! - columns.requested[memory]![row]! - wanted.memoryBytes
  return [best(request.milliEach, cpuRest, memoryRest, row, gpus).device]
}

/** Used again and again: the next question overwrites it. */
const found = { device: -1, after: 0 }

/** On which device a share does best, and what the node is worth then. Leaves the scratch as it was. */
function best(milli: number, cpuRest: number, memoryRest: number, row: number, gpus: Snapshot['gpus']) {
  const { free, model } = gpus.ledger.at(row)!
  found.device = -1
  found.after = Number.NEGATIVE_INFINITY
  for (let device = 0; device < free.length; device++) {
    const before = free[device]!
    // Devices that are equally free are worth the same.
    if (before < milli || free.indexOf(before) < device) continue
    rest[device] = before - milli
    const after = gpus.valueOf(cpuRest, memoryRest, model, rest, free.length)
    rest[device] = before
    if (after <= found.after) continue
    found.after = after
    found.device = device
  }
  return found
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
