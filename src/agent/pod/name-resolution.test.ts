import { expect, it } from 'vitest'
import type { Disk } from '../../base/disk.ts'
import { readHostDns } from './name-resolution.ts'

const files: Record<string, string> = {
  '/etc/resolv.conf': 'nameserver 127.0.0.53\n',
  '/run/systemd/resolve/resolv.conf': 'nameserver 192.0.2.1\n',
  '/run/names.conf': 'nameserver 192.0.2.9\nsearch corp.example\n',
}
const disk = {
  async readText(path: string) {
    if (path in files) return files[path]!
    throw new Error(`nothing at ${path}`)
  },
} as unknown as Disk

it('a node resolves names as its machine does, or as the file says that it was told of', async () => {
  expect(await readHostDns(disk)).toMatchObject({ servers: ['192.0.2.1'] })
  expect(await readHostDns(disk, '/run/names.conf')).toMatchObject({
    servers: ['192.0.2.9'],
    searches: ['corp.example'],
  })
})

it('a file that it was told of and cannot read is no empty one', async () => {
  await expect(readHostDns(disk, '/run/none.conf')).rejects.toThrow('/run/none.conf')
})
