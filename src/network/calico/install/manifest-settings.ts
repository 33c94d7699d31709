/** How packets between pods of two nodes travel. */
export type ChosenEncapsulation = 'vxlan' | 'vxlan-cross-subnet' | 'ipip' | 'none'

export const encapsulations = ['vxlan', 'vxlan-cross-subnet', 'ipip', 'none'] as const satisfies ChosenEncapsulation[]

export interface ManifestSettings {
  encapsulation: ChosenEncapsulation
  /** Network of all pods: of the first pool. */
  podCidr: string
  /** Where nodes reach the API before there are Services. */
  api: { host: string; port: number }
  /** Of pods' interfaces, in bytes; Calico finds it out itself unless given. */
  mtu?: number
  /** Calico keeps its objects there instead of in the API. */
  etcd?: { endpoints: string[]; ca?: string; cert?: string; key?: string }
}

/** Modes of the first pool. */
export function poolModes(encapsulation: ChosenEncapsulation) {
  const modes = { ipipMode: 'Never', vxlanMode: 'Never' } as const
  if (encapsulation === 'vxlan') return { ...modes, vxlanMode: 'Always' } as const
  if (encapsulation === 'vxlan-cross-subnet') return { ...modes, vxlanMode: 'CrossSubnet' } as const
  if (encapsulation === 'ipip') return { ...modes, ipipMode: 'Always' } as const
  return modes
}

/** VXLAN needs no routes from BGP; without encapsulation, and with IPIP, BIRD exchanges them. */
export const backendOf = (encapsulation: ChosenEncapsulation): 'vxlan' | 'bird' =>
  encapsulation.startsWith('vxlan') ? 'vxlan' : 'bird'
