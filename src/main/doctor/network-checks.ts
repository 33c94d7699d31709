import { join } from 'node:path'
import { type KernelPaths, pathScript, readPaths, runPathScript, strayEntries } from '../../network/index.ts'
import { recordFolder, recordsOf } from '../../runtime/index.ts'
import { type Check, type Leak, namesIn, type Scene } from './leak.ts'

export const namespaces: Check = {
  kind: 'network namespaces',
  async find({ disk, commands, places, inventory, stock }) {
    const used = new Set(await stock.namespaces(inventory.sandboxes.filter(s => s.ready)))
    const folder = join(places.stateFolder, 'io.containerd.grpc.v1.cri/netns')
    return (await namesIn(disk, folder))
      .map(name => join(folder, name))
      .filter(path => !used.has(path))
      .map(path => ({
        what: `network namespace ${path} belongs to no pod`,
        async mend() {
          await commands.run('umount', ['-l', path], { allowFailure: true })
          await disk.remove(path)
        },
      }))
  },
}

/** Ends of cables on the pods' bridge whose other end is in no pod. */
export const interfaces: Check = {
  kind: 'interfaces',
  async find(scene) {
    const { commands, places } = scene
    const peers = await peersOf(scene)
    const cables = ['-o', 'link', 'show', 'master', places.bridge, 'type', 'veth']
    const { stdout } = await commands.run('ip', cables, { allowFailure: true })
    return [...stdout.matchAll(/^(\d+): ([^@:]+)/gm)]
      .filter(([, index]) => !peers.has(Number(index)))
      .map(([, , name]) => ({
        what: `interface ${name} on ${places.bridge} leads to no pod`,
        async mend() {
          await commands.run('ip', ['link', 'delete', name!], { allowFailure: true })
        },
      }))
  },
}

/** Numbers of the interfaces on this side of all pods' cables. */
async function peersOf({ commands, inventory, stock }: Scene): Promise<Set<number>> {
  const peers = new Set<number>()
  for (const netns of await stock.namespaces(inventory.sandboxes)) {
    const { stdout } = await commands.run('nsenter', [`--net=${netns}`, 'ip', '-o', 'link'], { allowFailure: true })
    for (const [, index] of stdout.matchAll(/@if(\d+)/g)) peers.add(Number(index))
  }
  return peers
}

/** Entries of the tunnel for nodes that are no more. */
export const tunnelEntries: Check = {
  kind: 'tunnel entries',
  async find({ commands }) {
    const { neighbours, forwarding } = strayEntries(await readPaths(commands))
    const leak = (some: Partial<KernelPaths>, line: string): Leak => ({
      what: `the tunnel knows ${line}, but no route leads there`,
      async mend() {
        const nothing = { routes: new Set<string>(), neighbours: new Set<string>(), forwarding: new Set<string>() }
        await runPathScript(commands, pathScript({ ...nothing, ...some }, nothing))
      },
    })
    return [
      ...[...neighbours].map(line => leak({ neighbours: new Set([line]) }, line)),
      ...[...forwarding].map(line => leak({ forwarding: new Set([line]) }, line)),
    ]
  },
}

export const addresses: Check = {
  kind: 'addresses',
  async find({ disk, places, sandboxIds }) {
    const folder = join(places.ipamFolder, places.network)
    const found: Leak[] = []
    for (const name of (await namesIn(disk, folder)).filter(file => /^[0-9a-f.:]+$/.test(file) && /\d/.test(file))) {
      const owner = (await disk.readText(join(folder, name)).catch(() => '')).split(/\s/)[0] ?? ''
      if (sandboxIds.has(owner)) continue
      found.push({
        what: `address ${name} is given to ${owner.slice(0, 12) || 'nobody'}, which is no more`,
        mend: () => disk.remove(join(folder, name)),
      })
    }
    return found
  },
}

/** What CNI remembers of attachments. */
export const attachments: Check = {
  kind: 'network records',
  async find({ disk, places, sandboxIds }) {
    const found: Leak[] = []
    for (const name of await recordsOf(disk, places.stateFolder)) {
      if ([...sandboxIds].some(id => name.includes(id))) continue
      found.push({
        what: `${recordFolder}/${name} is of a pod that is no more`,
        mend: () => disk.remove(join(recordFolder, name)),
      })
    }
    return found
  },
}

/** Host ports of pods that are no more. */
export const rules: Check = {
  kind: 'rules',
  async find({ commands, places, sandboxIds }) {
    const { stdout } = await commands
      .run('iptables', ['-w', '-t', 'nat', '-S'], { allowFailure: true })
      .catch(() => ({ stdout: '' }))
    return deadPortRules(stdout, places.network, sandboxIds).map(({ chain, id, script }) => ({
      what: `rules ${chain} forward a host port to ${id.slice(0, 12)}, which is no more`,
      async mend() {
        await commands.run('iptables-restore', ['-w', '--noflush'], { stdin: script })
      },
    }))
  },
}

/**
 * The portmap plugin's chains of sandboxes that are no more. Pure.
 * @param listing as `iptables -t nat -S` prints it
 */
export function deadPortRules(listing: string, network: string, alive: ReadonlySet<string>) {
  const lines = listing.split('\n')
  const dead = lines.flatMap(line => {
    const found = /^-A \S+ .*name: \\?"([^"\\]+)\\?" id: \\?"([0-9a-f]+)\\?".* -j (CNI-(?:DN|SN)-\w+)$/.exec(line)
    return found && found[1] === network && !alive.has(found[2]!) ? [{ line, id: found[2]!, chain: found[3]! }] : []
  })
  return dead.map(({ line, id, chain }) => ({
    chain,
    id,
    script: ['*nat', line.replace(/^-A /, '-D '), `-F ${chain}`, `-X ${chain}`, 'COMMIT', ''].join('\n'),
  }))
}
