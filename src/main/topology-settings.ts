import { type AgentOptions, parseCpuList, type TopologyPolicy } from '../agent/index.ts'
import { oneOf, readTopologyOptions, type TopologyOptions } from './setting-readers.ts'

/** Where a node has from what it gives containers, under kubelet's names and with its defaults. */
export interface TopologyChoices {
  /** `static`: containers of Guaranteed pods that ask for whole processors have them for themselves. */
  cpuManagerPolicy: 'none' | 'static'
  /** `full-pcpus-only=true`: only whole cores are given. */
  cpuManagerPolicyOptions: { fullCoresOnly: boolean }
  /** Processors that no container has for itself, and that pods may not request. */
  reservedCpus: number[] | undefined
  /** Whether what containers are given comes from NUMA nodes near to each other, and whether a pod is refused otherwise. */
  topologyManagerPolicy: 'none' | TopologyPolicy
  /** Whether the containers of a pod are placed each by itself or all together. */
  topologyManagerScope: 'container' | 'pod'
  topologyManagerPolicyOptions: TopologyOptions
}

export const topologyDefaults: TopologyChoices = {
  cpuManagerPolicy: 'none',
  cpuManagerPolicyOptions: { fullCoresOnly: false },
  reservedCpus: undefined,
  topologyManagerPolicy: 'none',
  topologyManagerScope: 'container',
  topologyManagerPolicyOptions: {},
}

function readCpuOptions(text: string): TopologyChoices['cpuManagerPolicyOptions'] {
  const [, value] = /^full-pcpus-only=(true|false)$/.exec(text) ?? []
  if (!value) throw new Error('is not full-pcpus-only=true or full-pcpus-only=false, the one option that there is')
  return { fullCoresOnly: value === 'true' }
}

function readCpus(text: string): number[] {
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) throw new Error('is not a list of processors such as 0-1,4')
  return parseCpuList(text)
}

/** The flag of each, and how its text is read. */
export const topologyRules: { [K in keyof TopologyChoices]: { name: string; read(text: string): TopologyChoices[K] } } =
  {
    cpuManagerPolicy: { name: 'cpu-manager-policy', read: oneOf(['none', 'static'] as const) },
    cpuManagerPolicyOptions: { name: 'cpu-manager-policy-options', read: readCpuOptions },
    reservedCpus: { name: 'reserved-cpus', read: readCpus },
    topologyManagerPolicy: {
      name: 'topology-manager-policy',
      read: oneOf(['none', 'best-effort', 'restricted', 'single-numa-node'] as const),
    },
    topologyManagerScope: { name: 'topology-manager-scope', read: oneOf(['container', 'pod'] as const) },
    topologyManagerPolicyOptions: { name: 'topology-manager-policy-options', read: readTopologyOptions },
  }

export function topologyOptions(
  settings: TopologyChoices,
): Pick<AgentOptions, 'cpuManagerPolicy' | 'fullCoresOnly' | 'reservedCpus' | 'topology'> {
  const { cpuManagerPolicy, reservedCpus, topologyManagerPolicy: policy, topologyManagerScope: scope } = settings
  const { fullCoresOnly } = settings.cpuManagerPolicyOptions
  const cpus = { cpuManagerPolicy, fullCoresOnly, ...(reservedCpus ? { reservedCpus } : {}) }
  if (policy === 'none') return cpus
  return { ...cpus, topology: { policy, scope, ...settings.topologyManagerPolicyOptions } }
}
