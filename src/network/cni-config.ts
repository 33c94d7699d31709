/** What the CNI configuration of one node says. */
export interface CniSettings {
  /** Interface name, at most 15 characters. */
  bridge: string
  /** `10.244.1.0/24`, one of each family; the first gives pods their main address. */
  podCidrs: readonly string[]
  /** Where host-local remembers its addresses. */
  ipamFolder: string
  /** Of bridge and pods; undefined: the kernel's own. */
  mtu?: number
}

/** The conflist that containerd reads: bridge with host-local addresses. Host ports are ours. */
export function cniConflist(settings: CniSettings): string {
  const conflist = {
    cniVersion: '0.4.0',
    name: 'optiflow',
    plugins: [
      {
        type: 'bridge',
        bridge: settings.bridge,
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        forceAddress: true,
        ...(settings.mtu ? { mtu: settings.mtu } : {}),
        ipam: {
          type: 'host-local',
          dataDir: settings.ipamFolder,
          ranges: settings.podCidrs.map(subnet => [{ subnet }]),
          routes: settings.podCidrs.map(cidr => ({ dst: cidr.includes(':') ? '::/0' : '0.0.0.0/0' })),
        },
      },
    ],
  }
  return `${JSON.stringify(conflist, null, 2)}\n`
}
