import type { Commands } from '../../base/commands.ts'
import type { NodePath } from '../../models/node-network.ts'
import { isWide, type Path } from './plan-paths.ts'
import { removeTunnel, tunnelDevice } from './tunnel.ts'

/** Routes carry this number, so that we only ever remove our own. */
export const routeProtocol = '142'

/** What the kernel knows of paths, as one line for each fact: two states are compared as sets. */
export interface KernelPaths {
  /** `10.244.2.0/24 via 10.244.2.0 dev optiflow-vxlan onlink` */
  routes: Set<string>
  /** `10.244.2.0 lladdr 0e:f1:0a:00:00:02` */
  neighbours: Set<string>
  /** `0e:f1:0a:00:00:02 dst 10.0.0.2` */
  forwarding: Set<string>
}

/** Lines for `ip -batch` and `bridge -batch`. */
export interface PathScript {
  ip: string[]
  bridge: string[]
}

/** What the kernel must know for these paths. Pure. */
export function wantedPaths(paths: readonly Path[]): KernelPaths {
  const tunnels = paths.filter(path => path.tunnel)
  return {
    routes: new Set(paths.map(routeLine)),
    neighbours: new Set(tunnels.map(({ via, tunnel }) => `${via} lladdr ${tunnel!.mac}`)),
    forwarding: new Set(tunnels.map(({ tunnel }) => `${tunnel!.mac} dst ${tunnel!.nodeIp}`)),
  }
}

export const routeLine = ({ podCidr, via, tunnel }: Path): string =>
  `${podCidr} via ${via}${tunnel ? ` dev ${tunnelDevice} onlink` : ''}`

/**
 * What turns one state into the other. Neighbours come before the routes that need them, routes go before what they
 * needed. Pure.
 */
export function pathScript(actual: KernelPaths, wanted: KernelPaths): PathScript {
  const onto = `dev ${tunnelDevice}`
  const added = (part: keyof KernelPaths) => [...wanted[part]].filter(line => !actual[part].has(line))
  const first = (line: string) => line.split(' ')[0]!
  /** Lines whose subject is nowhere in the wanted ones; of others `replace` takes care. */
  const gone = (part: keyof KernelPaths) => {
    const kept = new Set([...wanted[part]].map(first))
    return [...actual[part]].map(first).filter(subject => !kept.has(subject))
  }
  return {
    ip: [
      ...added('neighbours').map(line => `neigh replace ${line} ${onto} nud permanent`),
      ...added('routes').map(line => `route replace ${line} proto ${routeProtocol}`),
      ...gone('routes').map(cidr => `route del ${cidr} proto ${routeProtocol}`),
      ...gone('neighbours').map(ip => `neigh del ${ip} ${onto}`),
    ],
    bridge: [
      ...added('forwarding').map(line => `fdb replace ${line} ${onto} self permanent`),
      ...gone('forwarding').map(mac => `fdb del ${mac} ${onto} self`),
    ],
  }
}

interface RouteJson {
  dst: string
  gateway?: string
  dev: string
}

/** Reads what the kernel knows now of paths of ours. @param tunnel false: there is none, and so nothing of it */
export async function readPaths(commands: Commands, { tunnel = true } = {}): Promise<KernelPaths> {
  const read = async <T>(program: string, args: string[]): Promise<T[]> => {
    const { code, stdout } = await commands.run(program, ['-j', ...args], { allowFailure: true })
    return code === 0 && stdout.trim() ? (JSON.parse(stdout) as T[]) : []
  }
  const ofDevice = ['show', 'dev', tunnelDevice]
  const [routes, neighbours, forwarding] = await Promise.all([
    // All tables at once are those of both families.
    read<RouteJson>('ip', ['route', 'show', 'table', 'all', 'proto', routeProtocol]),
    tunnel ? read<{ dst: string; lladdr?: string }>('ip', ['neigh', ...ofDevice, 'nud', 'permanent']) : [],
    tunnel ? read<{ mac: string; dst?: string }>('bridge', ['fdb', ...ofDevice]) : [],
  ])
  return {
    routes: new Set(
      routes.map(r => `${whole(r.dst)} via ${r.gateway}${r.dev === tunnelDevice ? ` dev ${tunnelDevice} onlink` : ''}`),
    ),
    neighbours: new Set(neighbours.map(n => `${n.dst} lladdr ${n.lladdr}`)),
    forwarding: new Set(forwarding.flatMap(f => (f.dst ? [`${f.mac} dst ${f.dst}`] : []))),
  }
}

/** The ways to other nodes' pods that stand in the kernel now. */
export async function readNodePaths(commands: Commands): Promise<NodePath[]> {
  const { routes } = await readPaths(commands)
  return [...routes].sort().map(line => {
    const [podCidr, , via, , tunnel] = line.split(' ')
    return { podCidr: podCidr!, via: via!, ...(tunnel ? { tunnel } : {}) }
  })
}

/** A route to one address is shown without its length. */
const whole = (dst: string): string => (dst.includes('/') ? dst : `${dst}/${isWide(dst) ? 128 : 32}`)

/** Runs all lines, also after one that fails. @returns the lines that failed, with what was said of them */
export async function runPathScript(
  commands: Commands,
  script: PathScript,
): Promise<{ line: string; error: string }[]> {
  const failed: { line: string; error: string }[] = []
  for (const program of ['bridge', 'ip'] as const) {
    const lines = script[program]
    if (!lines.length) continue
    const { stderr } = await commands.run(program, ['-force', '-batch', '-'], {
      stdin: `${lines.join('\n')}\n`,
      allowFailure: true,
    })
    failed.push(...failures(lines, stderr))
  }
  return failed
}

/** Which lines of a batch failed, as iproute2 tells it: the reason, then `Command failed -:2`. Pure. */
export function failures(lines: readonly string[], stderr: string): { line: string; error: string }[] {
  return [...stderr.matchAll(/([^\n]*)\nCommand failed -:(\d+)/g)].map(([, error, at]) => ({
    line: lines[Number(at) - 1] ?? '',
    error: error!.trim(),
  }))
}

/** What the tunnel knows of nodes that no route leads to any more. Pure. */
export function strayEntries({ routes, neighbours, forwarding }: KernelPaths): KernelPaths {
  const hops = new Set([...routes].map(line => line.split(' ')[2]!))
  const used = [...neighbours].filter(line => hops.has(line.split(' ')[0]!))
  const macs = new Set(used.map(line => line.split(' ')[2]!))
  return {
    routes: new Set(),
    neighbours: new Set([...neighbours].filter(line => !used.includes(line))),
    forwarding: new Set([...forwarding].filter(line => !macs.has(line.split(' ')[0]!))),
  }
}

/** Takes out all routes of ours and the tunnel; none is fine. */
export async function removePaths(commands: Commands): Promise<void> {
  for (const family of ['-4', '-6'])
    await commands.run('ip', [family, 'route', 'flush', 'proto', routeProtocol], { allowFailure: true })
  await removeTunnel(commands)
}
