import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine } from './lan.ts'

/** What there is on a machine that a cluster could have left, as lines to compare. */
export type Traces = Record<string, string[]>

/** Where the containerd of a data folder has its sockets and tasks. */
export function stateFolderOf(dataDir: string): string {
  const hash = createHash('sha256').update(join(dataDir, 'containerd')).digest('hex').slice(0, 10)
  return `/run/optiflow/${hash}`
}

/** Takes a picture of everything a node with this data folder could leave on `machine`. */
export async function tracesOf(machine: Machine, dataDir: string): Promise<Traces> {
  const roots = [dataDir, stateFolderOf(dataDir)]
  // Before the programs below: they run in the machine's network too, and would count as left over.
  const processes = await processesOf(machine, roots)
  const [mounts, links, addresses, routes, rules, chains] = await Promise.all([
    mountsBelow(roots),
    lines(machine, 'ip', ['-o', 'link', 'show']),
    lines(machine, 'ip', ['-o', 'addr', 'show', 'scope', 'global']),
    lines(machine, 'ip', ['-4', 'route', 'show', 'table', 'all']),
    lines(machine, 'nft', ['list', 'tables']),
    lines(machine, 'iptables-save', []),
  ])
  return {
    processes,
    mounts,
    // Without counters, indexes and states, which change by themselves.
    links: links.map(line => line.split(':')[1]!.trim().replace(/@.*/, '')),
    addresses: addresses.map(line => line.split(/\s+/).slice(1, 4).join(' ')),
    routes,
    rules,
    // Tables that iptables makes by being asked are empty: only rules and chains of somebody's count.
    chains: chains.filter(line => /^-A|^:[A-Z]+-/.test(line)).map(line => line.replace(/ \[.*/, '')),
    cniCache: await cniRecordsOf(stateFolderOf(dataDir)),
    folders: (await Promise.all(roots.map(async root => (await namesIn(root)).map(name => join(root, name))))).flat(),
  }
}

/** What `after` has and `before` had not, by kind; empty when nothing was left. */
export function leftovers(before: Traces, after: Traces): Traces {
  return Object.fromEntries(
    Object.entries(after)
      .map(([kind, now]) => [kind, now.filter(line => !before[kind]?.includes(line))] as const)
      .filter(([, left]) => left.length),
  )
}

/** Cgroups of pods by their uids. */
export async function cgroupsOf(uids: readonly string[]): Promise<string[]> {
  const names = uids.flatMap(uid => [uid, uid.replaceAll('-', '_')])
  const found: string[] = []
  const walk = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (!entry.isDirectory()) continue
      const path = join(folder, entry.name)
      if (names.some(name => entry.name.includes(name))) found.push(path)
      else if (depth > 0) await walk(path, depth - 1)
    }
  }
  await walk('/sys/fs/cgroup', 4)
  return found
}

/** A control group, and those above it but the root, in every tree. @param group `/a/b` */
export async function groupsNamed(group: string): Promise<string[]> {
  const first = `/${group.split('/')[1]}`
  const trees = ['', ...(await namesIn('/sys/fs/cgroup')).map(name => `/${name}`)]
  return trees.map(tree => `/sys/fs/cgroup${tree}${first}`).filter(path => existsSync(path))
}

/** Processes in the machine's network, that name one of the folders, or whose root file system lies in one. */
async function processesOf(machine: Machine, roots: string[]): Promise<string[]> {
  const { ino } = await import('node:fs').then(fs => fs.statSync(machine.netns))
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
    const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')
    const command = (await read('cmdline')).replaceAll('\0', ' ').trim()
    const network = await readlink(`/proc/${pid}/ns/net`).catch(() => '')
    const rootMount = (await read('mountinfo')).split('\n').find(line => line.split(' ')[4] === '/') ?? ''
    const ours =
      network === `net:[${ino}]` || roots.some(root => command.includes(root) || rootMount.includes(`${root}/`))
    if (ours && command) found.push(`${pid} ${command.slice(0, 200)}`)
  }
  return found
}

/** What CNI remembers of the pods whose network namespaces are below a folder; its own folder is one for the whole machine. */
async function cniRecordsOf(stateFolder: string): Promise<string[]> {
  const folder = '/var/lib/cni/results'
  const found: string[] = []
  for (const name of await namesIn(folder))
    if ((await readFile(join(folder, name), 'utf8').catch(() => '')).includes(`"${stateFolder}/`)) found.push(name)
  return found
}

async function mountsBelow(roots: string[]): Promise<string[]> {
  return (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .filter(path => roots.some(root => path === root || path.startsWith(`${root}/`)))
}

async function lines(machine: Machine, program: string, args: string[]): Promise<string[]> {
  return (await machine.ok(program, args)).split('\n').filter(line => line.trim())
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}
