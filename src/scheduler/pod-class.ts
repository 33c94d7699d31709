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

  constructor(resources: ResourceTable) {
    this.#resources = resources
  }

  get size(): number {
    return this.#classes.size
  }

  /** The pod with its class. Pair with `release`. */
  admit(pod: Pod): PodInfo {
    const counted = resizedPod(pod)
    const key = classKey(counted)
    let found = this.#classes.get(key)
    if (!found) this.#classes.set(key, (found = this.#create(key, counted)))
    found.members++
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
