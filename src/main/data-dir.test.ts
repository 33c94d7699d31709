import { expect, it } from 'vitest'
import type { Disk } from '../base/disk.ts'
import { prepareDataDir } from './data-dir.ts'

/** A disk that has so much room left, and takes files without anything in them all the same. */
const withRoom = (bytes: number) =>
  ({
    makeFolder: async () => {},
    remove: async () => {},
    write: async (path: string, data: string) => {
      if (data.length > bytes)
        throw Object.assign(new Error(`ENOSPC: no space left on device, write '${path}'`), { code: 'ENOSPC' })
    },
  }) as unknown as Disk

it('a full disk is found before anything is begun, and what to do is said', async () => {
  await expect(prepareDataDir(withRoom(0), '/data')).rejects.toMatchObject({
    message: 'cannot write to the data folder /data',
    hint: 'Make room on its disk.',
  })
  await prepareDataDir(withRoom(1 << 20), '/data')
})
