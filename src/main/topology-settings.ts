import { type AgentOptions, parseCpuList, type ReservedMemory, type TopologyPolicy } from '../agent/index.ts'
import { isQuantity, quantityToNumber } from '../base/quantity.ts'
import { oneOf, readPairs, readTopologyOptions, type TopologyOptions } from './setting-readers.ts'

/** Where a node has from what it gives containers, under kubelet's names and with its defaults. */
export interface TopologyChoices {
  /** `static`: containers of Guaranteed pods that ask for whole processors have them for themselves. */
  cpuManagerPolicy: 'none' | 'static'
  /** `full-pcpus-only=true`: only whole cores are given. */
  cpuManagerPolicyOptions: CpuOptions
  /** Processors that no container has for itself, and that pods may not request. */
  reservedCpus: number[] | undefined
  /** `Static`: Guaranteed pods have their memory from as few NUMA nodes as will do. */
  memoryManagerPolicy: 'None' | 'Static'
  /** What each NUMA node keeps for the system: together what is kept of the machine. */
  reservedMemory: ReservedMemory[] | undefined
  /** Whether what containers are given comes from NUMA nodes near to each other, and whether a pod is refused otherwise. */
  topologyManagerPolicy: 'none' | TopologyPolicy
  /** Whether the containers of a pod are placed each by itself or all together. */
  topologyManagerScope: 'container' | 'pod'
  topologyManagerPolicyOptions: TopologyOptions
}

export const topologyDefaults: TopologyChoices = {
  cpuManagerPolicy: 'none',
  cpuManagerPolicyOptions: {},
  reservedCpus: undefined,
  memoryManagerPolicy: 'None',
  reservedMemory: undefined,
  topologyManagerPolicy: 'none',
  topologyManagerScope: 'container',
  topologyManagerPolicyOptions: {},
}

type CpuOptions = Pick<AgentOptions, 'fullCoresOnly' | 'spreadOverCores' | 'strictReservation'>

const cpuOptions: Record<string, keyof CpuOptions> = {
  'full-pcpus-only': 'fullCoresOnly',
  'distribute-cpus-across-cores': 'spreadOverCores',
  'strict-cpu-reservation': 'strictReservation',
}

/** `full-pcpus-only=true,strict-cpu-reservation=true` */
function readCpuOptions(text: string): CpuOptions {
  const chosen: CpuOptions = {}
  for (const [name, value] of Object.entries(readPairs(text))) {
    const option = Object.hasOwn(cpuOptions, name) ? cpuOptions[name] : undefined
    if (!option || !/^(true|false)$/.test(value))
      throw new Error(`is not OPTION=true,…; the options that there are: ${Object.keys(cpuOptions).join(', ')}`)
    chosen[option] = value === 'true'
  }
  if (chosen.fullCoresOnly && chosen.spreadOverCores)
    throw new Error('asks for whole cores and for threads of different ones; choose one')
  return chosen
}

function readCpus(text: string): number[] {
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) throw new Error('is not a list of processors such as 0-1,4')
  return parseCpuList(text)
}

/** `0:memory=1Gi,hugepages-2Mi=512Mi;1:memory=1Gi` */
function readReservedMemory(text: string): ReservedMemory[] {
  const problem = 'is not NUMA-NODE:memory=AMOUNT,hugepages-SIZE=AMOUNT;… such as 0:memory=1Gi;1:memory=1Gi'
  const all = text.split(';').map(part => {
    const [, node, amounts] = /^(\d{1,3}):(.+)$/.exec(part.trim()) ?? []
    if (!node || !amounts?.includes('=')) throw new Error(problem)
    const limits = readPairs(amounts)
    for (const [name, amount] of Object.entries(limits))
      if (!/^(memory|hugepages-\d+[KMG]i)$/.test(name) || !isQuantity(amount) || !(quantityToNumber(amount) > 0))
        throw new Error(problem)
    if (Object.keys(limits).length < amounts.split(',').length) throw new Error(`names one resource of ${node} twice`)
    return { numaNode: Number(node), limits }
  })
  if (new Set(all.map(({ numaNode }) => numaNode)).size < all.length) throw new Error('names one NUMA node twice')
  return all
}

/** The flag of each, and how its text is read. */
export const topologyRules: { [K in keyof TopologyChoices]: { name: string; read(text: string): TopologyChoices[K] } } =
  {
    cpuManagerPolicy: { name: 'cpu-manager-policy', read: oneOf(['none', 'static'] as const) },
    cpuManagerPolicyOptions: { name: 'cpu-manager-policy-options', read: readCpuOptions },
    reservedCpus: { name: 'reserved-cpus', read: readCpus },
    memoryManagerPolicy: { name: 'memory-manager-policy', read: oneOf(['None', 'Static'] as const) },
    reservedMemory: { name: 'reserved-memory', read: readReservedMemory },
    topologyManagerPolicy: {
      name: 'topology-manager-policy',
      read: oneOf(['none', 'best-effort', 'restricted', 'single-numa-node'] as const),
    },
    topologyManagerScope: { name: 'topology-manager-scope', read: oneOf(['container', 'pod'] as const) },
    topologyManagerPolicyOptions: { name: 'topology-manager-policy-options', read: readTopologyOptions },
  }

export function topologyOptions(
  settings: TopologyChoices,
): CpuOptions & Pick<AgentOptions, 'cpuManagerPolicy' | 'reservedCpus' | 'memoryManager' | 'topology'> {
  const { cpuManagerPolicy, reservedCpus, topologyManagerPolicy: policy, topologyManagerScope: scope } = settings
  const { memoryManagerPolicy, reservedMemory = [] } = settings
  const own = {
    ...{ cpuManagerPolicy, ...settings.cpuManagerPolicyOptions, ...(reservedCpus ? { reservedCpus } : {}) },
    ...(memoryManagerPolicy === 'Static' ? { memoryManager: { reservedMemory } } : {}),
  }
  if (policy === 'none') return own
  return { ...own, topology: { policy, scope, ...settings.topologyManagerPolicyOptions } }
}
