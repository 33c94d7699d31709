import { chooseDevices, wantedBy } from '../gpu/device-choice.ts'
import type { DeviceLedger } from '../gpu/device-ledger.ts'
import { fitsDevices } from '../gpu/device-ledger.ts'
import { deviceMilli, type GpuRequest, gpuDevicesAnnotation, isShare } from '../gpu/gpu-request.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { PodInfo } from '../pod-class.ts'
import type { Snapshot } from '../snapshot.ts'

interface State {
  info: PodInfo
  request: GpuRequest
  snapshot: Snapshot
  ledger: DeviceLedger
  reason: string
}

/**
 * On nodes that share their devices (allocatable `optiflow.dev/gpu-milli`), a share must fit on one device, and a pod of whole
 * devices needs that many wholly free ones. Which devices the pod gets is written with its binding (docs/scheduling-gpu.md).
 * Other pods and other nodes are not looked at.
 */
export const gpuDevices: SchedulerPlugin<State> = {
  name: 'GpuDevices',
  byShape: true,
  prepare: (_pod, snapshot, info) => {
    const request = info.class.gpu
    if (!request) return undefined
    const reason = isShare(request)
      ? `no GPU with ${request.milliEach} of ${deviceMilli} thousandths free`
      : `fewer than ${request.devices} wholly free GPUs`
    return { info, request, snapshot, ledger: snapshot.gpus.ledger, reason }
  },
  refuseAll: ({ request }) => request.invalid,
  filter({ request, ledger, reason }, { index }) {
    const devices = ledger.at(index)
    return !devices || fitsDevices(devices.free, request) ? undefined : reason
  },
  evictionHelps({ request, ledger }, { index }) {
    const devices = ledger.at(index)
    return devices !== undefined && fitsDevices(devices.capacity, request)
  },
  reserve({ info, snapshot, ledger }, node) {
    const found = ledger.at(node.index)
    if (!found) return undefined
    const devices = chooseDevices(wantedBy(info.class), node.index, snapshot)
    info.gpu = { node: node.name, devices }
    return { annotations: { [gpuDevicesAnnotation]: devices.join(',') }, release() {} }
  },
  wakes(e) {
    if (e.type === 'node-added') return true
    if (e.type === 'node-updated') return e.changed.has('allocatable') || e.changed.has('labels')
    return e.type === 'pod-removed' && e.pod.class.gpu !== undefined
  },
}
