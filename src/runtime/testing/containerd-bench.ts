import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { systemClock } from '../../base/clock.ts'
import { signalProcess, systemCommands } from '../../base/commands.ts'
import { systemDisk } from '../../base/disk.ts'
import { listenHttp } from '../../base/http-listener.ts'
import { createLogger, type Logger, silentLogger } from '../../base/logger.ts'
import { systemRandom } from '../../base/random.ts'
import type { RuntimeBench } from '../conformance/index.ts'
import { type SupervisedContainerd, superviseContainerd } from '../containerd.ts'
import { Connection } from '../cri/connection.ts'
import { openContainerd } from '../cri/containerd-runtime.ts'
import { buildImage, type ImageRecipe, imageIndex, type OciImage } from '../oci-image.ts'
import { type OciRegistry, openRegistry } from '../oci-registry.ts'
import { mountPoints } from '../shared-mounts.ts'
import type { TarEntry } from '../tar.ts'

/** A containerd of its own with a bridge network and a registry, for tests that run real containers. Needs root. */
export interface ContainerdBench extends RuntimeBench {
  containerd: SupervisedContainerd
  registry: OciRegistry
  folder: string
  bridge: string
}

/** busybox as an image: a shell and its usual programs. @param more files, and what is run */
export async function busyboxImage(
  more: Pick<ImageRecipe, 'entrypoint' | 'cmd'> & { files?: TarEntry[] } = {},
): Promise<OciImage> {
  const { files = [], ...run } = more
  const { stdout } = await systemCommands.run('/bin/busybox', ['--list'])
  const applets = stdout.split('\n').filter(name => name && name !== 'busybox')
  return buildImage({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    layers: [
      [
        { path: 'bin', folder: true },
        { path: 'tmp', folder: true, mode: 0o1777 },
        { path: 'root', folder: true, mode: 0o700 },
        { path: 'etc', folder: true },
        { path: 'etc/passwd', data: 'root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000::/tmp:/bin/sh\n' },
        { path: 'etc/group', data: 'root:x:0:\nguest:x:1000:\n' },
        { path: 'bin/busybox', data: await readFile('/bin/busybox'), mode: 0o755 },
        ...applets.map(name => ({ path: `bin/${name}`, link: 'busybox' })),
        ...files,
      ],
    ],
    cmd: ['sh'],
    env: { FROM_IMAGE: 'yes' },
    ...run,
  })
}

let benches = 0

