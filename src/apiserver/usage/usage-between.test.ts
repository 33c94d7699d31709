import { expect, test } from 'vitest'
import { usageBetween } from './usage-between.ts'
import { readUsage } from './usage-sample.ts'

const container = (name: string, cpu: number, atMs: number) =>
  `container_cpu_usage_seconds_total{container="${name}",namespace="a",pod="p"} ${cpu} ${atMs}\n`
const node = (cpu: number) => `node_cpu_usage_seconds_total ${cpu}\n`
const between = (before: string, after: string) => usageBetween(readUsage(before, 0), readUsage(after, 10_000))
const coresOf = (usage: ReturnType<typeof between>) =>
  Object.fromEntries(usage.pods.get('a/p')!.map(c => [c.name, c.usage.nanoCores / 1e9]))

test('the time of measurement counts, not that of the answer', () => {
  expect(coresOf(between(container('x', 1, 1_000), container('x', 3, 5_000)))).toEqual({ x: 0.5 })
})

test('a container that was restarted or is new has used what its counter says', () => {
  const after = container('x', 1, 10_000) + container('new', 2, 10_000)
  expect(coresOf(between(container('x', 50, 0), after))).toEqual({ x: 0.1, new: 0.2 })
})

test('a counter that was read twice at one moment is no division by zero', () => {
  expect(coresOf(between(container('x', 1, 5), container('x', 1, 5)))).toEqual({ x: 0 })
})

test('a node whose counter fell, or that has none, uses what its containers use', () => {
  const before = container('x', 1, 0)
  const after = container('x', 3, 10_000)
  expect(between(before + node(9), after + node(14)).node.nanoCores).toBe(500_000_000)
  expect(between(before + node(99), after + node(9)).node.nanoCores).toBe(200_000_000)
  expect(between(before, after).node.nanoCores).toBe(200_000_000)
})

test('figures that are none are passed over', () => {
  expect(readUsage('node_cpu_usage_seconds_total NaN\nfoo{bar} 1\n\nnonsense', 7)).toEqual({
    atMs: 7,
    node: undefined,
    pods: new Map(),
  })
})
