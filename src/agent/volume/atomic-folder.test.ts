import { lstat, mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemDisk } from '../../base/disk.ts'
import { seededRandom } from '../../base/random.ts'
import { writeAtomicFolder } from './atomic-folder.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-volume-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const random = seededRandom(3)
const write = (files: Record<string, string>, mode = 0o640) =>
  writeAtomicFolder(
    systemDisk,
    random,
    folder,
    new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode }])),
  )
const read = (path: string) => readFile(join(folder, path), 'utf8')

describe('the files of a volume', () => {
  it('are written anew where ..data leads nowhere', async () => {
    await write({ a: '1' })
    await rm(join(folder, await readlink(join(folder, '..data'))), { recursive: true })
    expect(await write({ a: '1' })).toBe(true)
    expect(await read('a')).toBe('1')
  })

  it('are links through ..data, which is swapped as a whole', async () => {
    expect(await write({ a: '1', 'dir/b': '2' })).toBe(true)
    expect([await read('a'), await read('dir/b')]).toEqual(['1', '2'])
    expect(await readlink(join(folder, 'a'))).toBe('..data/a')
    expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o640)
    const before = await readlink(join(folder, '..data'))

    expect(await write({ a: 'one', c: '3' })).toBe(true)
    expect([await read('a'), await read('c')]).toEqual(['one', '3'])
    await expect(lstat(join(folder, 'dir'))).rejects.toThrow('ENOENT')
    const after = await readlink(join(folder, '..data'))
    expect(after).not.toBe(before)
    expect((await readdir(folder)).sort()).toEqual(['..data', after, 'a', 'c'].sort())
  })

  it('are left alone when nothing changed', async () => {
    await write({ a: '1' })
    const before = await readlink(join(folder, '..data'))
    expect(await write({ a: '1' })).toBe(false)
    expect(await readlink(join(folder, '..data'))).toBe(before)
    expect(await write({ a: '1' }, 0o600)).toBe(true)
  })

  it.each(['../x', '/x', 'a/../../x', '..data', 'a//b'])('are refused at %s', async path => {
    await expect(write({ [path]: 'x' })).rejects.toThrow('must be relative')
  })
})
