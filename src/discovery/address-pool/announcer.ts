import type { Clock } from '../../base/clock.ts'
import { CommandMissing, type Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import { Upkeep } from '../../base/upkeep.ts'
import { findUplink } from '../../base/uplink.ts'
import type { InformerSet } from '../../client/index.ts'
import { EndpointSlice, Node, Service } from '../../models/kinds/index.ts'
import { serviceNameLabel } from '../../models/usable-endpoints.ts'
import { planAnnouncements } from './pool-plan.ts'

export interface AnnouncerOptions {
  nodeName: string
  /** The node's address: those of the pool are put on the interface that has it. */
  nodeIp: string
  /** Where it is noted which addresses are ours: others may have such on the interface too. */
  noteFile: string
  informers: InformerSet
  commands: Commands
  disk: Disk
  clock: Clock
  log: Logger
}

/**
 * Has this node answer ARP and neighbour discovery for its share of the pool's addresses: they are put on its interface, and
 * neighbours are told. Disposing leaves them, so that Services are reached while we are away; `removeAnnounced` takes them out.
 */
export class Announcer implements AsyncDisposable {
  readonly #options: AnnouncerOptions
  readonly #ends: (() => void)[]
  readonly #upkeep: Upkeep
  #silent = false

  constructor(options: AnnouncerOptions) {
    this.#options = options
    const { informers } = options
    const whenFailed = 'addresses of Services not announced'
    this.#upkeep = new Upkeep({ ...options, work: () => this.#sync(), whenFailed })
    const { changed } = this.#upkeep
    const handler = { added: changed, updated: changed, deleted: changed }
    this.#ends = [Service, Node, EndpointSlice].map(kind => informers.for<any>(kind).subscribe(handler))
  }

  /** Resolves when the interface has what is known now. */
  now(): Promise<void> {
    return this.#upkeep.now()
  }

  async #sync(): Promise<void> {
    const { informers, commands, disk, noteFile, nodeName, nodeIp, log } = this.#options
    const [services, nodes, slices] = [informers.for(Service), informers.for(Node), informers.for(EndpointSlice)]
    if (!services.synced || !nodes.synced || !slices.synced) return
    const wanted = planAnnouncements({
      services: services.list(),
      nodes: nodes.list(),
      slices: ({ metadata: { namespace, name } }) =>
        slices.list(namespace).filter(s => s.metadata.labels?.[serviceNameLabel] === name),
      nodeName,
    })
    const there = await announced(commands, disk, noteFile)
    const held = there.filter(({ ip, refused }) => wanted.includes(ip) && !refused)
    for (const { ip, device } of there.filter(one => !held.includes(one))) {
      await remove(commands, ip, device)
      log.info({ ip }, 'address of a Service taken back')
    }
    const missing = wanted.filter(ip => !held.some(h => h.ip === ip))
    // Before they are there: what is there and not noted would stay for ever.
    if (missing.length || there.length !== held.length) await disk.write(noteFile, JSON.stringify(wanted))
    if (!missing.length) return
    const uplink = await findUplink(commands, nodeIp)
    if (!uplink) return log.warn({ nodeIp }, 'no interface has the address of the node: nothing is announced')
    for (const ip of missing) await this.#announce(ip, uplink.name)
  }

  async #announce(ip: string, device: string): Promise<void> {
    const { commands, log } = this.#options
    if (ip.includes(':'))
      // Who listens hears of the new place once the kernel has found the address to be free.
      await commands.run('sysctl', ['-qw', `net.ipv6.conf.${device}.ndisc_notify=1`], { allowFailure: true })
    // No packet of the node's own shall carry it: preferred for no time at all.
    await commands.run('ip', ['addr', 'replace', `${ip}/${lengthOf(ip)}`, 'dev', device, ...mark])
    log.info({ ip, device }, 'address of a Service announced')
    if (!ip.includes(':')) await this.#tell(ip, device)
  }

  /** Neighbours that know another node's hardware address for it learn the new one at once. */
  async #tell(ip: string, device: string): Promise<void> {
    const { commands, log } = this.#options
    for (const [program, ...args] of [['arping'], ['busybox', 'arping']] as [string, ...string[]][])
      try {
        const { code } = await commands.run(program, [...args, '-U', '-c', '1', '-I', device, ip], {
          allowFailure: true,
        })
        if (code === 0) return
      } catch (error) {
        if (!(error instanceof CommandMissing)) throw error
      }
    if (this.#silent) return
    this.#silent = true
    log.warn(
      { hint: 'Install iputils-arping.' },
      'neighbours are not told that an address moved; they find out in some seconds',
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) end()
    await this.#upkeep[Symbol.asyncDispose]()
  }
}

const lengthOf = (ip: string) => (ip.includes(':') ? 128 : 32)
const mark = ['valid_lft', 'forever', 'preferred_lft', '0']

interface LinkJson {
  ifname?: string
  addr_info?: { local?: string; prefixlen: number; deprecated?: boolean; dadfailed?: boolean }[]
}

interface Announced {
  ip: string
  device: string
  /** Somebody else answered for it when it came, so the kernel does not use it. */
  refused: boolean
}

/** What we have announced on this machine and is still there. */
async function announced(commands: Commands, disk: Disk, noteFile: string): Promise<Announced[]> {
  const noted = new Set(JSON.parse(await disk.readText(noteFile).catch(() => '[]')) as string[])
  if (!noted.size) return []
  const { stdout } = await commands.run('ip', ['-j', 'addr', 'show', 'scope', 'global'])
  return (JSON.parse(stdout || '[]') as LinkJson[]).flatMap(({ ifname, addr_info = [] }) =>
    addr_info.flatMap(({ local, prefixlen, deprecated, dadfailed = false }) =>
      ifname && local && noted.has(local) && prefixlen === lengthOf(local) && deprecated
        ? [{ ip: local, device: ifname, refused: dadfailed }]
        : [],
    ),
  )
}

async function remove(commands: Commands, ip: string, device: string): Promise<void> {
  await commands.run('ip', ['addr', 'del', `${ip}/${lengthOf(ip)}`, 'dev', device], { allowFailure: true })
}

/** Takes all that was announced off this machine; none is fine. */
export async function removeAnnounced(commands: Commands, disk: Disk, noteFile: string): Promise<void> {
  for (const { ip, device } of await announced(commands, disk, noteFile)) await remove(commands, ip, device)
  await disk.remove(noteFile)
}
