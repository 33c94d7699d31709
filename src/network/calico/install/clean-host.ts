import { join, relative } from 'node:path'
import type { Commands } from '../../../base/commands.ts'
import type { Disk } from '../../../base/disk.ts'
import { processes } from '../../../base/processes.ts'
import { removeRules, removeSets } from './host-rules.ts'

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

/** The numbers by which Felix and BIRD mark the routes that they make. */
const protocols = { felix: '80', bird: '12' }

/**
 * Takes out all that Calico leaves on a machine when its programs end: interfaces, routes, rules, sets, mounts, files. What is not
 * there is fine. Rules of others stay.
 * @param root '/' but in tests
 */
export async function cleanHost(commands: Commands, disk: Disk, root = '/'): Promise<string> {
  const links = await removeLinks(commands)
  await removeRoutes(commands, disk)
  const rules = await removeRules(commands)
  const sets = await removeSets(commands)
  await unmountBelow(commands, disk, root)
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
  // The kernel's own device of IPIP cannot go: without addresses it does nothing.
  if (names.includes('tunl0')) await commands.run('ip', ['addr', 'flush', 'dev', 'tunl0'], quiet)
  return own.length
}

/** Calico's BIRD is told to leave its routes when it ends. Those of a BIRD that runs are somebody else's. */
async function removeRoutes(commands: Commands, disk: Disk): Promise<void> {
  const own = [protocols.felix, ...((await birdRuns(disk)) ? [] : [protocols.bird])]
  for (const family of ['-4', '-6'])
    for (const protocol of own) await commands.run('ip', [family, 'route', 'flush', 'proto', protocol], quiet)
}

async function birdRuns(disk: Disk): Promise<boolean> {
  for (const pid of await processes(disk)) {
    const program = await disk.readText(`/proc/${pid}/comm`).catch(() => '')
    if (/^bird6?$/.test(program.trim())) return true
  }
  return false
}

/** Calico mounts the hierarchy of cgroups into its folder; to delete what is in there would be to delete cgroups. */
async function unmountBelow(commands: Commands, disk: Disk, root: string): Promise<void> {
  const plain = (path: string) => path.replace(/^var\/run\//, 'run/')
  const own = traces.map(trace => `${plain(trace)}/`)
  const mounts = (await disk.readText('/proc/self/mountinfo'))
    .split('\n')
    .flatMap(line => line.split(' ')[4] ?? [])
    .filter(path => own.some(trace => `${plain(relative(root, path))}/`.startsWith(trace)))
  // The deepest first: it was mounted last.
  for (const path of mounts.reverse()) await commands.run('umount', [path])
}
