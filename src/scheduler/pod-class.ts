import { keyOf, keyText, type ObjectKey } from '../models/object.ts'
import type { Pod } from '../models/types/core-v1.ts'
import { type AffinityTerm, affinityTerm, type Labelled } from './affinity-term.ts'
import type { GpuPlace } from './gpu/device-ledger.ts'
import { type GpuRequest, gpuRequestOf } from './gpu/gpu-request.ts'
import { resizedPod } from './resized-pod.ts'
import { podRequests, type ResourceTable, type ResourceVector, scoredRequests } from './resource-table.ts'
import { isAttachedInline } from './volumes/attachable.ts'
import { claimUses } from './volumes/claim-uses.ts'
import { isDisk } from './volumes/inline-disks.ts'

export interface HostPort {
  protocol: string
  /** `0.0.0.0` for all addresses. */
  ip: string
  port: number
}

/** Pods that the scheduler cannot tell apart. What is worked out for one holds for all. */
export interface PodClass extends Labelled {
  id: number
  /** Shared by classes whose pods ask the same of a node, whatever their labels, owner or namespace. */
  shape: string
  key: string
  /** Any one of them. */
  example: Pod
  priority: number
  requests: ResourceVector
  /** What it wants of devices that may be shared, if anything. */
  gpu: GpuRequest | undefined
  scoredCpuMillis: number
  scoredMemoryBytes: number
  ports: readonly HostPort[]
  images: readonly string[]
  terminating: boolean
  affinity: readonly AffinityTerm[]
  antiAffinity: readonly AffinityTerm[]
  preferredAffinity: readonly AffinityTerm[]
  preferredAntiAffinity: readonly AffinityTerm[]
  /** How many pods are of it. Forgotten at 0. */
  members: number
}

/** One pod as the scheduler holds it. */
export interface PodInfo {
  pod: Pod
  key: ObjectKey
  keyText: string
  uid: string
  priority: number
  class: PodClass
  /** It has claims of its own, so what holds for its class need not hold for it. */
  personal: boolean
  /** Its devices, where it is placed or about to be. */
  gpu?: GpuPlace
}

/** Sorts pods into classes. */
export class PodClasses {
  readonly #resources: ResourceTable
  readonly #classes = new Map<string, PodClass>()
  #nextId = 1
  /** Which was asked for last, and for whom. */
  #latest: { pod: Pod; class: PodClass } | undefined

  constructor(resources: ResourceTable) {
    this.#resources = resources
  }

  get size(): number {
    return this.#classes.size
  }

  /** The pod with its class. Pair with `release`. */
  admit(pod: Pod): PodInfo {
    const counted = resizedPod(pod)
    const found = this.#asLatest(counted) ?? this.#classOf(counted)
    found.members++
    this.#latest = { pod: counted, class: found }
    const objectKey = keyOf(pod)
    return {
      pod,
      key: objectKey,
      keyText: keyText(objectKey),
      uid: pod.metadata.uid,
      priority: found.priority,
      class: found,
      personal: claimUses(pod).length > 0 || (pod.spec.resourceClaims?.length ?? 0) > 0,
    }
  }

