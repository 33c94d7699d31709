import type { Disk } from '../../../base/disk.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

interface Wanted {
  port: number
  protocol: 'tcp' | 'udp'
  what: string
  /** Without it the pods of this node are cut off. */
  needed: boolean
}

const wanted: Wanted[] = [
  { port: 4789, protocol: 'udp', what: 'VXLAN', needed: true },
  { port: 179, protocol: 'tcp', what: 'BGP', needed: false },
  { port: 5473, protocol: 'tcp', what: 'Typha', needed: false },
  { port: 9099, protocol: 'tcp', what: "Felix's health", needed: true },
]

/** Whether Calico's ports are free on this machine. `running`: Calico itself may have them. */
export async function checkPorts(disk: Disk, running: boolean): Promise<Finding[]> {
  const read = async (name: string) => listeningPorts(await disk.readText(`/proc/net/${name}`).catch(() => ''), name)
  const tables = await Promise.all(['tcp', 'tcp6', 'udp', 'udp6'].map(read))
  const taken = new Set(tables.flat())
  return wanted.map(({ port, protocol, what, needed }) => {
    const check = `port ${port}/${protocol}`
    if (!taken.has(`${protocol} ${port}`)) return ok(check, `free, for ${what}`)
    if (running) return ok(check, `in use, by Calico as it seems (${what})`)
    const fix = `See who: ss -Hlnp${protocol === 'tcp' ? 't' : 'u'} sport = :${port}`
    return needed
      ? fail(check, `in use by another program; Calico needs it for ${what}`, fix)
      : warn(check, `in use by another program; ${what} would not work`, fix)
  })
}

const tcpListening = '0A'

/** `tcp 179` for each socket that waits, from the kernel's table. Pure. */
export function listeningPorts(table: string, name: string): string[] {
  const protocol = name.startsWith('tcp') ? 'tcp' : 'udp'
  return table
    .split('\n')
    .slice(1)
    .flatMap(line => {
      const [, local, , state] = line.trim().split(/\s+/)
      const port = Number.parseInt(local?.split(':')[1] ?? '', 16)
      return Number.isNaN(port) || (protocol === 'tcp' && state !== tcpListening) ? [] : [`${protocol} ${port}`]
    })
}
