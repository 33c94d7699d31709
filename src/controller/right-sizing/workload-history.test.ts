import { expect, test } from 'vitest'
import type { Pod } from '../../models/types/core-v1.ts'
import type { RecommendationStatus } from '../../models/types/optiflow-v1.ts'
import { WorkloadHistory } from './workload-history.ts'

const start = Date.parse('2026-01-01T00:00:00Z')
const everyMs = 60_000
const hour = 3_600_000
const Mi = 2 ** 20

const container = { name: 'app', image: 'i', resources: { requests: { cpu: '1' } } }
const pod = (name: string, more: object = {}) =>
  ({ metadata: { name, uid: `uid-${name}` }, spec: { containers: [container] }, ...more }) as unknown as Pod

/** Measures a pod every minute. @param use cores and bytes at a time of milliseconds since the start */
function measured(history: WorkloadHistory, fromMs: number, untilMs: number, use: (ms: number) => [number, number]) {
  for (let ms = fromMs; ms < untilMs; ms += everyMs) {
    const [cores, bytes] = use(ms)
    const usage = { atMs: start + ms, containers: [{ name: 'app', cores, bytes }] }
    history.note([pod('a')], new Map([['a', usage]]), 0)
  }
  return history
}
const said = (history: WorkloadHistory, spec: object = container) => {
  const { recommendation } = history.status([spec as typeof container], everyMs, '')
  const [one] = recommendation!.containerRecommendations!
  return one!
}
const millis = (quantity: unknown) =>
  String(quantity).endsWith('m') ? Number.parseInt(String(quantity), 10) : 1_000 * Number(quantity)
const mebi = (quantity: unknown) =>
  Number.parseInt(String(quantity), 10) * (String(quantity).endsWith('Gi') ? 1_024 : 1)

test('the target covers nine tenths of the time and the highest memory of the day, with 15 % to spare', () => {
  // Busy one minute in five hundred, at half a core three in ten, else idle.
  const history = measured(new WorkloadHistory(), 0, 4 * 24 * hour, ms => {
    const minute = ms / everyMs
    return [minute % 500 === 0 ? 4 : minute % 10 < 3 ? 0.5 : 0.1, minute % 720 === 0 ? 1_000 * Mi : 400 * Mi]
  })
  const { target, uncappedTarget } = said(history)
  expect(millis(target!['cpu'])).toBeGreaterThanOrEqual(0.5 * 1_150)
  expect(millis(target!['cpu'])).toBeLessThanOrEqual(0.5 * 1_150 * 1.05 + 15)
  expect(mebi(target!['memory'])).toBeGreaterThanOrEqual(1_150)
  expect(mebi(target!['memory'])).toBeLessThanOrEqual(1_150 * 1.06)
  expect(uncappedTarget).toEqual(target)
})

test('bounds close in on the target with every day', () => {
  const widths = [0.1, 1, 7].map(days => {
    const { lowerBound, target, upperBound } = said(
      measured(new WorkloadHistory(), 0, days * 24 * hour, () => [0.5, 500 * Mi]),
    )
    expect(millis(lowerBound!['cpu'])).toBeLessThanOrEqual(millis(target!['cpu']))
    return millis(upperBound!['cpu']) / millis(target!['cpu'])
  })
  expect(widths[0]).toBeGreaterThan(8)
  expect(widths[1]).toBeGreaterThan(1.9)
  expect(widths[1]).toBeLessThan(2.1)
  expect(widths[2]).toBeLessThan(1.2)
})

test('what was needed last week is forgotten when it is not needed any more', () => {
  const history = measured(new WorkloadHistory(), 0, 24 * hour, () => [2, 2_000 * Mi])
  measured(history, 24 * hour, 8 * 24 * hour, () => [0.2, 300 * Mi])
  expect(millis(said(history).target!['cpu'])).toBeLessThan(260)
  expect(mebi(said(history).target!['memory'])).toBeLessThan(400)
})

test('a restart of the server changes nothing', () => {
  const history = measured(new WorkloadHistory(), 0, 30 * hour, ms => [
    ((ms / everyMs) % 30) / 10,
    ((ms / everyMs) % 50) * 10 * Mi,
  ])
  const status: RecommendationStatus = JSON.parse(JSON.stringify(history.status([container], everyMs, '')))
  const again = new WorkloadHistory(status)
  expect(said(again)).toEqual(said(history))
  expect(JSON.stringify(status).length).toBeLessThan(4_000)
})

test('a target is held within the limits; what the limits keep it from is said too', () => {
  const limited = { ...container, resources: { limits: { cpu: '300m', memory: '256Mi' } } }
  const history = measured(new WorkloadHistory(), 0, 24 * hour, () => [1, 1_000 * Mi])
  const { target, uncappedTarget } = said(history, limited)
  expect(target).toEqual({ cpu: '300m', memory: '256Mi' })
  expect(millis(uncappedTarget!['cpu'])).toBeGreaterThan(1_000)
  expect(mebi(uncappedTarget!['memory'])).toBeGreaterThan(1_000)
})

test('a container that was ended for want of memory is given more than it had', () => {
  const history = measured(new WorkloadHistory(), 0, 2 * hour, () => [0.1, 400 * Mi])
  const terminated = { exitCode: 137, reason: 'OOMKilled', finishedAt: new Date(start + 2 * hour).toISOString() }
  const killed = pod('a', { status: { containerStatuses: [{ name: 'app', lastState: { terminated } }] } })
  const before = mebi(said(history).target!['memory'])
  expect(history.note([killed], new Map(), start + 2 * hour)).toBe(false)
  expect(history.note([killed], new Map(), start)).toBe(true)
  expect(mebi(said(history).target!['memory'])).toBeGreaterThan(Math.max(before, 500 * 1.15))
})

test('figures that were counted already, and those of containers that are no more, are passed over', () => {
  const history = new WorkloadHistory()
  const usage = {
    atMs: start,
    containers: [
      { name: 'app', cores: 1, bytes: 1 },
      { name: 'old', cores: 1, bytes: 1 },
    ],
  }
  expect(history.note([pod('a')], new Map([['a', usage]]), 0)).toBe(true)
  expect(history.note([pod('a')], new Map([['a', usage]]), 0)).toBe(false)
  const { checkpoints } = history.status([container], everyMs, '')
  expect(checkpoints!.map(c => [c.containerName, c.totalSamplesCount])).toEqual([['app', 1]])
  expect(history.status([{ name: 'other' }], everyMs, '').checkpoints).toEqual([])
})
