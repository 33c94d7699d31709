import { readdir, readFile, truncate } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { runtimeConformance } from '../conformance/index.ts'
import { openContainerdBench } from '../testing/containerd-bench.ts'
import { containerSpec, podSpec } from '../testing/specs.ts'
import { Connection } from './connection.ts'

runtimeConformance('containerd', () => openContainerdBench())

// containerd is killed while CNI's library writes: of a file that was just made nothing may have been written.
test('a sandbox whose record of the network is torn is stopped and removed all the same', async () => {
  await using bench = await openContainerdBench()
  const spec = podSpec('torn', { logFolder: `${bench.logFolder}/torn` })
  const sandbox = await bench.runtime.runSandbox(spec, new AbortController().signal)
  const records = (await readdir('/var/lib/cni/results')).filter(name => name.includes(sandbox))
  // Of the bridge, and of the loopback that every pod has.
  expect(records).toHaveLength(2)
  for (const name of records) await truncate(`/var/lib/cni/results/${name}`, 0)

  await bench.runtime.stopSandbox(sandbox)
  await bench.runtime.remove(sandbox)
  expect(await bench.leaks()).toEqual([])
})

// An agent is killed while containerd starts a container for it: the process is there, and CRI does not know of it.
test('a container whose start was broken off is removed, its process with it', async () => {
  await using bench = await openContainerdBench()
  const signal = new AbortController().signal
  const imageRef = await bench.runtime.pull(bench.image, {}, signal)
  const sandbox = await bench.runtime.runSandbox(podSpec('broken', { logFolder: `${bench.logFolder}/broken` }), signal)
  const container = await bench.runtime.start(sandbox, containerSpec(bench.image, imageRef, 'true'))
  await bench.until('its end', async () => {
    const [pod] = await bench.runtime.observe()
    return pod?.containers[0]?.state === 'exited' ? true : undefined
  })
  using connection = new Connection(bench.containerd.socket, systemClock)
  const snapshot = { snapshotter: 'overlayfs', key: container }
  const { mounts } = await connection.containerd<{ mounts: object[] }>('snapshots.v1.Snapshots', 'Mounts', snapshot)
  const task = { container_id: container, rootfs: mounts }
  const { pid } = await connection.containerd<{ pid: number }>('tasks.v1.Tasks', 'Create', task)
  expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).toContain('runc')

  await bench.runtime.removeContainer(container)
  await expect(readFile(`/proc/${pid}/cmdline`)).rejects.toThrow('ENOENT')
  await bench.runtime.remove(sandbox)
  expect(await bench.leaks()).toEqual([])
})
