import { Counter, Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { TallyCounter, type TallyFamily, TallyHistogram } from './tallies.ts'

const labelNames = ['verb', 'code'] as const
const given = [
  { verb: 'GET', code: '200' },
  { code: '404', verb: 'a "quoted"\nname' },
  { verb: 'GET', code: '' },
]
const whole = (family: TallyFamily<any>) => [...family.texts()].join('')
const values = [0, 0.005, 0.0050001, 0.1, 3, 1e-9, 12_345.5]

test('the text is that of prom-client, bounds included', async () => {
  const [registry, tallied] = [new Registry(), new Registry()]
  const about = { name: 'took_seconds', help: 'How long.', buckets: [0.005, 0.1, 2] }
  const counted = { name: 'asked_total', help: 'How\noften.' }
  const histogram = new Histogram({ ...about, labelNames, registers: [registry] })
  const counter = new Counter({ ...counted, labelNames, registers: [registry] })
  const tallies = new TallyHistogram({ ...about, labelNames, registers: [tallied] })
  const tally = new TallyCounter({ ...counted, labelNames, registers: [tallied] })
  // Nothing is shown of what was only looked up.
  tallies.of({ verb: 'PUT', code: '201' })
  tally.of({ verb: 'PUT', code: '201' })
  for (const [i, labels] of given.entries())
    for (const value of values.slice(i)) {
      histogram.observe(labels, value)
      counter.inc(labels)
      tallies.of(labels).observe(value)
      tally.of({ ...labels }).inc()
    }
  expect(await tallied.metrics()).toBe(await registry.metrics())
  for (const family of [tallies, tally]) expect(whole(family)).toBe(await registry.getSingleMetricAsString(family.name))
})

test('the text of many series comes in parts that are no longer than others can wait', () => {
  const tallies = new TallyHistogram({ name: 'took', help: 'h', buckets: [1, 2], labelNames: ['i'], registers: [] })
  for (let i = 0; i < 3_000; i++) tallies.of({ i: String(i) }).observe(i)
  const parts = [...tallies.texts()]
  expect(Math.max(...parts.map(part => part.length))).toBeLessThan(66_000)
  expect(parts.join('').split('\n')).toHaveLength(2 + 3_000 * 5)
})

test('what has no labels is told from the beginning, as by prom-client', async () => {
  const [registry, tallied] = [new Registry(), new Registry()]
  const about = { name: 'took_seconds', help: 'How long.', buckets: [1, 2] }
  const counted = { name: 'asked_total', help: 'How often.' }
  const counter = new Counter({ ...counted, registers: [registry] })
  const tally = new TallyCounter({ ...counted, registers: [tallied] })
  new Histogram({ ...about, registers: [registry] })
  const took = new TallyHistogram({ ...about, registers: [tallied] })
  expect(await tallied.metrics()).toBe(await registry.metrics())
  for (const family of [tally, took]) expect(whole(family)).toBe(await registry.getSingleMetricAsString(family.name))
  counter.inc(3)
  tally.of().inc(3)
  expect(await tallied.metrics()).toBe(await registry.metrics())
})
