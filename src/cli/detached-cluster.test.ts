import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import type { Child, Commands } from '../base/commands.ts'
import { type Disk, systemDisk } from '../base/disk.ts'
import { writeRunFile } from '../main/run-file.ts'
import type { Settings } from '../main/settings.ts'
import type { Outside } from './command.ts'
import { startDetached } from './detached-cluster.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'optiflow-detached-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

// Of a process that lives, and is nobody's child here.
const pid = process.ppid
const noted = () => readFile(join(dataDir, 'run.json'), 'utf8').then(JSON.parse, () => undefined)

async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await ask()
    if (value !== undefined) return value
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

function starting() {
  const interrupt = new AbortController()
  const signals: (string | undefined)[] = []
  let text = ''
  let exit = () => {}
  const exited = new Promise<{ code: number | null; signal: null }>(resolve => {
    exit = () => resolve({ code: 1, signal: null })
  })
  const child: Child = {
    pid,
    exited,
    kill(signal) {
      signals.push(signal)
      exit()
    },
  }
  const commands = { spawn: () => child } as unknown as Commands
  const disk: Disk = {
    ...systemDisk,
    readText: async path => (path === `/proc/${pid}/cmdline` ? 'node\0optiflow\0up' : systemDisk.readText(path)),
  }
  const terminal = { out: (more: string) => (text += more), err: () => {} }
  const outside = { disk, clock: systemClock, terminal, signal: interrupt.signal } as unknown as Outside
  const settings = {
    dataDir,
    listen: { host: '127.0.0.1', port: 6443 },
    runtime: 'simulated',
    kubeconfig: '/kubeconfig',
  } as Settings
  const start = () => startDetached(outside, settings, [], commands)
  return { start, interrupt, exit, signals, text: () => text }
}

test('a start in the background is noted from its first moment, and gone without a trace when it is interrupted', async () => {
  const { start, interrupt, signals, text } = starting()
  const started = start()
  expect(await eventually(noted)).toMatchObject({ pid, state: 'starting', url: 'https://127.0.0.1:6443' })
  interrupt.abort()
  await expect(started).rejects.toThrow()
  expect(signals).toEqual(['SIGTERM'])
  expect(await noted()).toBeUndefined()
  expect(text()).toContain('interrupted')
})

test('it is waited for until it is ready, also by who finds it under way', async () => {
  const { start, signals } = starting()
  const first = start()
  const run = await eventually(noted)
  const second = starting()
  const waiting = second.start()
  await eventually(async () => second.text() || undefined)
  await writeRunFile(systemDisk, dataDir, { ...run, state: 'ready', url: 'https://127.0.0.1:7000' })
  await Promise.all([first, waiting])
  expect(second.text()).toContain(`process ${pid} is starting it already`)
  expect(signals).toEqual([])
})

test('one that ends by itself is told, and its note goes', async () => {
  const { start, exit } = starting()
  const started = start()
  await eventually(noted)
  exit()
  await expect(started).rejects.toThrow('the cluster did not start; its words are above')
  expect(await noted()).toBeUndefined()
})
