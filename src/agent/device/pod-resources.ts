import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { kubeletProtocol, Refusal, servePlugin } from '../../plugins/index.ts'
import type { Devices } from './devices.ts'

/** Who has which devices, for monitoring programs: kubelet's PodResources API at `<kubelet>/pod-resources/kubelet.sock`. */
export async function servePodResources(
  disk: Disk,
  kubeletFolder: string,
  devices: Devices,
  pods: () => Pod[],
): Promise<AsyncDisposable> {
  const folder = join(kubeletFolder, 'pod-resources')
  const socket = join(folder, 'kubelet.sock')
  await disk.makeFolder(folder, { mode: 0o750 })
  await disk.remove(socket)
  const describe = ({ metadata, spec }: Pod) => ({
    name: metadata.name,
    namespace: metadata.namespace!,
    containers: [...(spec.initContainers ?? []).filter(c => c.restartPolicy === 'Always'), ...spec.containers].map(
      ({ name }) => ({
        name,
        devices: devices.records
          .of(metadata.uid!, name)
          .map(({ resource, ids }) => ({ resource_name: resource, device_ids: ids })),
      }),
    ),
  })
  return servePlugin(socket, [
    {
      protocol: kubeletProtocol,
      service: 'v1.PodResourcesLister',
      methods: {
        List: () => ({ pod_resources: pods().map(describe) }),
        Get({ pod_name, pod_namespace }: { pod_name: string; pod_namespace: string }) {
          const pod = pods().find(p => p.metadata.name === pod_name && p.metadata.namespace === pod_namespace)
          if (!pod) throw new Refusal('NOT_FOUND', `pod ${pod_namespace}/${pod_name} not found`)
          return { pod_resources: describe(pod) }
        },
        GetAllocatableResources: () => ({
          devices: Object.entries(devices.records.known).map(([resource_name, ids]) => ({
            resource_name,
            device_ids: [...ids],
          })),
        }),
      },
    },
  ])
}
