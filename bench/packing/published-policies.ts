import { fitsDevices, tightest } from '../../src/scheduler/gpu/device-ledger.ts'
import { deviceMilli, isShare } from '../../src/scheduler/gpu/gpu-request.ts'
import type { GpuRequest, NodeView, PodInfo, Profile, SchedulerPlugin, Snapshot } from '../../src/scheduler/index.ts'
import { ClusterState, defaultProfile } from '../../src/scheduler/index.ts'
import type { Trace } from './trace.ts'

/** What a published policy needs of one node, in thousandths. */
interface Room {
  cpu: number
  model: string
  free: Int32Array
}

/** A kind of pod with its part of all pods. */
interface Typical {
  cpu: number
  request: GpuRequest | undefined
  part: number
}

const cpuColumn = 0
const cpuOf = ({ class: { requests } }: PodInfo) => requests.amounts[requests.columns.indexOf(cpuColumn)] ?? 0
const sum = (amounts: Int32Array) => amounts.reduce((total, milli) => total + milli, 0)

function roomOf({ columns, gpus }: Snapshot, { index }: NodeView): Room {
  const { free, model } = gpus.ledger.at(index)!
  const cpu = columns.allocatable[cpuColumn]![index]! - columns.requested[cpuColumn]![index]!
  return { cpu, model: gpus.ledger.models[model]!, free }
}

function profileWith(plugin: SchedulerPlugin): Profile {
  const rules = defaultProfile.plugins.map(p => ({ ...p, weight: 0 })).filter(p => p.plugin.name !== 'GpuFragmentation')
  return { ...defaultProfile, plugins: [...rules, { plugin, weight: 1 }] }
}

interface State {
  info: PodInfo
  snapshot: Snapshot
}

/** The first node that fits, and there the tightest devices. */
export const firstFit: Profile = profileWith({
  name: 'FirstFit',
  prepare: (_pod, snapshot, info) => ({ info, snapshot }),
  reserve({ info, snapshot }: State, node) {
    const { gpu } = info.class
    if (gpu) info.gpu = { node: node.name, devices: tightest(roomOf(snapshot, node).free, gpu) }
    return undefined
  },
})

/** BestFit of the FGD paper: least CPU and devices left, in whole points between the worst and the best node. */
export const bestFit: Profile = profileWith({
  name: 'BestFit',
  prepare: (_pod, snapshot, info) => ({ info, snapshot }),
  score({ info, snapshot }: State, node) {
    const { cpu, free } = roomOf(snapshot, node)
    const { gpu } = info.class
    const left = sum(free) - (gpu ? gpu.devices * gpu.milliEach : 0)
    return Math.trunc(100 * (1 - (0.5 * (cpu - cpuOf(info))) / 128_000 - (0.5 * left) / 8_000))
  },
  normalize(_state, scores) {
    const low = Math.min(...scores)
    const range = Math.max(...scores) - low
    for (let i = 0; i < scores.length; i++) scores[i] = range ? Math.trunc(((scores[i]! - low) * 100) / range) : 0
  },
  reserve({ info, snapshot }: State, node) {
    const { gpu } = info.class
    if (gpu) info.gpu = { node: node.name, devices: tightest(roomOf(snapshot, node).free, gpu) }
    return undefined
  },
})

/** FGD as published: it knows the distribution of the whole workload beforehand. */
export function fragmentationGradient(trace: Trace): Profile {
  const typical = typicalPods(trace)
  return profileWith({
    name: 'FGD',
    prepare: (_pod, snapshot, info) => ({ info, snapshot }),
    score({ info, snapshot }: State, node) {
      return best(roomOf(snapshot, node), info, typical).score
    },
    reserve({ info, snapshot }: State, node) {
      if (info.class.gpu) info.gpu = { node: node.name, devices: best(roomOf(snapshot, node), info, typical).devices }
      return undefined
    },
  })
}

function best(room: Room, info: PodInfo, typical: readonly Typical[]) {
  const { gpu } = info.class
  const before = fragments(room, typical)
  const options = gpu && isShare(gpu) ? eachDevice(room.free, gpu) : [gpu ? tightest(room.free, gpu) : []]
  let found = { score: Number.NEGATIVE_INFINITY, devices: options[0]! }
  for (const devices of options) {
    const free = room.free.slice()
    for (const device of devices) free[device]! -= gpu!.milliEach
    const after = fragments({ ...room, cpu: room.cpu - cpuOf(info), free }, typical)
    const score = Math.trunc(100 / (1 + Math.exp((after - before) / deviceMilli)))
    if (score > found.score) found = { score, devices }
  }
  return found
}

function eachDevice(free: Int32Array, { milliEach }: GpuRequest): number[][] {
  return [...free.keys()].filter(d => free[d]! >= milliEach).map(d => [d])
}

/** Thousandths that a random pod of the distribution could not use. */
function fragments({ cpu, model, free }: Room, typical: readonly Typical[]): number {
  const total = sum(free)
  let lost = 0
  for (const { cpu: wanted, request, part } of typical) {
    const useless = !request || cpu < wanted || (request.models && !request.models.includes(model))
    if (useless || !fitsDevices(free, request)) lost += part * total
    else for (const milli of free) if (milli < request.milliEach) lost += part * milli
  }
  return lost
}

/** The most frequent kinds of pods that make up 95 % of all. */
function typicalPods(trace: Trace): Typical[] {
  const state = new ClusterState()
  const kinds = new Map<string, Typical>()
  for (const pod of trace.pods) {
    const info = state.classes.admit(pod)
    const { gpu } = info.class
    const key = `${cpuOf(info)} ${gpu?.devices} ${gpu?.milliEach} ${gpu?.models?.join('|')}`
    const known = kinds.get(key) ?? { cpu: cpuOf(info), request: gpu, part: 0 }
    known.part += 1 / trace.pods.length
    kinds.set(key, known)
  }
  let covered = 0
  const frequent: Typical[] = []
  for (const kind of [...kinds.values()].sort((a, b) => b.part - a.part)) {
    if (covered >= 0.95) break
    covered += kind.part
    frequent.push(kind)
  }
  return frequent.map(kind => ({ ...kind, part: kind.part / covered }))
}
