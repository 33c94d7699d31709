import { lstat, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemDisk } from '../../base/disk.ts'
import type { PersistentVolume } from '../../models/types/core-v1.ts'
import { giveToGroup } from './file-group.ts'
import { makeLocalVolume, removeLocalVolume } from './local-volumes.ts'

let folder: string
const name = 'pvc-00000000-0000-4000-8000-000000000001_default_data'

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-volumes-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const volume = (path: string, provisioner = 'local.optiflow.dev') =>
  ({
    metadata: { name: 'v', annotations: { 'pv.kubernetes.io/provisioned-by': provisioner } },
    spec: { local: { path } },
  }) as unknown as PersistentVolume

describe('the folder of a local volume', () => {
  it('is made before its first use, for anybody to write to, and kept as it is afterwards', async () => {
    const path = join(folder, 'volumes', name)
    await makeLocalVolume(systemDisk, folder, volume(path))
    expect((await stat(path)).mode & 0o777).toBe(0o777)
    await writeFile(join(path, 'kept'), '')
    await makeLocalVolume(systemDisk, folder, volume(path))
    expect(await readdir(path)).toEqual(['kept'])
  })

  it('is not made elsewhere, nor for volumes of others', async () => {
    await makeLocalVolume(systemDisk, folder, volume(join(folder, 'elsewhere', name)))
    await makeLocalVolume(systemDisk, folder, volume(join(folder, 'volumes', name), 'example.com/other'))
    expect(await readdir(folder)).toEqual([])
  })

  it('goes with all that is in it, and nothing beside it', async () => {
    await mkdir(join(folder, 'volumes', name, 'deep'), { recursive: true })
    await mkdir(join(folder, 'volumes', `${name}2`))
    await removeLocalVolume(systemDisk, folder, name)
    await removeLocalVolume(systemDisk, folder, name)
    expect((await readdir(join(folder, 'volumes'))).filter(n => n !== '.deleted')).toEqual([`${name}2`])
    expect(await readdir(join(folder, 'volumes/.deleted'))).toEqual([])
    for (const bad of ['..', '.', '', `${name}/..`, '../pods', '.deleted'])
      await expect(removeLocalVolume(systemDisk, folder, bad)).rejects.toThrow(/is no folder of a local volume/)
  })
})

describe.skipIf(process.getuid?.() !== 0)('a volume for a group (as root)', () => {
  it('is the group’s with all that is in it, and links out of it are not followed', async () => {
    const outside = join(folder, 'outside')
    const root = join(folder, 'volume')
    await mkdir(join(root, 'deep'), { recursive: true })
    await writeFile(join(root, 'deep/file'), '', { mode: 0o600 })
    await writeFile(outside, '', { mode: 0o600 })
    await symlink(outside, join(root, 'link'))
    await giveToGroup(systemDisk, root, 2000, 'Always')
    const seen = async (path: string) => {
      const { gid, mode } = await lstat(path)
      return [gid, (mode & 0o7777).toString(8)]
    }
    expect(await seen(root)).toEqual([2000, '2775'])
    expect(await seen(join(root, 'deep'))).toEqual([2000, '2775'])
    expect(await seen(join(root, 'deep/file'))).toEqual([2000, '660'])
    expect(await seen(outside)).toEqual([0, '600'])
  })

  it('is left as it is when its top folder is right already and the pod says OnRootMismatch', async () => {
    await giveToGroup(systemDisk, folder, 2000, 'Always')
    await writeFile(join(folder, 'file'), '')
    await systemDisk.chown(join(folder, 'file'), 0, 0)
    await giveToGroup(systemDisk, folder, 2000, 'OnRootMismatch')
    expect((await stat(join(folder, 'file'))).gid).toBe(0)
    await giveToGroup(systemDisk, folder, 3000, 'OnRootMismatch')
    expect((await stat(join(folder, 'file'))).gid).toBe(3000)
  })
})
