import { expect, test } from 'vitest'
import type { Disk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { Reserve } from './reserve.ts'

test('a reserve that is spent while somebody still looks at it stays spent', async () => {
  const files = new Set<string>()
  let look = () => {}
  const looked = new Promise<void>(resolve => {
    look = resolve
  })
  const disk = {
    async exists(path: string) {
      const there = files.has(path)
      await looked
      return there
    },
    space: async () => ({ freeBytes: 100 }),
    write: async (path: string) => void files.add(path),
    remove: async (path: string) => void files.delete(path),
  } as unknown as Disk
  const clock = new VirtualClock()
  const reserve = new Reserve({ clock, disk, log: silentLogger, path: '/data/reserve', bytes: 50 })
  files.add('/data/reserve')
  const looking = reserve.make()
  const spent = reserve.spend()
  look()
  await Promise.all([looking, spent])
  expect([reserve.spent, files.size]).toEqual([true, 0])
  await reserve.make()
  expect([reserve.spent, files.size]).toEqual([false, 1])
  await reserve.close()
})
