import { describe, expect, it } from 'vitest'
import type { VirtualClock } from '../base/virtual-clock.ts'
import { Node, Pod } from '../models/kinds/index.ts'
import type { PodStatus } from '../models/types/core-v1.ts'
import { podGcReconciler } from './pod-gc.ts'
import { meta, pod } from './testing/fixtures.ts'
import { stillWorld } from './testing/still-world.ts'

/** Which pods are removed that nobody else removes: the cases that Kubernetes' own collector is held to. */

interface Row {
  says: string
  /** `a Running`, and of `on n`, `deleting`, `evicted`, `held` what holds; each an hour younger than the one before. */
  pods: string[]
  /** `n`, and of `silent` and `out` what holds. */
  nodes?: string[]
  /** What the server has; what the cache shows, unless given. */
  live?: string[]
  threshold?: number
  /** `a`, or `a failed` where it is told to have failed first. */
  removed: string[]
}

type Phase = NonNullable<PodStatus['phase']>

function podOf(text: string, i: number): Pod {
  const [name, phase, ...words] = text.split(' ')
  const on = words.indexOf('on')
  const created = new Date(Date.UTC(2026, 0, 1, i)).toISOString()
  const made = pod({ name: name!, phase: phase as Phase, created, ...(on < 0 ? {} : { node: words[on + 1]! }) })
  if (words.includes('deleting')) made.metadata.deletionTimestamp = created
  if (words.includes('held')) made.metadata.finalizers = ['batch.kubernetes.io/job-tracking']
  if (words.includes('evicted')) made.status!.reason = 'Evicted'
  return made
}

