import type { AgentOptions, TopologyPolicy } from '../agent/index.ts'
import { oneOf, readTopologyOptions, type TopologyOptions } from './setting-readers.ts'

/** Where a node has from what it gives containers, under kubelet's names and with its defaults. */
export interface TopologyChoices {
  /** `static`: containers of Guaranteed pods that ask for whole processors have them for themselves. */
  cpuManagerPolicy: 'none' | 'static'
  /** Whether what containers are given comes from NUMA nodes near to each other, and whether a pod is refused otherwise. */
  topologyManagerPolicy: 'none' | TopologyPolicy
  /** Whether the containers of a pod are placed each by itself or all together. */
  topologyManagerScope: 'container' | 'pod'
  topologyManagerPolicyOptions: TopologyOptions
}

export const topologyDefaults: TopologyChoices = {
  cpuManagerPolicy: 'none',
  topologyManagerPolicy: 'none',
  topologyManagerScope: 'container',
  topologyManagerPolicyOptions: {},
}

/** The flag of each, and how its text is read. */
export const topologyRules: { [K in keyof TopologyChoices]: { name: string; read(text: string): TopologyChoices[K] } } =
  {
    cpuManagerPolicy: { name: 'cpu-manager-policy', read: oneOf(['none', 'static'] as const) },
    topologyManagerPolicy: {
      name: 'topology-manager-policy',
      read: oneOf(['none', 'best-effort', 'restricted', 'single-numa-node'] as const),
    },
    topologyManagerScope: { name: 'topology-manager-scope', read: oneOf(['container', 'pod'] as const) },
    topologyManagerPolicyOptions: { name: 'topology-manager-policy-options', read: readTopologyOptions },
  }

export function topologyOptions(settings: TopologyChoices): Pick<AgentOptions, 'cpuManagerPolicy' | 'topology'> {
  const { cpuManagerPolicy, topologyManagerPolicy: policy, topologyManagerScope: scope } = settings
  if (policy === 'none') return { cpuManagerPolicy }
  return { cpuManagerPolicy, topology: { policy, scope, ...settings.topologyManagerPolicyOptions } }
}
