import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemCommands } from '../../src/base/commands.ts'
import { systemDisk } from '../../src/base/disk.ts'
import { buildImage, ociArchive } from '../../src/runtime/oci-image.ts'
import type { TarEntry } from '../../src/runtime/tar.ts'

import { busyboxFiles } from '../support/web-image.ts'

/*
 * Images made of a folder of Calico's binaries, for those who build them and have no registry: CALICO_BIN. What Calico's own image
 * starts by runit is started by a script of ours here; of the machine come the programs that Felix calls and the standard CNI plugins
 * that Calico's configuration names besides its own. With `bird`, `bird6` and `confd` (the folder of its templates) in the folder
 * there is BGP too; BIRD 1.6 as distributions have it cannot do IPIP, which Calico's own can.
 */

interface Part {
  /** How the image's name ends in Calico's manifest: `…/node:v3.32.1`. */
  image: 'node' | 'cni' | 'kube-controllers' | 'typha'
  /** Name in the folder, and where it belongs in the image. */
  binaries: Record<string, string>
  /** Taken along when they are there. */
  optional?: Record<string, string>
  entrypoint: string[]
  user?: string
  /** Folders that this user writes into. */
  writable?: string[]
}

const parts: Part[] = [
  {
    image: 'node',
    binaries: { 'calico-node': 'bin/calico-node' },
    optional: { bird: 'bin/bird', bird6: 'bin/bird6', confd: 'etc/calico/confd' },
    entrypoint: ['/start'],
  },
  {
    image: 'cni',
    binaries: {
      calico: 'opt/cni/bin/calico',
      'calico-ipam': 'opt/cni/bin/calico-ipam',
      install: 'opt/cni/bin/install',
    },
    entrypoint: ['/opt/cni/bin/install'],
  },
  {
    image: 'kube-controllers',
    binaries: { 'kube-controllers': 'usr/bin/kube-controllers', 'check-status': 'usr/bin/check-status' },
    entrypoint: ['/usr/bin/kube-controllers'],
    user: '999',
    writable: ['status', 'profiles'],
  },
  {
    image: 'typha',
    binaries: { 'calico-typha': 'usr/bin/calico-typha' },
    entrypoint: ['/usr/bin/calico-typha'],
    user: '999',
  },
]

/**
 * What calico-node does when it starts, and the two programs it then keeps running; the container ends with either.
 * Built without a C compiler Felix has no eBPF, and would panic where it looks for what an eBPF data plane left.
 */
const start = `#!/bin/sh
calico-node -startup || exit 1
NODENAME=$(cat /var/lib/calico/nodename) || exit 1
export NODENAME FELIX_FELIXHOSTNAME="$NODENAME" FELIX_DATASTORETYPE="$DATASTORE_TYPE"
export FELIX_DebugSkipCTLBCleanup=true
calico-node -allocate-tunnel-addrs -allocate-tunnel-addrs-run-once || exit 1
calico-node -node-services & services=$!
calico-node -felix & felix=$!
case "$CALICO_NETWORKING_BACKEND" in
none|vxlan) ;;
*)
  config=/etc/calico/confd/config
  keep() {
    trap 'kill $program; exit' TERM
    while :; do "$@" & program=$!; wait $program; sleep 1; done
  }
  keep calico-node -confd & bgp=$!
  keep bird -R -s /var/run/calico/bird.ctl -d -c $config/bird.cfg & bgp="$bgp $!"
  keep bird6 -R -s /var/run/calico/bird6.ctl -d -c $config/bird6.cfg & bgp="$bgp $!"
  ;;
esac
trap 'kill $services $felix $bgp; exit 0' TERM INT
while kill -0 $services && kill -0 $felix; do sleep 1 & wait $!; done 2>/dev/null
kill $services $felix $bgp 2>/dev/null
exit 1
`

/** confd says by `sv hup bird` that there is a new configuration: all that it wants of runit. */
const sv = `#!/bin/sh
exec killall -HUP "$2"
`

/** ipset reads names of protocols there, as in sets of the endpoints of Services. */
const protocols = 'icmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nsctp 132 SCTP\n'

const tables = ['iptables', 'ip6tables'].flatMap(name =>
  ['', '-nft', '-legacy'].flatMap(variant => ['', '-save', '-restore'].map(action => `${name}${variant}${action}`)),
)
const machinePrograms = ['ip', 'ipset', 'nft', 'conntrack', ...tables]
const machinePlugins = ['portmap', 'bandwidth', 'host-local', 'loopback', 'tuning']

/** The folder lacks something that the manifest needs. */
export class NoSuchBinary extends Error {}