function nodeOf(text: string): Node {
  const [name, ...words] = text.split(' ')
  const { namespace: _, ...metadata } = meta(name!)
  const taint = { key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' as const }
  return {
    ...{ apiVersion: 'v1', kind: 'Node', metadata },
    spec: words.includes('out') ? { taints: [taint] } : {},
    status: { conditions: [{ type: 'Ready', status: words.includes('silent') ? 'Unknown' : 'True' }] },
  }
}

const finished = ['a Failed on n', 'b Succeeded on n']
const rows: Row[] = [
  { says: 'any number of finished ones may stay', pods: finished, threshold: 0, removed: [] },
  { says: 'the oldest of too many goes', pods: finished, threshold: 1, removed: ['a'] },
  { says: 'the oldest of far too many go', pods: [...finished, 'c Failed on n'], threshold: 1, removed: ['a', 'b'] },
  {
    says: 'one that runs is not counted',
    ...{ pods: ['a Running on n', 'b Succeeded on n', 'c Failed on n'], threshold: 1, removed: ['b'] },
  },
  { says: 'not too many', pods: finished, threshold: 5, removed: [] },
  {
    says: 'an evicted one goes before older ones',
    ...{ pods: [...finished, 'c Failed on n evicted'], threshold: 1, removed: ['c', 'a'] },
  },
  {
    says: 'an evicted one goes, one that runs stays',
    ...{ pods: ['a Running on n', 'b Succeeded on n', 'c Failed on n evicted'], threshold: 1, removed: ['c'] },
  },
  {
    says: 'not too many, one of them evicted',
    pods: [...finished, 'c Failed on n evicted'],
    threshold: 5,
    removed: [],
  },

  { says: 'finished ones of a node that is gone', pods: finished, nodes: [], removed: ['a', 'b'] },
  {
    says: 'ones of a node that is gone have failed',
    ...{ pods: ['a Running on n', 'b Pending on n', 'c Unknown on n'], nodes: [] },
    removed: ['a failed', 'b failed', 'c failed'],
  },
  {
    says: 'only those of the node that is gone',
    ...{ pods: ['a Running on n', 'b Running on m', 'c Running'], nodes: ['m'], removed: ['a failed'] },
  },
  { says: 'a node that the cache does not show yet', pods: ['a Running on n'], nodes: [], live: ['n'], removed: [] },
  { says: 'a node that is silent is not gone', pods: ['a Running on n'], nodes: ['n silent'], removed: [] },

  {
    says: 'deleted before they had a node, whatever their phase',
    pods: ['a Failed deleting', 'b Succeeded deleting', 'c Running deleting', 'd Pending deleting'],
    removed: ['a', 'b', 'c failed', 'd failed'],
  },
  {
    says: 'not deleted, or of a node that is there',
    pods: ['a Failed', 'b Succeeded on n', 'c Running on n deleting'],
    removed: [],
  },
  {
    says: 'one without a node that others hold back fails once',
    pods: ['a Failed deleting held', 'b Pending deleting held'],
    removed: ['b failed'],
  },

  {
    says: 'deleted on a node that is out of service',
    ...{ pods: ['a Running on n deleting', 'b Failed on n deleting', 'c Succeeded on n deleting'] },
    ...{ nodes: ['n silent out'], removed: ['a failed', 'b', 'c'] },
  },
  {
    says: 'not deleted on a node that is out of service',
    ...{ pods: ['a Running on n', 'b Failed on n', 'c Succeeded on n'], nodes: ['n silent out'], removed: [] },
  },
  {
    says: 'a node that is ready is not out of service',
    ...{ pods: ['a Running on n deleting', 'b Failed on n deleting'], nodes: ['n out'], removed: [] },
  },
  {
    says: 'a node that is silent is not out of service',
    ...{ pods: ['a Running on n deleting', 'b Failed on n deleting'], nodes: ['n silent'], removed: [] },
  },
  {
    says: 'only those of the node that is out of service',
    ...{ pods: ['a Running on n deleting', 'b Running on m deleting'], nodes: ['n silent out', 'm silent'] },
    removed: ['a failed'],
  },
]

describe('pods that nobody else removes', () => {
  it.each(rows)('$says', async ({ pods: texts, nodes = ['n'], live = nodes, threshold = 12_500, removed }) => {
    const pods = texts.map(podOf)
    const world = stillWorld({
      cached: [[Pod, pods] as never, [Node, nodes.map(nodeOf)] as never],
      live: [[Pod, pods] as never, [Node, live.map(nodeOf)] as never],
    })
    const { reconcile } = podGcReconciler({ terminatedThreshold: threshold })
    const look = async () => {
      for (const { metadata } of pods) await reconcile({ namespace: 'default', name: metadata.name }, world)
    }
    await look()
    if (!nodes.length || texts.some(t => t.includes(' on n') && !nodes.some(n => n.startsWith('n')))) {
      expect(world.writes).toEqual([])
      await (world.clock as VirtualClock).advance(39_000)
      await look()
      expect(world.writes).toEqual([])
      await (world.clock as VirtualClock).advance(1_000)
      await look()
    }
    const expected = removed.flatMap(text => {
      const [name, failed] = text.split(' ')
      return [...(failed ? [`status Pod default/${name}`] : []), `delete Pod default/${name}`]
    })
    expect(world.writes).toEqual(expected)
    for (const [i, write] of world.writes.entries())
      expect(world.bodies[i]).toMatchObject(
        write.startsWith('status')
          ? { status: { phase: 'Failed' } }
          : { uid: `uid-${write.split('/')[1]}`, gracePeriodSeconds: 0 },
      )
  })

  it('say that their node is gone, where a Job reads it', async () => {
    const pods = [podOf('a Running on n', 0)]
    const world = stillWorld({ cached: [[Pod, pods] as never] })
    const { reconcile } = podGcReconciler()
    await reconcile({ namespace: 'default', name: 'a' }, world)
    await (world.clock as VirtualClock).advance(40_000)
    await reconcile({ namespace: 'default', name: 'a' }, world)
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC' }
    expect(world.bodies[0].status.conditions).toContainEqual(
      expect.objectContaining({ ...condition, message: 'PodGC: node no longer exists' }),
    )
  })
})
