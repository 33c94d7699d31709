import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { signalProcess, systemCommands } from '../../base/commands.ts'
import { systemDisk } from '../../base/disk.ts'
import { Connection } from '../../runtime/cri/connection.ts'
import { type ContainerdBench, openContainerdBench } from '../../runtime/testing/containerd-bench.ts'
import { containerSpec, podSpec } from '../../runtime/testing/specs.ts'
import { examine } from './doctor.ts'

let bench: ContainerdBench
const dead = 'dead'.repeat(16)
const { run } = systemCommands

beforeAll(async () => {
  bench = await openContainerdBench({ subnet: '10.219.64.0/20' })
})

afterAll(() => bench[Symbol.asyncDispose]())

const look = (fix: boolean) =>
  examine({
    fix,
    apartMs: 100,
    outside: { disk: systemDisk, commands: systemCommands, clock: systemClock },
    places: {
      stateFolder: bench.containerd.stateFolder,
      socket: bench.containerd.socket,
      ipamFolder: `${bench.folder}/ipam`,
      bridge: bench.bridge,
      network: 'test',
      podFolder: `${bench.folder}/pods`,
      secretFolder: `${bench.folder}/secrets`,
      logFolder: bench.logFolder,
      cgroupRoots: ['/', `/${basename(bench.folder)}`],
    },
  })

/** Kinds of what was found in this test's own places: the machine may have more. */
const mine = ({ findings }: Awaited<ReturnType<typeof look>>) =>
  findings
    .filter(({ kind, what }) => !/^(control groups|rules|network records)$/.test(kind) || what.includes(dead))
    .map(({ kind, outcome }) => `${kind} ${outcome ?? 'seen'}`)

/** A folder from which runc runs a program of busybox. */
async function bundleOf(args: string[]): Promise<string> {
  const bundle = `${bench.folder}/bundle`
  await mkdir(join(bundle, 'rootfs/bin'), { recursive: true })
  await copyFile('/bin/busybox', join(bundle, `rootfs${args[0]}`))
  await run('runc', ['spec', '--bundle', bundle])
  const spec = JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8'))
  spec.process = { ...spec.process, args, terminal: false }
  await writeFile(join(bundle, 'config.json'), JSON.stringify(spec))
  return bundle
}

it('the doctor finds what pods left behind, takes out that alone, and lets the living live', async () => {
  const { runtime } = bench
  const signal = new AbortController().signal
  const sandbox = await runtime.runSandbox(podSpec('alive', { logFolder: `${bench.logFolder}/alive` }), signal)
  const image = await runtime.pull(bench.image, {}, signal)
  const container = await runtime.start(sandbox, containerSpec(bench.image, image, 'sleep 1000'))
  expect(mine(await look(false))).toEqual([])

  const { stateFolder, socket } = bench.containerd
  const netns = join(stateFolder, 'io.containerd.grpc.v1.cri/netns/cni-dead')
  await writeFile(netns, '')
  await run('unshare', ['--net', 'sh', '-c', `mount --bind /proc/self/ns/net ${netns}`])
  await writeFile(`${bench.folder}/ipam/test/10.219.64.200`, `${dead}\r\neth0`)
  await run('ip', ['link', 'add', 'oftdead0', 'type', 'veth', 'peer', 'name', 'oftdead1'])
  await run('ip', ['link', 'set', 'oftdead0', 'master', bench.bridge])
  const task = join(stateFolder, 'io.containerd.runtime.v2.task/k8s.io', dead)
  await mkdir(join(task, 'rootfs'), { recursive: true })
  await run('mount', ['-t', 'tmpfs', 'tmpfs', join(task, 'rootfs')])
  await mkdir(`${bench.folder}/pods/u-dead/volumes/m`, { recursive: true })
  await run('mount', ['-t', 'tmpfs', 'tmpfs', `${bench.folder}/pods/u-dead/volumes/m`])
  await mkdir(`/sys/fs/cgroup/pids/k8s.io/${dead}`, { recursive: true })
  // A node whose groups are not at the top, with what its container left in the pod's.
  const own = `/sys/fs/cgroup/pids/${basename(bench.folder)}`
  await mkdir(`${own}/kubepods/besteffort/pod${dead}/${dead}`, { recursive: true })
  using connection = new Connection(socket, systemClock)
  const { containers } = await connection.containerd<{ containers: { snapshotter: string }[] }>(
    'containers.v1.Containers',
    'List',
    {},
  )
  const { snapshotter } = containers[0]!
  await connection.containerd('snapshots.v1.Snapshots', 'Prepare', {
    snapshotter,
    key: 'dead',
    parent: '',
    // One that containerd's own collector does not take.
    labels: { 'containerd.io/gc.root': 'now' },
  })
  await connection.containerd('containers.v1.Containers', 'Create', {
    container: { id: dead.replace('dead', 'beef'), runtime: { name: 'io.containerd.runc.v2' }, spec: {} },
  })
  await symlink('/bin/sh', `${bench.folder}/containerd-shim-runc-v2`)
  const shim = systemCommands.spawn(`${bench.folder}/containerd-shim-runc-v2`, [
    '-c',
    'sleep 1000; true',
    ...['-namespace', 'k8s.io', '-id', dead, '-address', socket],
  ])

  // One that runs by itself, as when its shim was killed.
  const orphan = 'cafe'.repeat(16)
  const runcRoot = join(stateFolder, 'runc/k8s.io')
  const bundle = await bundleOf(['/bin/sleep', '1000'])
  // Its program would hold our pipes open.
  await run('sh', [
    '-c',
    `runc --root ${runcRoot} run --detach --bundle ${bundle} ${orphan} < /dev/null > /dev/null 2>&1`,
  ])
  const orphanPid = JSON.parse((await run('runc', ['--root', runcRoot, 'state', orphan])).stdout).pid

  const all = [
    'containers',
    'shims',
    'runc states',
    'mounts',
    'mounts',
    'snapshots',
    'control groups',
    'control groups',
    'interfaces',
    'network namespaces',
    'addresses',
  ]
  const seen = await look(false)
  expect(mine(seen)).toEqual(all.map(kind => `${kind} seen`))
  expect(seen.counts.find(({ kind }) => kind === 'mounts')).toEqual({ kind: 'mounts', found: 2 })
  expect(signalProcess(shim.pid!, 0)).toBe(true)

  expect(mine(await look(true))).toEqual(all.map(kind => `${kind} mended`))
  await shim.exited
  // Ended, even where nobody has asked yet how.
  expect(await readFile(`/proc/${orphanPid}/cmdline`, 'utf8').catch(() => '')).toBe('')
  expect(mine(await look(false))).toEqual([])
  expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toMatch(new RegExp(`${dead}|u-dead|cni-dead`))
  await run('find', [own, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';'])
  const [pod] = await runtime.observe()
  expect(pod!.containers).toMatchObject([{ id: container, state: 'running' }])
  expect((await runtime.exec(container, ['ip', 'addr'], 5_000)).stdout).toContain('eth0')
  await runtime.stop(container, 0)
  await runtime.remove(sandbox)
  expect((await bench.leaks()).filter(leak => !leak.includes('cgroup'))).toEqual([])
})
