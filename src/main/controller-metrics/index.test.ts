import { Registry } from 'prom-client'
import { afterEach, expect, it } from 'vitest'
import { cronJobReconciler, jobReconciler, ttlAfterFinishedReconciler } from '../../controller/index.ts'
import { startTestCluster, type TestCluster } from '../../controller/testing/cluster.ts'
import { endpointSliceReconciler } from '../../discovery/index.ts'
import { CronJob, EndpointSlice, Job, Node, Pod, Service } from '../../models/kinds/index.ts'
import { controllerMetrics } from './index.ts'

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())

/** The lines of one metric. */
async function lines(registry: Registry, name: string): Promise<string[]> {
  const all = (await registry.metrics()).split('\n')
  return all.filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
}

const template = { spec: { restartPolicy: 'Never' as const, containers: [{ name: 'm', image: 'i' }] } }

it('Jobs, their pods and their schedules are counted under the names of Kubernetes', async () => {
  const registry = new Registry()
  const told = controllerMetrics(registry)
  cluster = await startTestCluster({
    reconcilers: [
      jobReconciler({ monitor: told.jobs }),
      cronJobReconciler({ monitor: told.cronJobs }),
      ttlAfterFinishedReconciler({ monitor: told.ttl }),
    ],
    fate: pod => (pod.metadata.name.startsWith('bad') ? 'failed' : 'succeeded'),
  })
  const namespace = 'default'
  const indexed = { completionMode: 'Indexed' as const, completions: 2, parallelism: 2, template }
  await cluster.client.create(Job, { metadata: { namespace, name: 'good' }, spec: indexed })
  await cluster.client.create(Job, { metadata: { namespace, name: 'bad' }, spec: { backoffLimit: 0, template } })
  await cluster.client.create(CronJob, {
    metadata: { namespace, name: 'hourly' },
    spec: { schedule: '0 * * * *', jobTemplate: { spec: { ttlSecondsAfterFinished: 5, template } } },
  })
  await cluster.pass(20_000)
  expect(await lines(registry, 'job_controller_jobs_finished_total')).toEqual([
    'job_controller_jobs_finished_total{completion_mode="NonIndexed",result="failed",reason="BackoffLimitExceeded"} 1',
    'job_controller_jobs_finished_total{completion_mode="Indexed",result="succeeded",reason="CompletionsReached"} 1',
  ])
  expect((await lines(registry, 'job_controller_job_pods_finished_total')).sort()).toEqual([
    'job_controller_job_pods_finished_total{completion_mode="Indexed",result="succeeded"} 2',
    'job_controller_job_pods_finished_total{completion_mode="NonIndexed",result="failed"} 1',
  ])
  expect(await lines(registry, 'job_controller_job_finished_indexes_total')).toEqual([
    'job_controller_job_finished_indexes_total{status="succeeded",backoffLimit="global"} 2',
  ])
  expect(await lines(registry, 'job_controller_job_pods_creation_total')).toEqual([
    'job_controller_job_pods_creation_total{reason="new",status="succeeded"} 3',
  ])
  cluster.clock.jumpWall(3_600_000)
  await cluster.pass(3_700_000)
  expect(await lines(registry, 'cronjob_controller_job_creation_skew_duration_seconds_count')).not.toEqual([
    'cronjob_controller_job_creation_skew_duration_seconds_count 0',
  ])
  expect(await lines(registry, 'ttl_after_finished_controller_job_deletion_duration_seconds_count')).not.toEqual([
    'ttl_after_finished_controller_job_deletion_duration_seconds_count 0',
  ])
})

it('endpoints and their slices are counted until their Service is gone', async () => {
  const registry = new Registry()
  const told = controllerMetrics(registry)
  cluster = await startTestCluster({ reconcilers: [endpointSliceReconciler({ monitor: told.slices })] })
  const namespace = 'default'
  await cluster.client.create(Node, { metadata: { name: 'node-1' }, spec: {} })
  await cluster.client.create(Node, { metadata: { name: 'node-2' }, spec: {} })
  await cluster.client.create(Service, {
    metadata: { namespace, name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  })
  for (const name of ['a', 'b'])
    await cluster.client.create(Pod, { metadata: { namespace, name, labels: { app: 'web' } }, spec: template.spec })
  await cluster.until(() => cluster.informers.for(EndpointSlice).list()[0]?.endpoints?.length === 2)
  await cluster.pass(2_000)
  const value = async (name: string) => (await lines(registry, `endpoint_slice_controller_${name}`))[0]?.split(' ')[1]
  expect([await value('endpoints_desired'), await value('num_endpoint_slices')]).toEqual(['2', '1'])
  expect(await value('endpoints_added_per_sync_sum')).toBe('2')
  expect(Number(await value('changes'))).toBeGreaterThan(0)
  await cluster.client.delete(Service, { namespace, name: 'web' })
  await cluster.pass(2_000)
  expect([await value('endpoints_desired'), await value('num_endpoint_slices')]).toEqual(['0', '0'])
})
