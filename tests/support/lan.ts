import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ended, type RunOptions, run, type Started, start } from './processes.ts'

/** A machine of the LAN: a network namespace with one interface and a folder. Programs in it see only its network. */
export interface Machine {
  name: string
  ip: string
  /** Its IPv6 address, where the LAN has such. */
  ip6?: string
  /** Path of the namespace. */
  netns: string
  run(program: string, args: string[], options?: RunOptions): Promise<Ended>
  /** As `run`, and the program must succeed. @returns its standard output */
  ok(program: string, args: string[], options?: RunOptions): Promise<string>
  start(program: string, args: string[], options?: RunOptions): Started
}

/** A few machines on one bridge that reach only each other. The bridge stands in a namespace too: the first machine, `lan`. */
export interface Lan extends AsyncDisposable {
  folder: string
  /** The bridge's own namespace: who is on the LAN but is no node. */
  outside: Machine
  machines: Record<string, Machine>
}

/** The first address of a machine's network is the bridge's. */
const gatewayOf = (ip: string): string => ip.replace(/\d+$/, '1')

/** Why such a LAN cannot be made here; undefined when it can. */
export function lanImpossible(): string | undefined {
  if (process.platform !== 'linux') return 'no Linux'
  return process.getuid?.() === 0 ? undefined : 'not root'
}

export interface LanOptions {
  /** Each machine is on a network of its own, of both families, and the bridge's machine routes between them. */
  apart?: boolean
}

/** Makes the namespaces and the wires. Disposing deletes them and the folder, once nothing runs there any more. */
export async function openLan(names: string[], { apart = false }: LanOptions = {}): Promise<Lan> {
  const folder = await mkdtemp(join(tmpdir(), 'optiflow-lan-'))
  const prefix = `of${process.pid}`
  const machine = (name: string, ip: string): Machine => {
    const netns = `/run/netns/${prefix}-${name}`
    // Not `ip netns exec`: it mounts /sys anew, and runc then finds no cgroups.
    const inside = (program: string, args: string[]) => [`--net=${netns}`, program, ...args]
    return {
      name,
      ip,
      netns,
      run: (program, args, options) => run('nsenter', inside(program, args), options),
      async ok(program, args, options) {
        const ended = await run('nsenter', inside(program, args), options)
        if (ended.code !== 0)
          throw new Error(`${program} ${args.join(' ')} on ${name} ended with ${ended.code}\n${ended.out}${ended.err}`)
        return ended.out
      },
      start: (program, args, options) => start('nsenter', inside(program, args), options),
    }
  }
  const outside = machine('lan', '10.77.0.1')
  const machines = Object.fromEntries(
    names.map((name, i) => {
      const here = machine(name, apart ? `10.${77 + i}.0.11` : `10.77.0.${11 + i}`)
      return [name, apart ? { ...here, ip6: `fd${77 + i}::11` } : here]
    }),
  )
  const ip = async (...args: string[]) => {
    const { code, err } = await run('ip', args)
    if (code !== 0) throw new Error(`ip ${args.join(' ')} ended with ${code}: ${err}`)
  }
  const made: string[] = []
  const addNamespace = async (name: string) => {
    await ip('netns', 'add', name)
    made.push(name)
    await ip('-n', name, 'link', 'set', 'lo', 'up')
  }
  const dispose = async () => {
    for (const name of made.reverse()) await ip('netns', 'del', name).catch(() => {})
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const lan = `${prefix}-lan`
    await addNamespace(lan)
    await ip('-n', lan, 'link', 'add', 'br0', 'type', 'bridge')
    await ip('-n', lan, 'addr', 'add', `${outside.ip}/24`, 'dev', 'br0')
    await ip('-n', lan, 'link', 'set', 'br0', 'up')
    for (const m of apart ? Object.values(machines) : []) {
      if (m.ip !== '10.77.0.11') await ip('-n', lan, 'addr', 'add', `${gatewayOf(m.ip)}/24`, 'dev', 'br0')
      await ip('-n', lan, 'addr', 'add', `${gatewayOf(m.ip6!)}/64`, 'dev', 'br0', 'nodad')
    }
    if (apart) await outside.ok('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
    for (const m of Object.values(machines)) {
      const name = `${prefix}-${m.name}`
      await addNamespace(name)
      await ip('-n', name, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', `to-${m.name}`, 'netns', lan)
      await ip('-n', lan, 'link', 'set', `to-${m.name}`, 'master', 'br0', 'up')
      await ip('-n', name, 'addr', 'add', `${m.ip}/24`, 'dev', 'eth0')
      await ip('-n', name, 'link', 'set', 'eth0', 'up')
      await ip('-n', name, 'route', 'add', 'default', 'via', gatewayOf(m.ip))
      if (!m.ip6) continue
      await ip('-n', name, 'addr', 'add', `${m.ip6}/64`, 'dev', 'eth0', 'nodad')
      await ip('-n', name, '-6', 'route', 'add', 'default', 'via', gatewayOf(m.ip6))
    }
  } catch (error) {
    await dispose()
    throw error
  }
  return { folder, outside, machines, [Symbol.asyncDispose]: dispose }
}
