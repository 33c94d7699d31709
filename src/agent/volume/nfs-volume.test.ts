import { expect, it } from 'vitest'
import type { Commands } from '../../base/commands.ts'
import { type Disk, systemDisk } from '../../base/disk.ts'
import { mountNfs } from './nfs-volume.ts'
import { unmountBelow } from './sub-path.ts'

const table = (...paths: string[]) => paths.map((path, i) => `${i} 1 0:1 / ${path} rw - nfs4 s rw\n`).join('')

function machine(about: { helper?: boolean; mounted?: string[]; stuck?: boolean }) {
  const ran: string[] = []
  let mounted = about.mounted ?? []
  const disk: Disk = {
    ...systemDisk,
    exists: async path => path === '/sbin/mount.nfs' && about.helper !== false,
    readText: async () => table(...mounted),
    makeFolder: async () => {},
  }
  const commands = {
    async run(program: string, args: string[]) {
      ran.push([program, ...args].join(' '))
      if (program === 'umount' && !about.stuck) mounted = mounted.filter(path => path !== args.at(-1))
      return { stdout: '', stderr: 'target is busy', code: 0 }
    },
  } as unknown as Commands
  return { ran, tools: { disk, commands } }
}

it('an export is mounted with its options, once', async () => {
  const { ran, tools } = machine({ mounted: ['/pods/b'] })
  await mountNfs(tools, '/pods/a', { server: 'fd00::1', path: '/data', readOnly: true }, ['nfsvers=4.1'])
  await mountNfs(tools, '/pods/b', { server: 'nas', path: '/data' })
  await mountNfs(tools, '/pods/c', { server: 'nas', path: '/data' })
  expect(ran).toEqual(['mount -t nfs -o nfsvers=4.1,ro [fd00::1]:/data /pods/a', 'mount -t nfs nas:/data /pods/c'])
})

it('a node that cannot mount NFS says what is missing', async () => {
  const { tools } = machine({ helper: false })
  await expect(mountNfs(tools, '/pods/a', { server: 'nas', path: '/data' })).rejects.toMatchObject({
    message: 'nas:/data cannot be mounted: this node has no /sbin/mount.nfs',
    hint: expect.stringContaining('nfs-common'),
  })
})

it('what cannot be unmounted is told, so that nobody removes what is below', async () => {
  const free = machine({ mounted: ['/pods/a', '/pods/a/b', '/pods/ab'] })
  await unmountBelow(free.tools, '/pods/a')
  expect(free.ran).toEqual(['umount --lazy /pods/a/b', 'umount --lazy /pods/a'])
  await expect(unmountBelow(machine({ mounted: ['/pods/a'], stuck: true }).tools, '/pods/a')).rejects.toThrow(
    '/pods/a is still mounted: target is busy',
  )
})
