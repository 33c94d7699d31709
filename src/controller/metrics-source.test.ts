import { expect, test } from 'vitest'
import { apiMetrics } from './metrics-source.ts'
import { stillWorld } from './testing/still-world.ts'

test('it is said which of the metrics APIs does not answer', async () => {
  const metrics = apiMetrics(stillWorld({}).client)
  const [resource, pods, external] = [
    metrics.resource('default', 'cpu', ''),
    metrics.pods('default', 'qps', '', ''),
    metrics.external('default', 'qps', ''),
  ]
  await expect(resource).rejects.toThrow(/^unable to fetch metrics from resource metrics API: /)
  await expect(pods).rejects.toThrow(/^unable to fetch metrics from custom metrics API: /)
  await expect(external).rejects.toThrow(/^unable to fetch metrics from external metrics API: /)
})