/** @param options.parent folder of the bench's own; images and containers are below it */
export async function openContainerdBench(
  options: { log?: Logger; subnet?: string; parent?: string } = {},
): Promise<ContainerdBench> {
  const log = options.log ?? (process.env['OPTIFLOW_TEST_LOG'] ? createLogger('debug') : silentLogger)
  const folder = await mkdtemp(`${options.parent ?? '/tmp'}/optiflow-runtime-`)
  const bridge = `oft${process.pid % 100000}x${benches++}`.slice(0, 15)
  const network = `${folder}/net.d/10-test.conflist`
  await systemDisk.write(network, conflist(bridge, options.subnet ?? '10.219.0.0/20', `${folder}/ipam`))
  const registry = await openRegistry({
    listenHttp,
    secrets: { 'private/app': { username: 'ada', password: 'lovelace' } },
  })
  const image = await busyboxImage()
  const name = registry.push('test/busybox', '1', image)
  registry.push('private/app', '1', image)
  const foreign = registry.push(
    'foreign',
    '1',
    imageIndex([
      { architecture: 's390x', image: buildImage({ architecture: 's390x', layers: [[{ path: 'x', data: '' }]] }) },
    ]),
  )
  const cgroupsBefore = await cgroups()
  const containerd = await superviseContainerd({
    folder,
    disk: systemDisk,
    commands: systemCommands,
    clock: systemClock,
    log,
    cniBinFolders: ['/usr/lib/cni', '/opt/cni/bin'],
    cniConfFolder: `${folder}/net.d`,
    registries: [{ host: registry.address, server: `http://${registry.address}` }],
  })
  const open = () =>
    openContainerd({
      socket: containerd.socket,
      clock: systemClock,
      random: systemRandom,
      log,
      pipeFolder: `${folder}/exec`,
    })
  const runtime = open()
  await until('the network', async () => ((await runtime.status()).networkReady ? true : undefined))

  return {
    runtime,
    containerd,
    registry,
    folder,
    bridge,
    image: name,
    reopen: open,
    logFolder: `${folder}/logs`,
    badImages: [
      { what: 'no such tag', image: `${registry.address}/test/busybox:2`, says: /has no such image \(.*not found\)/ },
      { what: 'no such repository', image: `${registry.address}/nothing:1`, says: /has no such image/ },
      {
        what: 'registry down',
        image: '127.0.0.1:9/app:1',
        says: /registry 127\.0\.0\.1:9 does not answer \(.*connection refused\)/,
      },
      { what: 'no login', image: `${registry.address}/private/app:1`, says: /wants a login/ },
      {
        what: 'wrong login',
        image: `${registry.address}/private/app:1`,
        says: /wants a login, or refused the one given/,
        options: { credentials: { username: 'ada', password: 'byron' } },
      },
      { what: 'no such processor', image: foreign, says: /no variant for this node's processor/ },
      { what: 'no name', image: 'Not An Image', says: /not an image name/ },
    ],
    until,
    during: work => work,
    async interrupt() {
      const before = containerd.pid()!
      signalProcess(before, 'SIGKILL')
      await until('its end', async () =>
        (await readFile(`/proc/${before}/cmdline`, 'utf8').catch(() => '')) ? undefined : true,
      )
      return async () => {
        await until('a new containerd', async () => {
          const pid = containerd.pid()
          return pid !== undefined && pid !== before && (await runtime.version().catch(() => undefined))
            ? true
            : undefined
        })
      }
    },
    leaks: () => leaks(containerd, folder, bridge, cgroupsBefore),
    async [Symbol.asyncDispose]() {
      for (const { sandboxes } of await runtime.observe().catch(() => []))
        for (const { id } of sandboxes) await runtime.remove(id).catch(() => {})
      await runtime[Symbol.asyncDispose]()
      await containerd.purge()
      await registry[Symbol.asyncDispose]()
      await systemCommands.run('ip', ['link', 'delete', bridge], { allowFailure: true })
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A bridge with addresses for the pods of one test. */
export function conflist(bridge: string, subnet: string, ipamFolder: string): string {
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: 'test',
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        ipMasq: false,
        ipam: { type: 'host-local', dataDir: ipamFolder, ranges: [[{ subnet }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
    ],
  })
}

async function until<T>(what: string, holds: () => Promise<T | undefined>, withinMs = 30_000): Promise<T> {
  const end = performance.now() + withinMs
  for (;;) {
    const found = await holds()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** cgroups that containerd makes when no parent is given. */
async function cgroups(): Promise<Set<string>> {
  const found = new Set<string>()
  for (const root of ['/sys/fs/cgroup', ...(await list('/sys/fs/cgroup')).map(name => `/sys/fs/cgroup/${name}`)])
    for (const name of await list(`${root}/k8s.io`))
      if (/^[0-9a-f]{64}$/.test(name)) found.add(`${root}/k8s.io/${name}`)
  return found
}

/** What pods have left behind: namespaces, mounts, processes, interfaces, addresses, cgroups, records, files. */
async function leaks(
  containerd: SupervisedContainerd,
  folder: string,
  bridge: string,
  cgroupsBefore: Set<string>,
): Promise<string[]> {
  const found: string[] = []
  for (const name of await list(`${containerd.stateFolder}/io.containerd.grpc.v1.cri/netns`))
    found.push(`network namespace ${name}`)
  for (const { path } of await mountPoints(systemDisk))
    if (path.startsWith(folder) || path.startsWith(containerd.stateFolder)) found.push(`mount ${path}`)
  for (const pid of await list('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (command.includes('containerd-shim') && command.includes(containerd.socket)) found.push(`shim ${pid}`)
  }
  for (const port of await list(`/sys/class/net/${bridge}/brif`)) found.push(`interface ${port}`)
  for (const address of await list(`${folder}/ipam/test`)) if (/^\d/.test(address)) found.push(`address ${address}`)
  for (const cgroup of await cgroups()) if (!cgroupsBefore.has(cgroup)) found.push(`cgroup ${cgroup}`)
  for (const file of await list(`${folder}/exec`)) found.push(`pipe ${file}`)
  for (const file of await list(`${folder}/logs`)) found.push(`log folder ${file}`)
  using connection = new Connection(containerd.socket, systemClock)
  const { containers } = await connection.containerd<{ containers: { id: string }[] }>(
    'containers.v1.Containers',
    'List',
    {},
  )
  for (const { id } of containers) found.push(`container ${id}`)
  const { tasks } = await connection.containerd<{ tasks: { id: string }[] }>('tasks.v1.Tasks', 'List', {})
  for (const { id } of tasks) found.push(`task ${id}`)
  return found
}

const list = (path: string): Promise<string[]> => readdir(path).catch(() => [])
