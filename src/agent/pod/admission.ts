import { requiredNodeTest } from '../../models/node-selector.ts'
import { tolerates } from '../../models/taints.ts'
import type { Pod, Taint } from '../../models/types/core-v1.ts'
import { exclusiveCpus } from '../cpu/assignment.ts'
import { annotations } from '../static/annotations.ts'
import { isCritical } from './critical.ts'
import { qosClassOf } from './qos.ts'
import type { Rejection, ResizeVerdict } from './rejection.ts'
import { podRequests, units } from './resources.ts'
import { sysctlProblem } from './sysctls.ts'

export interface NodeFacts {
  name: string
  labels: Record<string, string>
  allocatable: Record<string, string>
  /** Kernel settings that pods may change besides the safe ones. */
  unsafeSysctls?: readonly string[]
  /** Containers may have processors for themselves, which are given when they start. */
  exclusiveCpus?: boolean
  /** Guaranteed pods have their memory from NUMA nodes that were chosen for them. */
  ownMemory?: boolean
  /** The kernel has no AppArmor to hold containers to their profiles. */
  withoutAppArmor?: boolean
  /** The machine goes down. */
  goingDown?: boolean
  /** What the node runs short of: `MemoryPressure`. */
  pressure?: readonly string[]
}

/**
 * A second look by the node itself, since the scheduler may have known less, or was not asked at all.
 * @param others pods already running here
 */
export function admit(pod: Pod, others: readonly Pod[], node: NodeFacts): Rejection | undefined {
  if (node.goingDown) return { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' }
  return (
    systemProblem(pod) ??
    pressureProblem(pod, node.pressure ?? []) ??
    sysctlProblem(pod, node.unsafeSysctls ?? []) ??
    affinityProblem(pod, node) ??
    portProblem(pod, others) ??
    appArmorProblem(pod, node) ??
    resourceProblem(pod, others, node)
  )
}

/** A container that relies on its profile must not run without. */
function appArmorProblem({ spec }: Pod, { withoutAppArmor }: NodeFacts): Rejection | undefined {
  const { containers, initContainers = [], securityContext } = spec
  const profiles = [...containers, ...initContainers].map(
    one => (one.securityContext?.appArmorProfile ?? securityContext?.appArmorProfile)?.type ?? 'Unconfined',
  )
  if (!withoutAppArmor || profiles.every(type => type === 'Unconfined')) return undefined
  return { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' }
}

/** Containers run on Linux here. The scheduler does not look at `spec.os`: it wants a selector for that. */
function systemProblem({ spec }: Pod): Rejection | undefined {
  if (!spec.os || spec.os.name === 'linux') return undefined
  return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }
}

const memoryPressure: Taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' }

/** A node that runs short takes nobody who would make it worse. */
function pressureProblem(pod: Pod, pressure: readonly string[]): Rejection | undefined {
  if (!pressure.length || isCritical(pod)) return undefined
  if (pressure.join() === 'MemoryPressure') {
    if (qosClassOf(pod.spec) !== 'BestEffort' || tolerates(pod.spec.tolerations, memoryPressure)) return undefined
  }
  return {
    reason: 'Evicted',
    message: `Pod was rejected: The node had condition: [${pressure.join(' ')}]. `,
  }
}

function resourceProblem(pod: Pod, others: readonly Pod[], { allocatable }: NodeFacts): Rejection | undefined {
  const rejections: Rejection[] = []
  const shortage = new Map<string, number>()
  const check = (name: string, amount: number, before: number, free: number) => {
    if (before + amount <= free) return
    rejections.push(outOf(name, amount, before, free))
    shortage.set(name, before + amount - free)
  }
  const pods = allocatable['pods']
  if (pods !== undefined) check('pods', 1, others.length, Number(pods))
  const used = new Map<string, number>()
  for (const other of others)
    for (const [name, amount] of podRequests(other.spec)) used.set(name, (used.get(name) ?? 0) + amount)
  for (const [name, amount] of podRequests(pod.spec)) {
    const capacity = allocatable[name]
    // What no node knows is the cluster's: whoever gives it out has said yes.
    if (amount === 0 || (capacity === undefined && isExtended(name))) continue
    check(name, amount, used.get(name) ?? 0, units(name, capacity ?? '0'))
  }
  return rejections[0] && { ...rejections[0], shortage }
}

/** Given out by device plugins or outside of nodes. */
const isExtended = (resource: string): boolean => resource.includes('/') && !/(^|\.)kubernetes\.io\//.test(resource)

/** Whether a pod that runs here may have other resources. @param others pods already running here, without this one */
export function resizeProblem(pod: Pod, others: readonly Pod[], node: NodeFacts): ResizeVerdict | undefined {
  if (node.exclusiveCpus && pod.spec.containers.some(c => exclusiveCpus(pod, c) > 0)) return 'Infeasible'
  if (node.ownMemory && qosClassOf(pod.spec) === 'Guaranteed') return 'Infeasible'
  // What the node runs by itself follows its file.
  if (pod.metadata.annotations?.[annotations.source] === 'file' || resourceProblem(pod, [], node)) return 'Infeasible'
  return resourceProblem(pod, others, node) && 'Deferred'
}

function outOf(resource: string, requested: number, used: number, capacity: number): Rejection {
  return {
    reason: `OutOf${resource}`,
    message: `Pod was rejected: Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  }
}

function portProblem(pod: Pod, others: readonly Pod[]): Rejection | undefined {
  const wanted = hostPorts(pod)
  if (!wanted.length) return undefined
  for (const other of others)
    for (const taken of hostPorts(other))
      if (wanted.some(want => clash(want, taken)))
        return {
          reason: 'NodePorts',
          message: `Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports (${taken.protocol} ${taken.port} is used by pod ${other.metadata.namespace}/${other.metadata.name})`,
        }
  return undefined
}

interface HostPort {
  ip: string
  protocol: string
  port: number
}

/** Ports of the node that a pod takes. A sidecar's count as well. */
export function hostPorts(pod: Pod): HostPort[] {
  const sidecars = (pod.spec.initContainers ?? []).filter(c => c.restartPolicy === 'Always')
  const out: HostPort[] = []
  for (const container of [...pod.spec.containers, ...sidecars])
    for (const { hostPort, hostIP, protocol } of container.ports ?? [])
      if (hostPort) out.push({ ip: hostIP || '0.0.0.0', protocol: protocol ?? 'TCP', port: hostPort })
  return out
}

const anyAddress = (ip: string) => ip === '0.0.0.0' || ip === '::'

function clash(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || anyAddress(a.ip) || anyAddress(b.ip))
}

function affinityProblem(pod: Pod, { name, labels }: NodeFacts): Rejection | undefined {
  if (requiredNodeTest(pod)?.({ metadata: { name, labels } }) ?? true) return undefined
  return {
    reason: 'NodeAffinity',
    message: "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  }
}
