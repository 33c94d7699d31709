import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { type Disk, systemDisk } from '../base/disk.ts'
import { isRunning, noted, refuseWhileRunning, runningCluster } from './run-file.ts'

const pid = process.pid
const statOf = (startTicks: number, state = 'S') =>
  `${pid} (a) name (b) ${state} 1 ${Array.from({ length: 17 }, () => 0).join(' ')} ${startTicks} 0`

/** A disk on which our own process began at that tick of that start of the machine. */
function machine({ startTicks = 700, boot = 'b1', state = 'S' } = {}, more: Record<string, string> = {}) {
  const files: Record<string, string> = {
    [`/proc/${pid}/stat`]: statOf(startTicks, state),
    '/proc/sys/kernel/random/boot_id': `${boot}\n`,
    ...more,
  }
  const readText = async (path: string) =>
    files[path] ?? Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' }))
  return { readText } as unknown as Disk
}

test('a process is the one that was noted while it has its number, its beginning and the start of the machine', async () => {
  const run = await noted(machine(), pid)
  expect(run).toEqual({ pid, mark: 'b1/700' })
  expect(await isRunning(machine(), run)).toBe(true)
  expect(await isRunning(machine({ startTicks: 701 }), run)).toBe(false)
  expect(await isRunning(machine({ boot: 'b2' }), run)).toBe(false)
  expect(await isRunning(machine({ state: 'Z' }), run)).toBe(false)
  expect(await isRunning({ readText: () => Promise.reject(new Error()) } as unknown as Disk, run)).toBe(false)
})

test('a real process is known until it ends', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
  const run = await noted(systemDisk, child.pid!)
  expect(await isRunning(systemDisk, run)).toBe(true)
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  expect(await isRunning(systemDisk, run)).toBe(false)
})

test('what an older version noted, the number alone, is believed of a process that is called as ours are', async () => {
  const run = JSON.stringify({ pid, url: 'https://a' })
  const ask = (command: string) =>
    runningCluster(machine({}, { '/data/run.json': run, [`/proc/${pid}/cmdline`]: command }), '/data')
  expect(await ask('node\0optiflow\0up')).toMatchObject({ url: 'https://a' })
  expect(await ask('bash')).toBeUndefined()
})

const foreign = process.ppid

function refuse(files: Record<string, string>) {
  const there: Record<string, string> = { [`/proc/${foreign}/cmdline`]: 'node\0optiflow\0up', ...files }
  const readText = async (path: string) =>
    there[path] ?? Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' }))
  return refuseWhileRunning({ readText } as unknown as Disk, '/data', 'it would be disturbed')
}

test('work on a data folder is refused while a cluster or a server runs from it, with who it is and what to do', async () => {
  const run = { pid: foreign, startedAt: '2026-03-01T12:00:30Z', url: 'https://a' }
  await expect(refuse({ '/data/run.json': JSON.stringify(run) })).rejects.toMatchObject({
    message: `a cluster runs from /data: process ${foreign} at https://a; it would be disturbed`,
    hint: 'End it first: optiflow down',
  })
  await expect(refuse({ '/data/run/server.json': JSON.stringify({ part: 'server', pid: foreign }) })).rejects.toThrow(
    `a server runs from /data: process ${foreign}; it would be disturbed`,
  )
  await refuse({ '/data/run/agent.json': JSON.stringify({ part: 'agent', pid: foreign }) })
  await refuse({ '/data/run.json': JSON.stringify({ ...run, pid: process.pid }) })
  await refuse({})
})
