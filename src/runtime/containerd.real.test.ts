import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { signalProcess, systemCommands } from '../base/commands.ts'
import { systemDisk } from '../base/disk.ts'
import { silentLogger } from '../base/logger.ts'
import { systemRandom } from '../base/random.ts'
import { type SupervisedContainerd, type SuperviseOptions, superviseContainerd } from './containerd.ts'
import { openContainerd } from './cri/containerd-runtime.ts'
import { recordFolder } from './cri/network-record.ts'
import { pauseImageName } from './pause-image.ts'
import type { Runtime } from './runtime.ts'
import { shimsOf } from './shims.ts'
import { conflist } from './testing/containerd-bench.ts'
import { containerSpec, podSpec } from './testing/specs.ts'

// Its pods are the pause program itself: no image is needed, and the host network needs no bridge.
let folder: string
let options: SuperviseOptions
let containerd: SupervisedContainerd
const never = new AbortController().signal

beforeAll(async () => {
  folder = await mkdtemp('/tmp/optiflow-supervise-')
  await systemDisk.write(`${folder}/net.d/10-test.conflist`, conflist('oftunused0', '10.218.0.0/24', `${folder}/ipam`))
  options = {
    folder: `${folder}/data`,
    disk: systemDisk,
    commands: systemCommands,
    clock: systemClock,
    log: silentLogger,
    cniBinFolders: ['/usr/lib/cni'],
    cniConfFolder: `${folder}/net.d`,
  }
  containerd = await superviseContainerd(options)
})
afterAll(async () => {
  await containerd?.purge()
  await rm(folder, { recursive: true, force: true })
})

const open = (): Runtime =>
  openContainerd({ socket: containerd.socket, clock: systemClock, random: systemRandom, log: silentLogger })

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await holds().catch(() => false))) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

const commandLine = (pid: number) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')

test('a daemon that is running is adopted; one that is killed is started again; pods go on through both', async () => {
  const first = containerd.pid()!
  const runtime = open()
  const sandbox = await runtime.runSandbox(podSpec('kept', { hostNetwork: true, logFolder: `${folder}/logs` }), never)
  const spec = containerSpec(pauseImageName, '', '', { command: ['/pause'] })
  const id = await runtime.start(sandbox, spec)
  const observed = await runtime.observe()

  await containerd[Symbol.asyncDispose]()
  containerd = await superviseContainerd(options)
  expect([containerd.adopted, containerd.pid()]).toEqual([true, first])

  signalProcess(first, 'SIGKILL')
  await until('a new daemon', async () => containerd.pid() !== first && Boolean(await runtime.version()))
  expect(await runtime.observe()).toEqual(observed)
  expect(observed[0]!.containers).toMatchObject([{ id, state: 'running' }])

  // A changed configuration takes effect by a restart.
  await containerd[Symbol.asyncDispose]()
  const second = containerd.pid()!
  containerd = await superviseContainerd({ ...options, handlers: { other: '/usr/sbin/runc' } })
  expect(containerd.adopted).toBe(false)
  expect(await commandLine(second)).toBe('')
  await until('the pod', async () => (await runtime.observe()).length === 1)
  expect(await runtime.observe()).toEqual(observed)
  const again = await runtime.runSandbox(
    podSpec('other', { hostNetwork: true, logFolder: `${folder}/logs`, runtimeHandler: 'other' }),
    never,
  )
  await runtime.remove(again)
  await runtime.remove(sandbox)
  await runtime[Symbol.asyncDispose]()
})

test('a daemon that hangs is ended and started again', async () => {
  // Its questions come a hundred times as soon, and are waited for as long as ever.
  const hasty = {
    ...systemClock,
    schedule: (ms: number, task: () => void) =>
      systemClock.schedule(ms === 15_000 ? 150 : ms === 10_000 ? 1_000 : ms, task),
  }
  await containerd[Symbol.asyncDispose]()
  const told: string[] = []
  const log = { ...silentLogger, error: (_: object, what: string) => void told.push(what) } as typeof silentLogger
  containerd = await superviseContainerd({ ...options, clock: hasty, log })
  const first = containerd.pid()!
  signalProcess(first, 'SIGSTOP')
  const runtime = open()
  await until('a new daemon', async () => containerd.pid() !== first && Boolean(await runtime.version()))
  expect(told).toEqual(['containerd is there and does not answer; it is ended, pods go on'])
  await runtime[Symbol.asyncDispose]()
  await containerd[Symbol.asyncDispose]()
  containerd = await superviseContainerd(options)
}, 60_000)

test('where earlier agents left two daemons behind, one new one takes their place, and is found again', async () => {
  const other = await superviseContainerd({ ...options, folder: `${folder}/other` })
  const first = other.pid()!
  await other[Symbol.asyncDispose]()
  const daemon = ['--config', `${folder}/other/config.toml`]
  const second = systemCommands.spawn('containerd', daemon, { detached: true, logFile: `${folder}/second.log` })
  await until('the second daemon', async () => (await commandLine(second.pid!)).startsWith('containerd'))

  const next = await superviseContainerd({ ...options, folder: `${folder}/other` })
  expect([await commandLine(first), await commandLine(second.pid!)]).toEqual(['', ''])
  expect(next.adopted).toBe(false)
  await next[Symbol.asyncDispose]()
  const last = await superviseContainerd({ ...options, folder: `${folder}/other` })
  expect([last.adopted, last.pid()]).toEqual([true, next.pid()])
  await last.purge()
  expect(await commandLine(next.pid()!)).toBe('')
})

test('two daemons on one machine do not see each other, and a purge leaves nothing of one', async () => {
  const other = await superviseContainerd({ ...options, folder: `${folder}/other` })
  expect(other.socket).not.toBe(containerd.socket)
  const pid = other.pid()!
  await other.purge()
  expect(await commandLine(pid)).toBe('')
  expect(await systemDisk.exists(other.stateFolder)).toBe(false)
  expect(await systemDisk.list(`${folder}/other`)).toEqual([])
  expect(await open().version()).toMatchObject({ name: 'containerd' })
})

test('a purge ends pods that nobody stopped, as when their network plugin is gone', async () => {
  const other = await superviseContainerd({ ...options, folder: `${folder}/other` })
  const runtime = openContainerd({
    ...{ clock: systemClock, random: systemRandom, log: silentLogger },
    socket: other.socket,
  })
  await runtime.runSandbox(podSpec('left', { hostNetwork: true, logFolder: `${folder}/logs` }), never)
  await runtime[Symbol.asyncDispose]()
  expect(await shimsOf(systemDisk, other.socket)).toHaveLength(1)
  // What CNI remembers of them, and of a pod of another containerd.
  const record = (name: string) => `${recordFolder}/${name}-purged-eth0`
  for (const [name, { stateFolder }] of Object.entries({ own: other, others: containerd }))
    await systemDisk.write(record(name), JSON.stringify({ netns: `${stateFolder}/netns/cni-1` }))
  await other.purge()
  expect(await shimsOf(systemDisk, other.socket)).toEqual([])
  expect([await systemDisk.exists(record('own')), await systemDisk.exists(record('others'))]).toEqual([false, true])
  await systemDisk.remove(record('others'))
})

test('a socket path that no kernel takes is refused at once', async () => {
  const stateFolder = `/run/${'x'.repeat(120)}`
  await expect(superviseContainerd({ ...options, stateFolder })).rejects.toThrow(
    "the path of containerd's socket is too long",
  )
})
