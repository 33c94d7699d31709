import { chmod, mkdir, mkdtemp, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Commands } from '../../base/commands.ts'
import { systemDisk } from '../../base/disk.ts'
import { pinSubPath } from './sub-path.ts'

let folder: string
let mounts: string[][]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-sub-path-'))
  await mkdir(join(folder, 'volume'))
  mounts = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const commands = {
  run: async (file: string, args: string[]) => {
    mounts.push([file, ...args])
    return { stdout: '', stderr: '', exitCode: 0 }
  },
} as unknown as Commands
const pin = (sub: string) =>
  pinSubPath({ disk: systemDisk, commands }, join(folder, 'volume'), sub, join(folder, 'pins/0'))
const modeOf = async (path: string) => ((await stat(join(folder, path))).mode & 0o7777).toString(8)

describe('a subPath that is not there yet', () => {
  it('is made as open as its volume, whatever our umask is', async () => {
    await chmod(join(folder, 'volume'), 0o2777)
    expect(await pin('a/b')).toBe(join(folder, 'pins/0'))
    expect(await modeOf('volume/a/b')).toBe('2777')
    expect(mounts).toMatchObject([
      ['mount', '--bind', expect.stringMatching(/^\/proc\/\d+\/fd\/\d+$/), expect.anything()],
    ])
  })

  it('is not made behind a link that leads out of the volume', async () => {
    await mkdir(join(folder, 'outside'))
    await symlink(join(folder, 'outside'), join(folder, 'volume/link'))
    await expect(pin('link/new')).rejects.toThrow('leads out of its volume')
    await expect(stat(join(folder, 'outside/new'))).rejects.toThrow('ENOENT')
    expect(mounts).toEqual([])
  })
})

it('a subPath that was there keeps its mode', async () => {
  await mkdir(join(folder, 'volume/a'))
  await chmod(join(folder, 'volume/a'), 0o700)
  await chmod(join(folder, 'volume'), 0o777)
  await pin('a')
  expect(await modeOf('volume/a')).toBe('700')
})
