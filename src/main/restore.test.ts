import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Disk, systemDisk } from '../base/disk.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { Backup } from '../db/index.ts'
import { restore } from './restore.ts'

test('nothing is restored into the folder of a cluster that runs, whatever its store', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'optiflow-restore-'))
  const clock = new VirtualClock()
  const startedAt = new Date(clock.now()).toISOString()
  const [pid, url] = [process.ppid, 'https://127.0.0.1:6443']
  await writeFile(join(dataDir, 'run.json'), JSON.stringify({ pid, url, startedAt, state: 'ready' }))
  const disk: Disk = {
    ...systemDisk,
    readText: async path =>
      path === `/proc/${pid}/cmdline`
        ? 'node\0optiflow\0up'
        : path === '/proc/uptime'
          ? '60 9'
          : systemDisk.readText(path),
  }
  const backup = { created: startedAt, revision: '7', entries: [], sealedBy: [] } as unknown as Backup
  const asked = { backup, dataDir, outside: { clock, disk }, force: true, withoutKeys: true }
  await expect(restore(asked)).rejects.toMatchObject({
    message: expect.stringContaining(`a cluster runs from ${dataDir}: process ${pid} at ${url}`),
    hint: 'End it first: optiflow down',
  })
  expect(await readdir(dataDir)).toEqual(['run.json'])
  await rm(join(dataDir, 'run.json'))
  expect(await restore(asked)).toMatchObject({ entries: 0 })
  await rm(dataDir, { recursive: true })
})
