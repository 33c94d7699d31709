import { readdir, truncate } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { runtimeConformance } from '../conformance/index.ts'
import { openContainerdBench } from '../testing/containerd-bench.ts'
import { podSpec } from '../testing/specs.ts'

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
