import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import { kubeletProtocol, Refusal, servePlugin } from '../../plugins/index.ts'
import type { DeviceClaims } from '../dra/device-claims.ts'
import type { Block } from '../memory/memory-tables.ts'
import type { Shares } from '../topology/shares.ts'
import type { Devices } from './devices.ts'

/** Where it is known what containers have for themselves. */
export interface ResourceSources {
  devices: Devices
  claims?: DeviceClaims
  /** Undefined: no container has processors or memory for itself. */
  shares?(): Pick<Shares, 'cpus' | 'memory'> | undefined
  pods(): Pod[]
}

/**
 * Who has which devices, processors and memory, for monitoring programs: kubelet's PodResources API at
 * `<kubelet>/pod-resources/kubelet.sock`.
 * @see https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/#monitoring-device-plugin-resources
 */
export async function servePodResources(
  disk: Disk,
  kubeletFolder: string,
  sources: ResourceSources,
): Promise<AsyncDisposable> {
  const folder = join(kubeletFolder, 'pod-resources')
  const socket = join(folder, 'kubelet.sock')
  await disk.makeFolder(folder, { mode: 0o750 })
  await disk.remove(socket)
  const { devices, shares, pods } = sources
  return servePlugin(socket, [
    {
      protocol: kubeletProtocol,
      service: 'v1.PodResourcesLister',
      methods: {
        List: () => ({ pod_resources: pods().map(pod => describe(pod, sources)) }),
        Get({ pod_name, pod_namespace }: { pod_name: string; pod_namespace: string }) {
          const pod = pods().find(p => p.metadata.name === pod_name && p.metadata.namespace === pod_namespace)
          if (!pod) throw new Refusal('NOT_FOUND', `pod ${pod_namespace}/${pod_name} not found`)
          return { pod_resources: describe(pod, sources) }
        },
        GetAllocatableResources: () => ({
          devices: Object.entries(devices.records.known).flatMap(([resource, ids]) =>
            ids.map(id => describeDevice(devices, resource, id)),
          ),
          cpu_ids: [...(shares?.()?.cpus?.allocatable ?? [])],
          memory: (shares?.()?.memory?.allocatable ?? []).map(describeMemory),
        }),
      },
    },
  ])
}

/** Init containers are over: only sidecars have anything. */
function describe(pod: Pod, sources: ResourceSources) {
  const { metadata, spec } = pod
  const sidecars = (spec.initContainers ?? []).filter(c => c.restartPolicy === 'Always')
  return {
    name: metadata.name,
    namespace: metadata.namespace!,
    containers: [...sidecars, ...spec.containers].map(container => describeContainer(pod, container, sources)),
  }
}

function describeContainer(pod: Pod, container: Container, { devices, claims, shares }: ResourceSources) {
  const uid = pod.metadata.uid!
  return {
    name: container.name,
    devices: devices.records
      .of(uid, container.name)
      .flatMap(({ resource, ids }) => ids.map(id => describeDevice(devices, resource, id))),
    cpu_ids: [...(shares?.()?.cpus?.exclusive(uid, container.name) ?? [])],
    memory: (shares?.()?.memory?.blocksOf(uid, container.name) ?? []).map(describeMemory),
    dynamic_resources: (claims?.readyFor(pod, container) ?? []).map(({ namespace, name, devices }) => ({
      claim_name: name,
      claim_namespace: namespace,
      claim_resources: devices.map(({ driver, cdiDevices }) => ({
        driver_name: driver,
        cdi_devices: cdiDevices.map(name => ({ name })),
      })),
    })),
  }
}

const describeMemory = ({ type, size, numaAffinity }: Block) => ({
  memory_type: type,
  size,
  topology: { nodes: numaAffinity.map(ID => ({ ID })) },
})

function describeDevice(devices: Devices, resource: string, id: string) {
  const nodes = devices.nodesOf(resource, id).map(ID => ({ ID }))
  return { resource_name: resource, device_ids: [id], ...(nodes.length ? { topology: { nodes } } : {}) }
}
