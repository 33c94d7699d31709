import type { Disk } from './disk.ts'
import { processes } from './processes.ts'

/** As /proc/net has it: where a socket listens. */
interface Listener {
  /** Canonical; '' for all of both families. */
  address: string
  port: number
  inode: string
}

/** What a socket that takes callers is in: LISTEN of TCP, and of UDP one that talks to nobody in particular. */
const states = { TCP: '0A', UDP: '07' } as const

/** Where connections are to come in at the machine. */
export interface MachinePort {
  protocol: 'TCP' | 'UDP' | 'SCTP'
  port: number
  /** '' for all. */
  address: string
}

/**
 * Who listens at ports of the machine: led elsewhere, he would hear nothing any more. One on loopback alone is no obstacle to a port for
 * all addresses; SCTP's are not looked at. The kernel is asked once, when the first port is.
 * @returns for people: `sshd (process 812)`
 */
export function machinePorts(disk: Disk): (port: MachinePort) => Promise<string | undefined> {
  const known = new Map<string, Promise<Listener[]>>()
  const listeners = (protocol: 'TCP' | 'UDP') => {
    let found = known.get(protocol)
    if (!found) known.set(protocol, (found = readListeners(disk, protocol)))
    return found
  }
  return async ({ protocol, port, address }) => {
    if (protocol === 'SCTP') return undefined
    const inTheWay = (await listeners(protocol)).find(one => one.port === port && meets(one.address, address))
    return inTheWay && holderOf(disk, inTheWay.inode)
  }
}

async function readListeners(disk: Disk, protocol: 'TCP' | 'UDP'): Promise<Listener[]> {
  const files = ['', '6'].map(family => `/proc/self/net/${protocol.toLowerCase()}${family}`)
  const texts = await Promise.all(files.map(file => disk.readText(file).catch(() => '')))
  return texts.flatMap(text => listenersOf(text, states[protocol]))
}

const isLoopback = (address: string) => address.startsWith('127.') || address === '::1'
const isAll = (address: string) => address === '' || address === '0.0.0.0' || address === '::'

const meets = (listening: string, asked: string): boolean =>
  isAll(listening) || (isAll(asked) ? !isLoopback(listening) : listening === asked)

/** @param text of /proc/net/tcp, tcp6, udp or udp6 */
export function listenersOf(text: string, state: string): Listener[] {
  return text
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(/\s+/))
    .filter(words => words[3] === state)
    .map(words => {
      const [address = '', port = ''] = words[1]!.split(':')
      return { address: addressOf(address), port: Number.parseInt(port, 16), inode: words[9] ?? '' }
    })
}

/** The kernel writes each word of four bytes as the machine has it in memory: little-endian. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap(word => (word.match(/../g) ?? []).reverse())
  if (bytes.length === 4) return bytes.map(byte => Number.parseInt(byte, 16)).join('.')
  const text = bytes.join('')
  if (/^0+$/.test(text)) return '::'
  if (/^0{20}f{4}/i.test(text)) return addressOf(hex.slice(24))
  // As URL parsers write it: the shortest form.
  return new URL(`http://[${text.match(/.{4}/g)!.join(':')}]`).hostname.slice(1, -1)
}

async function holderOf(disk: Disk, inode: string): Promise<string> {
  for (const pid of await processes(disk)) {
    const fds = await disk.list(`/proc/${pid}/fd`).catch(() => [])
    for (const { name } of fds) {
      if ((await disk.readlink(`/proc/${pid}/fd/${name}`).catch(() => '')) !== `socket:[${inode}]`) continue
      const program = (await disk.readText(`/proc/${pid}/comm`).catch(() => '')).trim()
      return `${program || 'a program'} (process ${pid})`
    }
  }
  return 'another program of the machine'
}
