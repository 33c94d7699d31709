import type { Json } from '../side.ts'
import { someTime } from '../told.ts'

/** Conditions as `['Ready', 'True']`. */
export const conditions = (...all: [type: string, status: string][]): Json[] =>
  all.map(([type, status]) => ({ type, status, reason: 'R', message: 'm', lastTransitionTime: someTime }))

const info = {
  ...{
    kubeletVersion: 'v1.32.0',
    osImage: 'Linux',
    kernelVersion: '6.1',
    containerRuntimeVersion: 'containerd://2.0.0',
  },
  ...{
    machineID: 'm',
    systemUUID: 's',
    bootID: 'b',
    kubeProxyVersion: 'v1',
    operatingSystem: 'linux',
    architecture: 'amd64',
  },
}
const ip = (type: string, address: string) => ({ type, address })

export const nodes: readonly { name: string; body: Json; status?: Json }[] = [
  {
    name: 'master',
    body: {
      metadata: {
        labels: {
          'node-role.kubernetes.io/control-plane': '',
          'kubernetes.io/role': 'x',
          'node-role.kubernetes.io/worker': '',
        },
      },
    },
    status: {
      ...{ conditions: conditions(['MemoryPressure', 'False'], ['Ready', 'True']), nodeInfo: info },
      ...{
        addresses: [
          ip('Hostname', 'h'),
          ip('InternalIP', '10.0.0.1'),
          ip('InternalIP', '10.0.0.2'),
          ip('ExternalIP', '1.2.3.4'),
        ],
      },
      ...{
        capacity: { cpu: '4', memory: '8Gi', pods: '110' },
        allocatable: { cpu: '3900m', memory: '7Gi', pods: '110' },
      },
      ...{ images: [{ names: ['a:1', 'a@sha256:x'], sizeBytes: 5_000_000_000 }] },
    },
  },
  {
    name: 'cordoned',
    body: { spec: { unschedulable: true, taints: [{ key: 'a', effect: 'NoExecute' }] } },
    status: { conditions: conditions(['Ready', 'False']) },
  },
  {
    name: 'lost',
    body: { spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'], providerID: 'p://x' } },
    status: { conditions: conditions(['Ready', 'Unknown'], ['NetworkUnavailable', 'True']) },
  },
  { name: 'bare', body: {} },
]
