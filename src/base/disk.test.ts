import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemDisk } from './disk.ts'

// Linux has a disk that is always full.
it.skipIf(process.platform !== 'linux')('a write for which there is no room says to which file', async () => {
  const file = await systemDisk.open('/dev/full', 'r+')
  const failure = await file.write('x').catch(error => error)
  await file.close()
  expect({ message: failure.message, code: failure.code, path: failure.path }).toEqual({
    message: "ENOSPC: no space left on device, write '/dev/full'",
    code: 'ENOSPC',
    path: '/dev/full',
  })
})

it('a file that cannot be replaced leaves nothing behind, and the error names what the system refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'optiflow-disk-'))
  try {
    await systemDisk.makeFolder(join(folder, 'taken'))
    await expect(systemDisk.write(join(folder, 'taken'), 'text')).rejects.toThrow(`${folder}/taken`)
    expect(await readdir(folder)).toEqual(['taken'])
  } finally {
    await rm(folder, { recursive: true })
  }
})
