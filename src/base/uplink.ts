import type { Commands } from './commands.ts'
import { cidrContains } from './ip.ts'

/** The interface that has the node's address: what goes to other nodes leaves through it. */
export interface Uplink {
  name: string
  /** The node's address on it. */
  ip: string
  mtu: number
  /** Networks that are reached through it without a router, of both families: `192.0.2.7/24`. */
  onLink: string[]
}

interface LinkJson {
  ifname: string
  mtu: number
  flags?: string[]
  addr_info?: { local?: string; prefixlen: number; scope: string }[]
}

/** @returns undefined when no interface has the address, or only the loopback */
export async function findUplink(commands: Commands, nodeIp: string): Promise<Uplink | undefined> {
  const { stdout } = await commands.run('ip', ['-j', 'addr', 'show'])
  return uplinkIn(JSON.parse(stdout) as LinkJson[], nodeIp)
}

/** @param links as `ip -j addr show` prints them. Pure. */
export function uplinkIn(links: readonly LinkJson[], nodeIp: string): Uplink | undefined {
  const link = links.find(l => l.addr_info?.some(a => a.local === nodeIp))
  if (!link || link.flags?.includes('LOOPBACK')) return undefined
  const onLink = (link.addr_info ?? []).flatMap(a =>
    a.local && a.scope === 'global' ? [`${a.local}/${a.prefixlen}`] : [],
  )
  return { name: link.ifname, ip: nodeIp, mtu: link.mtu, onLink }
}

export const isOnLink = (uplink: Uplink, ip: string): boolean => uplink.onLink.some(cidr => cidrContains(cidr, ip))
