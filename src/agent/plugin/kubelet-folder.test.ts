import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemDisk } from '../../base/disk.ts'
import { clearKubeletFolder } from './kubelet-folder.ts'

test('of kubelet’s folder a node that is no more takes what is its own, and leaves what others have there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kubelet-'))
  const make = (...paths: string[]) => Promise.all(paths.map(path => mkdir(join(folder, path), { recursive: true })))
  await make('device-plugins', 'pod-resources', 'plugins_registry', 'pods', 'plugins/kubernetes.io/csi/d/x')
  for (const name of ['device-plugins/optiflow-devices.json', 'optiflow-device-claims.json'])
    await writeFile(join(folder, name), '{}')
  await make('plugins/disk.test')
  await writeFile(join(folder, 'config.yaml'), '')
  await clearKubeletFolder(systemDisk, folder)
  expect((await readdir(folder, { recursive: true })).sort()).toEqual(['config.yaml', 'plugins', 'plugins/disk.test'])
  await rm(join(folder, 'config.yaml'))
  await rm(join(folder, 'plugins'), { recursive: true })
  await clearKubeletFolder(systemDisk, folder)
  expect(existsSync(folder)).toBe(false)
})
