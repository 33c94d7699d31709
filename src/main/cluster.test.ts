import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemDisk } from '../base/disk.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { startCluster, startingRun } from './cluster.ts'
import { systemOutside } from './outside.ts'
import { writeRunFile } from './run-file.ts'
import { resolveSettings, type Settings } from './settings.ts'

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

test('why a cluster did not start is in its log, with what to do', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'optiflow-unstarted-'))
  const settings = resolveSettings({
    flags: {
      'data-dir': dataDir,
      listen: '127.0.0.1:0',
      runtime: 'simulated',
      kubeconfig: join(dataDir, 'kubeconfig'),
    },
    env: {},
    machine: { root: false, containerd: false, hostname: 'here' },
  })
  await systemDisk.makeFolder(join(dataDir, 'pki'))
  for (const name of ['ca.crt', 'ca.key']) await systemDisk.write(join(dataDir, 'pki', name), 'nothing')
  const told: unknown[] = []
  const log = { ...silentLogger, error: (...words: unknown[]) => void told.push(words) } as unknown as Logger
  const { signal } = new AbortController()
  const outside = { ...systemOutside(silentLogger), log }
  await expect(startCluster({ settings, outside, report: () => {}, signal })).rejects.toThrow('holds no certificate')
  expect(told).toEqual([
    [
      {
        error: expect.stringContaining('pki/ca.crt holds no certificate'),
        hint: expect.stringContaining('Put it back from a backup'),
      },
      'the cluster did not start',
    ],
  ])
  await rm(dataDir, { recursive: true })
})
