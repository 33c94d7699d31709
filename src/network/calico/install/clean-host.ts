import { join } from 'node:path'
import type { Commands } from '../../../base/commands.ts'
import type { Disk } from '../../../base/disk.ts'

const quiet = { allowFailure: true }

/** Files and folders that Calico puts on a node. */
const traces = [
  'etc/cni/net.d/10-calico.conflist',
  'etc/cni/net.d/calico-kubeconfig',
  'opt/cni/bin/calico',
  'opt/cni/bin/calico-ipam',
  'var/lib/calico',
  'var/run/calico',
  'var/run/nodeagent',
  'var/log/calico',
]
const ownLink = /^(cali[0-9a-f]{11}|vxlan\.calico|vxlan-v6\.calico|wireguard\.cali|bpfin\.cali|bpfout\.cali)$/

/**
 * Takes out all that Calico leaves on a machine when its programs end: interfaces, routes, rules, sets, files. What is not there
 * is fine. Rules of others stay.
 * @param root '/' but in tests
 */
export async function cleanHost(commands: Commands, disk: Disk, root = '/'): Promise<string> {
  const links = await removeLinks(commands)
  // Felix marks its routes with protocol 80; those of blocks lead nowhere.
  await commands.run('ip', ['-4', 'route', 'flush', 'proto', '80'], quiet)
  await commands.run('ip', ['-6', 'route', 'flush', 'proto', '80'], quiet)
  const rules = await removeRules(commands)
  const sets = await removeSets(commands)
  let files = 0
  for (const trace of traces) {
    const path = join(root, trace)
    if (await disk.exists(path)) files++
    await disk.remove(path)
  }
  return `${links} interfaces, ${rules} chains, ${sets} sets, ${files} files and folders removed`
}

async function removeLinks(commands: Commands): Promise<number> {
  const { stdout } = await commands.run('ip', ['-o', 'link', 'show'], quiet)
  const names = stdout.split('\n').flatMap(line => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? [])
  const own = names.filter(name => ownLink.test(name))
  for (const name of own) await commands.run('ip', ['link', 'del', name], quiet)
  return own.length
}

async function removeRules(commands: Commands): Promise<number> {
  let removed = 0
  for (const program of ['iptables', 'ip6tables']) {
    const saved = await commands.run(`${program}-save`, [], quiet).catch(() => undefined)
    if (saved?.code !== 0) continue
    const { script, chains } = planRuleRemoval(saved.stdout)
    if (chains) await commands.run(`${program}-restore`, ['--noflush'], { stdin: script })
    removed += chains
  }
  for (const family of ['ip', 'ip6'])
    await commands.run('nft', ['delete', 'table', family, 'calico'], quiet).catch(() => undefined)
  return removed
}

/** Text for `iptables-restore --noflush` that takes out Calico's chains, and the rules that lead to them. Pure. */
export function planRuleRemoval(saved: string): { script: string; chains: number } {
  let chains = 0
  const tables = saved.split(/^(?=\*)/m).flatMap(table => {
    const lines = table.split('\n')
    if (!lines[0]?.startsWith('*')) return []
    const own = lines.flatMap(line => /^:(cali-\S+)/.exec(line)?.[1] ?? [])
    const jumps = lines.filter(line => /^-A (?!cali-)\S+ .*(-j|-g) cali-/.test(line))
    const marked = lines.filter(line => /^-A (?!cali-)\S+ .*--comment "cali:/.test(line) && !jumps.includes(line))
    if (!own.length && !jumps.length && !marked.length) return []
    chains += own.length
    const gone = [...jumps, ...marked].map(line => line.replace(/^-A /, '-D '))
    // Emptied first: a chain that another one still names cannot go.
    return [lines[0], ...gone, ...own.map(chain => `-F ${chain}`), ...own.map(chain => `-X ${chain}`), 'COMMIT']
  })
  return { script: tables.length ? `${tables.join('\n')}\n` : '', chains }
}

async function removeSets(commands: Commands): Promise<number> {
  const listed = await commands.run('ipset', ['list', '-n'], quiet).catch(() => undefined)
  if (listed?.code !== 0) return 0
  const own = listed.stdout.split('\n').filter(name => /^cali[46]/.test(name))
  // Emptied first: a set that is in another one cannot go.
  for (const name of own) await commands.run('ipset', ['flush', name], quiet)
  let removed = 0
  for (const name of own) if ((await commands.run('ipset', ['destroy', name], quiet)).code === 0) removed++
  return removed
}
