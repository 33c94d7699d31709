import { describe, expect, it } from 'vitest'
import type { Disk } from './disk.ts'
import { mountOf, mountPoints } from './mount-points.ts'

const text = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:30 / /data/pods/a/volumes/x rw - tmpfs tmpfs rw
25 22 0:31 / /data/pods/ab rw shared:2 master:1 - tmpfs tmpfs rw
26 22 0:32 /data/pods/a /elsewhere rw - ext4 /dev/vda rw
27 22 0:33 / /my\\040data/pods/a rw - tmpfs tmpfs rw
`

describe('the mounts of the machine', () => {
  const disk = { readText: async () => text } as unknown as Disk
  const paths = async (folder?: string) => (await mountPoints(disk, folder)).map(({ path }) => path)

  it('are all of them, or those at or below a folder, whatever its characters', async () => {
    expect(await paths()).toHaveLength(6)
    expect(await paths('/data/pods/a')).toEqual(['/data/pods/a/volumes/x'])
    expect(await paths('/data/pods/ab')).toEqual(['/data/pods/ab'])
    expect(await paths('/my data')).toEqual(['/my data/pods/a'])
    expect(await paths('/nowhere')).toEqual([])
  })

  it('say what holds a path, and whether it is shared', async () => {
    const points = await mountPoints(disk)
    expect(mountOf(points, '/data/pods/ab/c')).toEqual({
      ...{ path: '/data/pods/ab', type: 'tmpfs', shared: true },
      ...{ device: '0:31', source: 'tmpfs' },
    })
    expect(mountOf(points, '/data/pods/abc')).toEqual({
      ...{ path: '/', type: 'ext4', shared: true },
      ...{ device: '254:0', source: '/dev/vda' },
    })
  })
})
