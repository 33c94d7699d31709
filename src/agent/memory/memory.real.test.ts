import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { forever, RealNode } from '../testing/real-node.ts'

let node: RealNode

beforeAll(async () => {
  node = await RealNode.open('10.219.176.0/20', {
    eviction: { hard: 'memory.available<100Mi' },
    // Most test machines have one NUMA node.
    memoryManager: { reservedMemory: [{ numaNode: 0, limits: { memory: '100Mi' } }] },
  })
})

afterAll(async () => {
  try {
    expect(await node.leaks()).toEqual([])
  } finally {
    await node[Symbol.asyncDispose]()
  }
})

/** What runc was told of a container's NUMA nodes. */
async function mems(name: string): Promise<string | undefined> {
  const pod = (await node.bench.runtime.observe()).find(p => p.name === name)!
  const { id } = pod.containers.find(c => c.state === 'running')!
  const tasks = join(node.bench.containerd.stateFolder, 'io.containerd.runtime.v2.task')
  const [namespace] = await readdir(tasks)
  const spec = JSON.parse(await readFile(join(tasks, namespace!, id, 'config.json'), 'utf8'))
  return spec.linux.resources.cpu?.mems
}

it('a Guaranteed pod has memory of a chosen NUMA node, which the agent knows again; others have any', async () => {
  const amounts = { cpu: '100m', memory: '64Mi' }
  await node.run('guaranteed', {
    containers: [node.sh(forever, { resources: { requests: amounts, limits: amounts } })],
  })
  await node.run('burstable', { containers: [node.sh(forever, { resources: { requests: amounts } })] })
  const { metadata } = await node.isReady('guaranteed')
  await node.isReady('burstable')
  expect([await mems('guaranteed'), (await mems('burstable')) || undefined]).toEqual(['0', undefined])
  const entries = async () => JSON.parse(await readFile(join(node.folder, 'memory_manager_state'), 'utf8')).entries
  const given = { [metadata.uid!]: { main: [{ numaAffinity: [0], type: 'memory', size: 64 << 20 }] } }
  expect(await entries()).toEqual(given)
  await node.stopAgent()
  await node.startAgent()
  await node.isReady('guaranteed')
  expect(await entries()).toEqual(given)
  const large = { cpu: '100m', memory: '1000Gi' }
  await node.run('large', { containers: [node.sh(forever, { resources: { requests: large, limits: large } })] })
  expect((await node.ends('large')).status!.reason).toBe('OutOfmemory')
  await node.remove('guaranteed')
  expect(await entries()).toEqual({})
})
