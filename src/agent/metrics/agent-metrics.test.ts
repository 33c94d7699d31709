import { expect, it } from 'vitest'
import { talliedFamily } from '../serving/text-form.ts'
import { container, Fixture } from '../testing/fixture.ts'
import { AgentMetrics } from './agent-metrics.ts'

const linesOf = async (metrics: AgentMetrics) => (await Promise.all(metrics.families.map(talliedFamily))).flat()

it('counts what a pod takes to start, its pulls apart, and the work on it until its end', async () => {
  const metrics = new AgentMetrics()
  await using fixture = await new Fixture({ metrics }).start()
  await fixture.run('web', {}, { 'pull-delay': '3s' })
  await fixture.advance(10_000)
  const values = new Map((await linesOf(metrics)).map(line => line.split(' ') as [string, string]))
  expect(values.get('kubelet_started_pods_total')).toBe('1')
  expect(values.get('kubelet_started_containers_total{container_type="container"}')).toBe('1')
  expect(values.get('kubelet_run_podsandbox_duration_seconds_count{runtime_handler=""}')).toBe('1')
  expect(values.get('kubelet_pod_start_duration_seconds_count')).toBe('1')
  const total = Number(values.get('kubelet_pod_start_total_duration_seconds_sum'))
  const sli = Number(values.get('kubelet_pod_start_sli_duration_seconds_sum'))
  expect(total - sli).toBeCloseTo(3, 0)
  expect(metrics.firstOnNetworkSeconds).toBe(sli)
  expect(values.get('kubelet_containers_per_pod_count_sum')).toBe('1')
  expect(values.get('kubelet_pod_worker_duration_seconds_count{operation_type="create"}')).toBe('1')
  expect(Number(values.get('kubelet_pleg_relist_duration_seconds_count'))).toBeGreaterThanOrEqual(1)
  expect(values.has('kubelet_pod_worker_duration_seconds_count{operation_type="kill"}')).toBe(false)

  // A second pod is not the first on the network; one whose image cannot be had counts as not started.
  await fixture.run('next')
  await fixture.run('bad', { containers: [container('web', { image: 'bad:1' })] }, { 'pull-error': 'no such image' })
  await fixture.advance(5_000)
  const then = new Map((await linesOf(metrics)).map(line => line.split(' ') as [string, string]))
  expect(then.get('kubelet_pod_start_sli_duration_seconds_count')).toBe('2')
  expect(metrics.firstOnNetworkSeconds).toBe(sli)
  expect(then.get('kubelet_containers_per_pod_count_sum')).toBe('3')
  const failed = 'kubelet_started_containers_errors_total{container_type="container",code="ErrImagePull"}'
  expect(Number(then.get(failed))).toBeGreaterThanOrEqual(1)
})

it('counts pods that it does not take, whom it ends for a critical one, pulls by size and images that go', async () => {
  const metrics = new AgentMetrics()
  await using fixture = await new Fixture({ metrics, simulated: { capacity: { cpu: '2' } } }).start()
  const asks = (cpu: string) => ({ containers: [container('web', { resources: { requests: { cpu } } })] })
  await fixture.run('large', asks('3'))
  await fixture.run('lesser', asks('2'))
  await fixture.run('critical', { ...asks('1'), priority: 2_000_000_000 })
  metrics.imageRemoved('age')
  expect(await linesOf(metrics)).toEqual(
    expect.arrayContaining([
      'kubelet_admission_rejections_total{reason="OutOfcpu"} 1',
      'kubelet_preemptions{preemption_signal="cpu"} 1',
      'kubelet_image_garbage_collected_total{reason="age"} 1',
      expect.stringMatching(/^kubelet_image_pull_duration_seconds_count\{image_size_in_bytes="0-10MB"\} [1-9]/),
    ]),
  )
})

it('counts calls, evictions and the looks at the runtime, and tells nothing of what never happened', async () => {
  const metrics = new AgentMetrics()
  expect((await linesOf(metrics)).some(line => line.includes('operation_type'))).toBe(false)
  metrics.runtimeCalled({ operation: 'create_container', seconds: 0.02, failed: false })
  metrics.runtimeCalled({ operation: 'create_container', seconds: 0.01, failed: true })
  metrics.evicted('memory.available')
  metrics.relisted(1_000, 1_200)
  metrics.relisted(3_000, 3_100)
  metrics.apiCalled({ code: '200', host: '10.0.0.1:6443', method: 'GET', seconds: 0.2 })
  expect(await linesOf(metrics)).toEqual(
    expect.arrayContaining([
      'kubelet_runtime_operations_total{operation_type="create_container"} 2',
      'kubelet_runtime_operations_errors_total{operation_type="create_container"} 1',
      'kubelet_runtime_operations_duration_seconds_bucket{le="0.0125",operation_type="create_container"} 1',
      'kubelet_evictions{eviction_signal="memory.available"} 1',
      'kubelet_pleg_relist_duration_seconds_count 2',
      'kubelet_pleg_relist_interval_seconds_sum 2',
      'rest_client_requests_total{code="200",host="10.0.0.1:6443",method="GET"} 1',
      'rest_client_request_duration_seconds_bucket{le="0.25",host="10.0.0.1:6443",verb="GET"} 1',
    ]),
  )
})

it('counts who asks the node, by what is served and not by what askers make up', async () => {
  const metrics = new AgentMetrics()
  metrics.served('GET', '/metrics/cadvisor', 30)
  metrics.served('GET', '/containerLogs/default/web/c', 10)
  metrics.served('POST', '/exec/default/web/c', 10)
  metrics.served('GET', '/made/up', 10)
  const lines = (await linesOf(metrics)).filter(line =>
    /^kubelet_http_requests_(total|duration_seconds_sum)/.test(line),
  )
  const of = (what: string, method: string, path: string, value: number, long = false) =>
    `kubelet_http_requests_${what}{method="${method}",path="${path}",server_type="readwrite",long_running="${long}"} ${value}`
  expect(lines).toEqual([
    of('total', 'GET', 'metrics/cadvisor', 1),
    of('total', 'GET', 'containerLogs', 1),
    of('total', 'POST', 'exec', 1, true),
    of('total', 'GET', 'other', 1),
    of('duration_seconds_sum', 'GET', 'metrics/cadvisor', 0.03),
    of('duration_seconds_sum', 'GET', 'containerLogs', 0.01),
    of('duration_seconds_sum', 'POST', 'exec', 0.01, true),
    of('duration_seconds_sum', 'GET', 'other', 0.01),
  ])
})
