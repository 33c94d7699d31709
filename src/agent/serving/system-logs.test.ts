import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemDisk } from '../../base/disk.ts'
import { systemLog } from './system-logs.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-logs-'))
  await mkdir(join(folder, 'apt'))
  await writeFile(join(folder, 'apt/history.log'), 'x'.repeat(100_000))
  await writeFile(join(folder, 'a<b&c.log'), '')
  await symlink('/etc', join(folder, 'way-out'))
})
afterAll(() => rm(folder, { recursive: true }))

const read = (path: string) => systemLog(systemDisk, path, folder)

it('a folder is a page of links, which are written so that a browser finds them', async () => {
  expect(await read('')).toEqual({
    page:
      '<pre>\n<a href="a%3Cb%26c.log">a&lt;b&amp;c.log</a>\n' +
      '<a href="apt/">apt/</a>\n<a href="way-out">way-out</a>\n</pre>\n',
  })
})

it('a file comes as it is', async () => {
  const log = await read('apt/history.log')
  let text = ''
  for await (const piece of (log as { bytes: AsyncIterable<Uint8Array> }).bytes) text += Buffer.from(piece).toString()
  expect(text).toBe('x'.repeat(100_000))
})

it.each([
  ['apt/nothing.log', /no apt\/nothing.log below \/var\/log/],
  ['../etc/passwd', /leads out of \/var\/log/],
  ['way-out/passwd', /way-out is a link, which is not followed/],
])('%s is refused', async (path, reason) => {
  await expect(read(path)).rejects.toThrow(reason)
})
