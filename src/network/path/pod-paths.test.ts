import { expect, test } from 'vitest'
import type { Commands } from '../../base/commands.ts'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { Node } from '../../models/kinds/index.ts'
import { PodPaths } from './pod-paths.ts'

const node = (name: string, podCIDR: string, address: string) =>
  ({
    metadata: { name },
    spec: { podCIDR, podCIDRs: [podCIDR] },
    status: { addresses: [{ type: 'InternalIP', address }] },
  }) as unknown as Node

test('a node alone starts no program again and again; with another it looks after its routes', async () => {
  const clock = new VirtualClock()
  const nodes = [node('own', '10.244.0.0/24', '10.0.0.1')]
  let changed = () => {}
  let runs = 0
  const commands = {
    async run() {
      runs++
      return { code: 0, stdout: '', stderr: '' }
    },
  } as unknown as Commands
  const paths = new PodPaths({
    ...{ nodeName: 'own', nodeIp: '10.0.0.1', podCidrs: ['10.244.0.0/24'], encapsulation: 'none' as const },
    nodes: {
      synced: true,
      list: () => nodes,
      subscribe(handler: { added?: () => void }) {
        changed = handler.added!
        return () => {}
      },
    } as never,
    ...{ commands, clock, log: silentLogger },
  })
  const runsWithin = async (ms: number) => {
    const before = runs
    await clock.advance(ms)
    return runs - before
  }
  // What a node before us left is taken out first.
  await paths.now()
  expect(runs).toBeGreaterThan(0)
  expect(await runsWithin(60_000)).toBe(0)
  nodes.push(node('other', '10.244.1.0/24', '10.0.0.2'))
  changed()
  expect(await runsWithin(1_000)).toBeGreaterThan(0)
  expect(await runsWithin(60_000)).toBeGreaterThan(10)
  nodes.pop()
  changed()
  expect(await runsWithin(1_000)).toBeGreaterThan(0)
  expect(await runsWithin(60_000)).toBe(0)
  await paths[Symbol.asyncDispose]()
})
