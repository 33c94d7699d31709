import { timeText } from '../../base/clock.ts'
import type {
  ContainerImage,
  Node,
  NodeAddress,
  NodeCondition,
  NodeRuntimeHandler,
  NodeStatus,
} from '../../models/types/core-v1.ts'
import type { RuntimeHandler } from '../../runtime/runtime.ts'
import type { DeviceOffers } from '../device/device-plugins.ts'
import type { Machine } from './machine.ts'
import { allocatableToPods, type Reservation } from './reservation.ts'

/** What the agent knows of its node's health. */
export interface NodeHealth {
  /** Undefined: ready; else why not. */
  notReady: string | undefined
  memoryPressure: boolean
  diskPressure: boolean
  pidPressure: boolean
  /** What the runtime last said that it can do. */
  handlers: readonly RuntimeHandler[]
}

export interface NodeFactsForStatus {
  machine: Machine
  /** All that pods may not request. */
  reserved: Reservation
  addresses: NodeAddress[]
  images: ContainerImage[]
  runtimeVersion: string
  agentVersion: string
  /** Of the agent's server; undefined without one. */
  port: number | undefined
  health: NodeHealth
  /** Attached volumes that must not be detached yet; undefined: this agent has none and says nothing of them. */
  volumesInUse?: string[] | undefined
  /** Of device plugins. */
  offers?: DeviceOffers
  nowMs: number
}

/**
 * The status of the node, over what the API has: entries of capacity that are not ours (device plugins, administrators)
 * stay, and are allocatable as well. Pure.
 */
export function nodeStatus(old: NodeStatus | undefined, facts: NodeFactsForStatus): NodeStatus {
  const { machine, reserved, addresses, images, port, volumesInUse } = facts
  const offered = (part: 'capacity' | 'allocatable') =>
    Object.fromEntries(Object.entries(facts.offers ?? {}).map(([name, offer]) => [name, offer[part]]))
  const capacity = { ...old?.capacity, ...machine.capacity, ...offered('capacity') }
  const { daemonEndpoints: _, volumesInUse: before, runtimeHandlers: __, ...kept } = old ?? {}
  const inUse = volumesInUse ?? before ?? []
  return {
    ...kept,
    capacity,
    allocatable: { ...allocatableToPods(capacity, reserved), ...offered('allocatable') },
    addresses,
    conditions: conditions(old?.conditions ?? [], facts),
    ...(inUse.length ? { volumesInUse: inUse } : {}),
    ...(port === undefined ? {} : { daemonEndpoints: { kubeletEndpoint: { Port: port } } }),
    nodeInfo: {
      ...machine.info,
      containerRuntimeVersion: facts.runtimeVersion,
      kubeletVersion: facts.agentVersion,
      kubeProxyVersion: facts.agentVersion,
    },
    ...(facts.health.handlers.length ? { runtimeHandlers: facts.health.handlers.map(handlerStatus) } : {}),
    images,
  }
}

function handlerStatus({ name, recursiveReadOnlyMounts, userNamespaces }: RuntimeHandler): NodeRuntimeHandler {
  return { name, features: { recursiveReadOnlyMounts, userNamespaces } }
}

function conditions(old: NodeCondition[], { health, nowMs }: NodeFactsForStatus): NodeCondition[] {
  const pressure = (type: string, name: string, under: boolean, plain: string): NodeCondition => ({
    type,
    status: under ? 'True' : 'False',
    reason: under ? `KubeletHas${name}` : `KubeletHas${plain}`,
    message: under
      ? `kubelet has ${type === 'MemoryPressure' ? 'insufficient memory available' : type === 'DiskPressure' ? 'disk pressure' : 'insufficient PID available'}`
      : `kubelet has ${plain === 'NoDiskPressure' ? 'no disk pressure' : `sufficient ${plain === 'SufficientPID' ? 'PID' : 'memory'} available`}`,
  })
  const own = [
    pressure('MemoryPressure', 'InsufficientMemory', health.memoryPressure, 'SufficientMemory'),
    pressure('DiskPressure', 'DiskPressure', health.diskPressure, 'NoDiskPressure'),
    pressure('PIDPressure', 'InsufficientPID', health.pidPressure, 'SufficientPID'),
    health.notReady === undefined
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: health.notReady },
  ]
  const now = timeText(nowMs)
  const merged = own.map(condition => {
    const before = old.find(c => c.type === condition.type)
    const since = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime: since }
  })
  return [...old.filter(c => !own.some(o => o.type === c.type)), ...merged]
}

/** True when two statuses differ in more than the time of the heartbeat. */
export function differs(a: NodeStatus | undefined, b: NodeStatus): boolean {
  return JSON.stringify(withoutTimes(a)) !== JSON.stringify(withoutTimes(b))
}

function withoutTimes(status: NodeStatus | undefined) {
  if (!status) return undefined
  const plain = {
    ...status,
    conditions: (status.conditions ?? [])
      .map(({ lastHeartbeatTime: _, ...condition }) => sorted(condition))
      .sort((x, y) => (String(x['type']) < String(y['type']) ? -1 : 1)),
  }
  return sorted(plain)
}

/** Keys in order, so that equal objects make equal texts. */
function sorted(value: unknown): any {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([key, v]) => [key, sorted(v)]),
  )
}

/** Labels that every node has, whatever else it is given. */
export function standardLabels(nodeName: string, machine: Machine): Record<string, string> {
  const { architecture, operatingSystem } = machine.info
  return {
    'kubernetes.io/arch': architecture,
    'kubernetes.io/os': operatingSystem,
    'kubernetes.io/hostname': nodeName,
    'beta.kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': operatingSystem,
  }
}

export type { Node }