  #classOf(pod: Pod): PodClass {
    const key = classKey(pod)
    let found = this.#classes.get(key)
    if (!found) this.#classes.set(key, (found = this.#create(key, pod)))
    return found
  }

  /** Pods come in series, and those of one template share what is equal in them: then nothing need be written out. */
  #asLatest(pod: Pod): PodClass | undefined {
    const latest = this.#latest
    return latest && latest.class.members > 0 && shareAllThatCounts(latest.pod, pod) ? latest.class : undefined
  }

  release({ class: c }: PodInfo): void {
    if (--c.members === 0) this.#classes.delete(c.key)
  }

  #create(key: string, pod: Pod): PodClass {
    const { affinity } = pod.spec
    const scored = scoredRequests(pod, this.#resources)
    const requests = podRequests(pod, this.#resources)
    const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
    const required = (a?: { requiredDuringSchedulingIgnoredDuringExecution?: any[] }) =>
      (a?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(t => affinityTerm(pod, t))
    const preferred = (a?: { preferredDuringSchedulingIgnoredDuringExecution?: any[] }) =>
      (a?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(t =>
        affinityTerm(pod, t.podAffinityTerm, t.weight),
      )
    return {
      id: this.#nextId++,
      shape: shapeKey(pod),
      key,
      example: pod,
      namespace: pod.metadata.namespace ?? '',
      labels: pod.metadata.labels ?? {},
      priority: pod.spec.priority ?? 0,
      requests,
      gpu: gpuRequestOf(pod, requests, this.#resources.names),
      scoredCpuMillis: scored.cpuMillis,
      scoredMemoryBytes: scored.memoryBytes,
      ports: hostPorts(pod),
      images: containers.flatMap(c => (c.image ? [normalImage(c.image)] : [])),
      terminating: pod.metadata.deletionTimestamp !== undefined,
      affinity: required(affinity?.podAffinity),
      antiAffinity: required(affinity?.podAntiAffinity),
      preferredAffinity: preferred(affinity?.podAffinity),
      preferredAntiAffinity: preferred(affinity?.podAntiAffinity),
      members: 0,
    }
  }
}

/** Everything about a pod that a rule of placement may look at, as text. */
function classKey({ metadata, spec, status }: Pod): string {
  return JSON.stringify([
    metadata.namespace,
    metadata.labels,
    metadata.annotations,
    metadata.deletionTimestamp !== undefined,
    spec.priority,
    spec.preemptionPolicy,
    spec.schedulerName,
    spec.nodeSelector,
    spec.affinity,
    spec.tolerations,
    spec.topologySpreadConstraints,
    spec.overhead,
    spec.resources,
    spec.hostNetwork,
    spec.containers.map(containerKey),
    spec.initContainers?.map(containerKey),
    metadata.ownerReferences?.find(r => r.controller)?.uid,
    spec.resourceClaims,
    spec.volumes?.filter(v => isDisk(v) || isAttachedInline(v)),
    status?.resourceClaimStatuses,
  ])
}

/** Whether two pods are seen to have the same class key, all of it being the very same parts. */
function shareAllThatCounts(a: Pod, b: Pod): boolean {
  const { metadata: m, spec: s } = a
  const { metadata: n, spec: t } = b
  return (
    m.namespace === n.namespace &&
    m.labels === n.labels &&
    m.annotations === n.annotations &&
    m.ownerReferences === n.ownerReferences &&
    (m.deletionTimestamp === undefined) === (n.deletionTimestamp === undefined) &&
    partsThatCount.every(part => s[part] === t[part]) &&
    shareContainers(s.containers, t.containers) &&
    shareContainers(s.initContainers, t.initContainers) &&
    (s.volumes === t.volumes || (hasNoDisks(s.volumes) && hasNoDisks(t.volumes))) &&
    a.status?.resourceClaimStatuses === b.status?.resourceClaimStatuses
  )
}

const partsThatCount = [
  'priority',
  'preemptionPolicy',
  'schedulerName',
  'nodeSelector',
  'affinity',
  'tolerations',
  'topologySpreadConstraints',
  'overhead',
  'resources',
  'hostNetwork',
  'resourceClaims',
] as const satisfies (keyof Pod['spec'])[]

type Containers = Pod['spec']['containers'] | undefined

/** Their mounts are of each pod's own. */
function shareContainers(a: Containers, b: Containers): boolean {
  if (a === b) return true
  if (a?.length !== b?.length) return false
  return a!.every((c, i) => {
    const d = b![i]!
    const same = c.image === d.image && c.ports === d.ports && c.restartPolicy === d.restartPolicy
    return c === d || (same && c.resources?.requests === d.resources?.requests)
  })
}

const hasNoDisks = (volumes: Pod['spec']['volumes']) =>
  volumes !== undefined && !volumes.some(v => isDisk(v) || isAttachedInline(v))

/** What a pod asks of a node that can be told without looking at other pods. */
function shapeKey({ spec }: Pod): string {
  return JSON.stringify([
    spec.nodeName,
    spec.nodeSelector,
    spec.affinity?.nodeAffinity,
    spec.tolerations,
    spec.overhead,
    spec.resources,
    spec.containers.map(containerKey),
    spec.initContainers?.map(containerKey),
  ])
}

const containerKey = (c: Pod['spec']['containers'][number]) => [
  c.image,
  c.resources?.requests,
  c.ports?.filter(p => p.hostPort),
  c.restartPolicy,
]

function hostPorts({ spec }: Pod): HostPort[] {
  const containers = [...(spec.initContainers ?? []).filter(c => c.restartPolicy === 'Always'), ...spec.containers]
  return containers.flatMap(c =>
    (c.ports ?? [])
      .filter(p => p.hostPort)
      .map(p => ({ protocol: p.protocol ?? 'TCP', ip: p.hostIP || '0.0.0.0', port: p.hostPort! })),
  )
}

/** An image name always carries its tag on a node's list. */
export function normalImage(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name
}
