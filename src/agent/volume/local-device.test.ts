import { expect, it } from 'vitest'
import type { Commands } from '../../base/commands.ts'
import { type Disk, systemDisk } from '../../base/disk.ts'
import { growFileSystem, mountDevice } from './local-device.ts'

/** @param code what blkid exits with: 2 is an empty device @param type what it says */
function machine(code: number, mounted = '', type = '') {
  const ran: string[] = []
  const disk: Disk = {
    ...systemDisk,
    readText: async () => (mounted ? `1 1 0:1 / ${mounted} rw - ext4 d rw\n` : ''),
    makeFolder: async () => {},
  }
  const commands = {
    async run(program: string, args: string[]) {
      ran.push([program, ...args].join(' '))
      return { stdout: type && `${type}\n`, stderr: '', code: program === 'blkid' ? code : 0 }
    },
  } as unknown as Commands
  return { ran, tools: { disk, commands } }
}

it('an empty device gets a file system and is mounted with the options of its volume', async () => {
  const { ran, tools } = machine(2)
  await mountDevice(tools, '/pods/a', { device: '/dev/sdb', fsType: '', options: ['noatime', 'ro'] })
  expect(ran.slice(1)).toEqual(['mkfs.ext4 -F -m0 /dev/sdb', 'mount -t ext4 -o noatime,ro /dev/sdb /pods/a'])
})

it.each([0, 4])('a device that blkid answers with %i for is not formatted', async code => {
  const { ran, tools } = machine(code)
  await mountDevice(tools, '/pods/a', { device: '/dev/sdb', fsType: 'xfs' })
  expect(ran.slice(1)).toEqual(['mount -t xfs /dev/sdb /pods/a'])
})

it('what is mounted is neither looked at nor mounted again', async () => {
  const { ran, tools } = machine(2, '/pods/a')
  await mountDevice(tools, '/pods/a', { device: '/dev/sdb' })
  expect(ran).toEqual([])
})

it.each([
  ['ext4', 'resize2fs /dev/sdb'],
  ['xfs', 'xfs_growfs -d /pods/a'],
  ['btrfs', 'btrfs filesystem resize max /pods/a'],
])('%s is grown by its own tool', async (type, command) => {
  const { ran, tools } = machine(0, '/pods/a', type)
  await growFileSystem(tools, '/dev/sdb', '/pods/a')
  expect(ran.slice(1)).toEqual([command])
})

it('a file system that nobody can grow is named', async () => {
  const { tools } = machine(0, '/pods/a', 'vfat')
  await expect(growFileSystem(tools, '/dev/sdb', '/pods/a')).rejects.toThrow(
    'file system vfat of device /dev/sdb cannot be grown',
  )
})