/**
 * Archives to import, one for each image that the manifest names, each of the binaries of the same name in the folder.
 * @throws NoSuchBinary naming all that is missing
 */
export async function imagesOfFolder(
  folder: string,
  imageNames: readonly string[],
): Promise<{ name: string; archive: Buffer }[]> {
  const wanted = imageNames.map(name => {
    const part = parts.find(p => p.image === basename(name.replace(/[:@].*$/, '')))
    if (!part) throw new NoSuchBinary(`the manifest names the image ${name}, and no binary is known to be it`)
    return { name, part }
  })
  const there = new Set(await readdir(folder))
  const missing = wanted.flatMap(({ part }) => Object.keys(part.binaries).filter(name => !there.has(name)))
  if (missing.length) throw new NoSuchBinary(`${folder} has no ${[...new Set(missing)].join(', ')}`)
  const base = [await busyboxFiles(systemDisk, systemCommands), await machineFiles()]
  return Promise.all(
    wanted.map(async ({ name, part }) => {
      const files = await Promise.all(
        Object.entries(part.binaries).map(async ([from, path]) => ({
          path,
          mode: 0o755,
          data: await readFile(join(folder, from)),
        })),
      )
      const own: TarEntry[] = [...files, ...(await optionalFiles(folder, part))]
      if (part.image === 'node')
        own.push(
          { path: 'start', mode: 0o755, data: start },
          { path: 'bin/sv', mode: 0o755, data: sv },
          { path: 'etc/protocols', data: protocols },
        )
      if (part.image === 'cni') own.push(...(await standardPlugins()))
      const image = buildImage({
        architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
        layers: [...base, [...withFolders(own), ...(part.writable ?? []).map(ownedBy(part.user))]],
        entrypoint: part.entrypoint,
        ...(part.user ? { user: part.user } : {}),
      })
      return { name, archive: ociArchive(image, name) }
    }),
  )
}

async function optionalFiles(folder: string, { optional = {} }: Part): Promise<TarEntry[]> {
  const found = Object.entries(optional).filter(([from]) => existsSync(join(folder, from)))
  const files = await Promise.all(found.map(([from, path]) => filesAt(join(folder, from), path)))
  return files.flat()
}

/** A file, or all files of a folder. */
async function filesAt(from: string, path: string): Promise<TarEntry[]> {
  if ((await stat(from)).isFile()) return [{ path, mode: 0o755, data: await readFile(from) }]
  const names = await readdir(from)
  const below = await Promise.all(names.map(name => filesAt(join(from, name), `${path}/${name}`)))
  return below.flat()
}

/** The programs that Felix calls, with all they load, at the places where they are on this machine. */
async function machineFiles(): Promise<TarEntry[]> {
  const paths = new Set<string>()
  const add = async (path: string) => {
    paths.add(path)
    const { stdout } = await systemCommands.run('ldd', [path], { allowFailure: true })
    for (const [, library] of stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)) paths.add(library!)
  }
  for (const name of machinePrograms) {
    const path = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'].map(dir => join(dir, name)).find(existsSync)
    if (path) await add(path)
  }
  const extensions = join(await libraryFolder(), 'xtables')
  for (const name of await readdir(extensions).catch(() => [])) await add(join(extensions, name))
  const files = await Promise.all(
    [...paths].map(async path => ({
      path: path.slice(1),
      // Whatever links lead there: the file itself.
      data: await readFile(path),
      mode: (await stat(path)).mode & 0o777,
    })),
  )
  return withFolders(files)
}

const ownedBy = (user?: string) => (path: string) => ({ path, folder: true as const, uid: Number(user ?? 0) })

async function standardPlugins(): Promise<TarEntry[]> {
  return Promise.all(
    machinePlugins.map(async name => ({
      path: `opt/cni/bin/${name}`,
      mode: 0o755,
      data: await readFile(join('/usr/lib/cni', name)),
    })),
  )
}

async function libraryFolder(): Promise<string> {
  const { stdout } = await systemCommands.run('ldd', ['/bin/sh'], { allowFailure: true })
  const folder = dirname(/=> (\/\S*libc\.so\S*)/.exec(stdout)?.[1] ?? '/usr/lib/libc.so.6')
  return folder.replace(/^\/lib\//, '/usr/lib/')
}

/** Each file behind the folders that it is in. */
function withFolders(files: readonly TarEntry[]): TarEntry[] {
  const folders = new Set<string>()
  for (const { path } of files) for (let at = dirname(path); at !== '.'; at = dirname(at)) folders.add(at)
  return [...[...folders].sort().map(path => ({ path, folder: true as const })), ...files]
}
