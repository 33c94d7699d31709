import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemDisk } from '../base/disk.ts'
import { silentLogger } from '../base/logger.ts'
import { startCluster, startingRun } from './cluster.ts'
import { systemOutside } from './outside.ts'
import { writeRunFile } from './run-file.ts'
import type { Settings } from './settings.ts'

test('a second cluster on one data folder is told whose it is and what to do, and changes nothing', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'optiflow-second-'))
  const settings = {
    ...{ dataDir, runtime: 'simulated', kubeconfig: join(dataDir, 'kubeconfig') },
    listen: { host: '::1', port: 6443 },
  } as Settings
  const pid = process.ppid
  const outside = systemOutside(silentLogger)
  const run = await startingRun({ ...outside, settings }, pid)
  await writeRunFile(systemDisk, dataDir, run)
  const disk = {
    ...systemDisk,
    readText: async (path: string) =>
      path === `/proc/${pid}/cmdline` ? 'node\0optiflow\0up' : systemDisk.readText(path),
  }
  const { signal } = new AbortController()
  await expect(
    startCluster({ settings, outside: { ...outside, disk }, report: () => {}, signal }),
  ).rejects.toMatchObject({
    message: `${dataDir}, of the cluster at https://[::1]:6443, is in use by the process ${pid}`,
    hint: 'End it with "optiflow down", or name another data folder with --data-dir.',
  })
  expect(await readdir(dataDir)).toEqual(['run.json'])
  await rm(dataDir, { recursive: true })
})
