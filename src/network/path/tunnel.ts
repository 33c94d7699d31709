import type { Commands } from '../../base/commands.ts'
import type { Uplink } from '../../base/uplink.ts'
import { isWide, tunnelAddress, tunnelMac } from './plan-paths.ts'

/** The VXLAN device of a node, at most 15 characters. */
export const tunnelDevice = 'optiflow-vxlan'
/** Number of our network among others that use VXLAN on these machines. */
const networkId = 142
/** UDP, as IANA has it. */
const port = 4789

const quiet = { allowFailure: true }

/** What the headers of the outer packet take: 14 + 20 (IPv6: 40) + 8 + 8 bytes. */
export const tunnelMtu = (uplink: Uplink): number => uplink.mtu - (isWide(uplink.ip) ? 70 : 50)

interface DeviceJson {
  ifname: string
  address: string
  mtu: number
  flags: string[]
  linkinfo?: { info_data?: { id?: number; local?: string; local6?: string; port?: number; learning?: boolean } }
}

/** Makes the device as it must be; one that is right is left alone, so that no packet is lost. @returns whether it was made anew */
export async function ensureTunnel(commands: Commands, uplink: Uplink, podCidrs: readonly string[]): Promise<boolean> {
  const mtu = String(tunnelMtu(uplink))
  const fits = await isThere(commands, uplink)
  if (!fits) {
    await removeTunnel(commands)
    const kind = ['type', 'vxlan', 'id', String(networkId), 'local', uplink.ip, 'dstport', String(port), 'nolearning']
    const identity = ['address', tunnelMac(uplink.ip), 'mtu', mtu]
    await commands.run('ip', ['link', 'add', tunnelDevice, ...identity, ...kind])
  }
  for (const cidr of podCidrs) {
    const address = `${tunnelAddress(cidr)}/${isWide(cidr) ? 128 : 32}`
    const family = isWide(cidr) ? ['-6'] : []
    await commands.run('ip', [
      ...family,
      'addr',
      'replace',
      address,
      'dev',
      tunnelDevice,
      ...(isWide(cidr) ? ['nodad'] : []),
    ])
  }
  await commands.run('ip', ['link', 'set', tunnelDevice, 'mtu', mtu, 'up'])
  return !fits
}

async function isThere(commands: Commands, uplink: Uplink): Promise<boolean> {
  const { code, stdout } = await commands.run('ip', ['-d', '-j', 'link', 'show', tunnelDevice], quiet)
  const device = code === 0 ? (JSON.parse(stdout) as DeviceJson[])[0] : undefined
  const data = device?.linkinfo?.info_data
  return (
    device?.address === tunnelMac(uplink.ip) &&
    data?.id === networkId &&
    data.port === port &&
    (data.local ?? data.local6) === uplink.ip
  )
}

/** No device is fine. Its routes and neighbours go with it. */
export async function removeTunnel(commands: Commands): Promise<void> {
  await commands.run('ip', ['link', 'del', tunnelDevice], quiet)
}
