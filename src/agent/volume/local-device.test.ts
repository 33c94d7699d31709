import { expect, it } from 'vitest'
import type { Commands } from '../../base/commands.ts'
import { type Disk, systemDisk } from '../../base/disk.ts'
import { mountDevice } from './local-device.ts'

/** @param code what blkid exits with: 2 is an empty device */
function machine(code: number, mounted = '') {
  const ran: string[] = []
  const disk: Disk = {
    ...systemDisk,
    readText: async () => (mounted ? `1 1 0:1 / ${mounted} rw - ext4 d rw\n` : ''),
    makeFolder: async () => {},
  }
  const commands = {
    async run(program: string, args: string[]) {
      ran.push([program, ...args].join(' '))
      return { stdout: '', stderr: '', code: program === 'blkid' ? code : 0 }
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
