import { mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemCommands } from '../../base/commands.ts'
import { Node } from '../../models/kinds/core/node.ts'
import { forever, RealNode, until } from '../testing/real-node.ts'

const mebibyte = 2 ** 20
const folder = `/tmp/optiflow-split-${process.pid}`
const disk = join(folder, 'disk')
let node: RealNode

/** containerd on an ext4 of 256 MiB, the rest of the node elsewhere. */
beforeAll(async () => {
  await mkdir(disk, { recursive: true })
  const file = join(folder, 'ext4')
  await writeFile(file, '')
  await truncate(file, 256 * mebibyte)
  await systemCommands.run('mkfs.ext4', ['-q', '-F', file])
  await systemCommands.run('mount', ['-o', 'loop', file, disk])
  node = await RealNode.open(
    '10.219.192.0/20',
    {
      eviction: {
        // By then containerd has counted what containers have written.
        ...{ hard: 'imagefs.available<5%', soft: 'imagefs.available<50%', softGracePeriod: 'imagefs.available=14s' },
        ...{ lookMs: 500, transitionMs: 500 },
      },
    },
    disk,
  )
})

afterAll(async () => {
  try {
    expect(await node.leaks()).toEqual([])
  } finally {
    await node[Symbol.asyncDispose]()
    await systemCommands.run('umount', [disk])
    await rm(folder, { recursive: true, force: true })
  }
})

const pressed = async () =>
  (await node.client.get(Node, { name: 'node-1' })).status!.conditions!.find(c => c.type === 'DiskPressure')!.status

it('a full disk of images ends who has written there, not who has more elsewhere', async () => {
  const fill = (path: string, megabytes: number) =>
    `dd if=/dev/zero of=${path} bs=1048576 count=${megabytes} 2>/dev/null`
  await node.run('keeper', {
    volumes: [{ name: 'data', emptyDir: {} }],
    containers: [
      node.sh(`${fill('/data/f', 200)}; ${forever}`, { volumeMounts: [{ name: 'data', mountPath: '/data' }] }),
    ],
  })
  await node.isReady('keeper')
  await node.run('writer', { containers: [node.sh(`${fill('/f', 130)}; ${forever}`)] })
  await node.when('writer', 'evicted', pod => pod.status?.reason === 'Evicted')
  expect((await node.get('writer')).status!.message).toMatch(/^The node was low on resource: ephemeral-storage/)
  await node.remove('writer')
  await until('the pressure over', async () => ((await pressed()) === 'False' ? true : undefined))
  expect((await node.get('keeper')).status!.phase).toBe('Running')
  await node.remove('keeper')
})
