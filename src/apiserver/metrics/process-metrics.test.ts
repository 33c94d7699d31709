import { expect, test } from 'vitest'
import { startTestServer } from '../testing/test-server.ts'

test('what is told of the process is there once, however many servers there were', async () => {
  const told = async () => {
    await using server = await startTestServer()
    const { metrics } = server.api
    const { body } = await server.call('GET', '/metrics')
    expect(body).toMatch(/^process_cpu_seconds_total \S+$/m)
    return ['process_cpu_seconds_total', 'nodejs_gc_duration_seconds'].map(name => metrics.getSingleMetric(name))
  }
  const first = await told()
  const second = await told()
  expect(first.every(metric => metric !== undefined)).toBe(true)
  expect(second.map((metric, i) => metric === first[i])).toEqual([true, true])
})
