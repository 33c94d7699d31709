import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const lines = async (start: string) => {
  const { body } = await server.call('GET', '/metrics')
  return (body as string).split('\n').filter(line => line.startsWith(start))
}
const merge = { 'content-type': 'application/merge-patch+json' }
const configMaps = '/api/v1/namespaces/default/configmaps'

test('requests are counted with what they were about, and no name that a client made up', async () => {
  await server.call('POST', `${configMaps}?dryRun=All`, { metadata: { name: 'a' } })
  await server.call('POST', configMaps, { metadata: { name: 'a' } })
  await server.call('GET', `${configMaps}/a`)
  await server.call('GET', `${configMaps}/made-up-name`)
  await server.call('GET', '/apis/made.up/v9/gadgets')
  await server.call('GET', `${configMaps}/a/made-up-part`)
  const counted = await lines('apiserver_request_total{')
  const shown = (verb: string, more: string) =>
    `apiserver_request_total{verb="${verb}",dry_run="${more.includes('dry') ? 'All' : ''}",group="",version="v1",resource="configmaps",subresource="",scope="resource",component="apiserver",code=`
  expect(counted).toContain(`${shown('POST', 'dry')}"201"} 1`)
  expect(counted).toContain(`${shown('POST', '')}"201"} 1`)
  expect(counted).toContain(`${shown('GET', '')}"200"} 1`)
  expect(counted).toContain(`${shown('GET', '')}"404"} 1`)
  expect(counted.join()).not.toMatch(/made/)
})

test('watches, objects, the store and requests under way are told under Kubernetes’ names', async () => {
  const watching = await server.watch(`${configMaps}?watch=1`)
  expect(await lines('apiserver_longrunning_requests{')).toContain(
    'apiserver_longrunning_requests{verb="WATCH",group="",resource="configmaps",component="apiserver"} 1',
  )
  watching.end()
  expect(await lines('apiserver_storage_objects{resource="namespaces"')).toEqual([
    'apiserver_storage_objects{resource="namespaces"} 4',
  ])
  expect((await lines('apiserver_storage_size_bytes'))[0]).toMatch(/^\S+{storage_cluster_id="etcd-0"} [1-9]\d+$/)
  expect(await lines('apiserver_current_inflight_requests{')).toEqual([
    'apiserver_current_inflight_requests{request_kind="readOnly"} 1',
    'apiserver_current_inflight_requests{request_kind="mutating"} 0',
  ])
  const names = [
    'apiserver_request_duration_seconds_bucket',
    'apiserver_response_sizes_bucket',
    'etcd_request_duration_seconds_bucket{le="+Inf",operation="update"',
    'kubernetes_build_info',
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
  ]
  for (const name of names) expect((await lines(name)).length, name).toBeGreaterThan(0)
})

test('what is sent is counted by its bytes, and features by whether they are here', async () => {
  await server.call('POST', configMaps, { metadata: { name: 'big' }, data: { text: 'x'.repeat(100_000) } })
  await server.call('PUT', '/apis/made.up/v9/gadgets/a', {})
  const bodies = await lines('apiserver_request_body_size_bytes')
  const of = (part: string, labels: string) => `apiserver_request_body_size_bytes_${part}{${labels}}`
  const about = 'resource="configmaps",verb="create"'
  const upTo = (le: string) => bodies.find(line => line.startsWith(of('bucket', `le="${le}",${about}`)))?.split(' ')[1]
  expect(Number(upTo('150000')) - Number(upTo('50000'))).toBe(1)
  expect(bodies.join()).not.toMatch(/made/)
  expect(await lines('kubernetes_feature_enabled{name="CRDValidationRatcheting"')).toEqual([
    'kubernetes_feature_enabled{name="CRDValidationRatcheting",stage="BETA"} 1',
  ])
  expect(await lines('kubernetes_feature_enabled{name="ComponentStatusz"')).toEqual([
    'kubernetes_feature_enabled{name="ComponentStatusz",stage="ALPHA"} 0',
  ])
})

test('of each priority level it is told how long its seats were taken', async () => {
  await server.call('GET', configMaps)
  const names = ['demand_seats_count', 'priority_level_seat_utilization_count', 'demand_seats_high_watermark']
  for (const name of names) {
    const [line] = (await lines(`apiserver_flowcontrol_${name}`)).filter(l =>
      l.includes('priority_level="global-default"'),
    )
    expect(line, name).toMatch(/ \d/)
  }
})

test('others are served between one metric and the next', async () => {
  let served = 0
  let done = false
  const others = () => {
    served++
    if (!done) setImmediate(others)
  }
  setImmediate(others)
  await lines('apiserver_request_total{')
  done = true
  expect(served).toBeGreaterThan(10)
})

test('who comes, what they may and how long they are served is told under the names that alerts ask for', async () => {
  const before = await lines('authorization_attempts_total{result="allowed"}')
  await server.call('GET', `${configMaps}/a`)
  await server.call('GET', configMaps, undefined, { authorization: 'Bearer nobody' })
  const after = await lines('authorization_attempts_total{result="allowed"}')
  const [was, is] = [before, after].map(([line]) => Number(line!.split(' ')[1]))
  expect(is! - was!).toBeGreaterThanOrEqual(2)
  const place = 'group="",version="v1",resource="configmaps",subresource="",scope="resource",component="apiserver"'
  for (const le of ['1', '5', '30'])
    expect(
      (await lines(`apiserver_request_sli_duration_seconds_bucket{le="${le}",verb="GET",${place}`)).length,
      le,
    ).toBe(1)
  const names = ['authentication_attempts', 'authentication_duration_seconds', 'authorization_duration_seconds']
  const limits = ['lower', 'upper', 'current', 'nominal'].map(which => `apiserver_flowcontrol_${which}_limit_seats`)
  const certificates = ['apiserver_client_certificate_expiration_seconds', 'apiserver_request_terminations_total']
  const types = await lines('# TYPE ')
  for (const name of [...names, ...limits, ...certificates])
    expect(
      types.some(line => line.startsWith(`# TYPE ${name} `)),
      name,
    ).toBe(true)
})

test('lists are counted where they were answered, with what was looked at and what was shown', async () => {
  const url = '/api/v1/namespaces/default/secrets'
  for (const [i, l] of [...'xyx'].entries())
    await server.call('POST', url, { metadata: { name: `s${i}`, labels: { l } } })
  const { metadata } = (await server.call('GET', `${url}?labelSelector=l%3Dx`)).body
  await server.call('POST', url, { metadata: { name: 's9' } })
  await server.call(
    'GET',
    `${url}?labelSelector=l%3Dx&resourceVersionMatch=Exact&resourceVersion=${metadata.resourceVersion}`,
  )
  expect((await lines('apiserver_cache_list_')).filter(line => line.includes('"/secrets"'))).toEqual([
    'apiserver_cache_list_total{resource_prefix="/secrets",index=""} 1',
    'apiserver_cache_list_fetched_objects_total{resource_prefix="/secrets",index=""} 3',
    'apiserver_cache_list_returned_objects_total{resource_prefix="/secrets"} 2',
  ])
  expect((await lines('apiserver_storage_list_')).filter(line => line.includes('"secrets"'))).toEqual([
    'apiserver_storage_list_total{resource="secrets"} 1',
    'apiserver_storage_list_fetched_objects_total{resource="secrets"} 3',
    'apiserver_storage_list_evaluated_objects_total{resource="secrets"} 3',
    'apiserver_storage_list_returned_objects_total{resource="secrets"} 2',
  ])
})

test('events are counted once for each watcher that is sent them, with their size', async () => {
  const url = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
  const watching = [await server.watch(`${url}?watch=1`), await server.watch(`${url}?watch=1`)]
  await server.call('POST', url, { metadata: { name: 'a' }, spec: {} })
  for (const watch of watching) {
    await watch.next()
    watch.end()
  }
  const of = 'group="coordination.k8s.io",version="v1",kind="Lease"'
  expect(await lines('apiserver_watch_events_total{group="coord')).toEqual([`apiserver_watch_events_total{${of}} 2`])
  expect(await lines('apiserver_watch_events_sizes_bucket{le="1024",group="coord')).toEqual([
    `apiserver_watch_events_sizes_bucket{le="1024",${of}} 2`,
  ])
})

test('who uses what is deprecated can be found', async () => {
  expect(await lines('apiserver_requested_deprecated_apis{')).toEqual([])
  await server.call('GET', '/api/v1/componentstatuses')
  expect(await lines('apiserver_requested_deprecated_apis{')).toEqual([
    'apiserver_requested_deprecated_apis{group="",version="v1",resource="componentstatuses",subresource="",removed_release=""} 1',
  ])
})

test('how long admission takes is told of each step and of each plugin, by what came of it', async () => {
  const count = (what: string) => `apiserver_admission_${what}_admission_duration_seconds_count`
  const step = (type: string, rejected: boolean) =>
    `${count('step')}{type="${type}",operation="CREATE",rejected="${rejected}"}`
  const plugin = (name: string, type: string, rejected: boolean) =>
    `${count('controller')}{name="${name}",type="${type}",operation="CREATE",rejected="${rejected}"}`
  const names = [
    step('admit', false),
    step('admit', true),
    step('validate', false),
    plugin('NamespaceLifecycle', 'admit', false),
    plugin('NamespaceLifecycle', 'admit', true),
    plugin('LimitRanger', 'admit', false),
  ]
  const counts = async () => {
    const all = new Map((await lines('apiserver_admission_')).map(line => line.split(' ') as [string, string]))
    return names.map(name => Number(all.get(name) ?? 0))
  }
  const before = await counts()
  await server.call('POST', configMaps, { metadata: { name: 'admitted' } })
  await server.call('POST', configMaps.replace('default', 'none'), { metadata: { name: 'refused' } })
  const after = await counts()
  expect(after.map((now, i) => now - before[i]!)).toEqual([1, 1, 1, 1, 1, 0])
})

test('cluster IPs and node ports are counted: taken, left, given out and refused', async () => {
  const services = '/api/v1/namespaces/default/services'
  const told = async () =>
    (await lines('kube_apiserver_')).map(line =>
      line.replace('kube_apiserver_', '').replace('cidr="10.96.0.0/16"', 'C'),
    )
  expect(await told()).toEqual([
    'clusterip_allocator_allocation_total{C,scope="static"} 1',
    'clusterip_allocator_allocated_ips{C} 1',
    'clusterip_allocator_available_ips{C} 65533',
    'nodeport_allocator_allocated_ports 0',
    'nodeport_allocator_available_ports 2768',
  ])
  const create = (name: string, spec: object) => server.call('POST', services, { metadata: { name }, spec })
  await create('a', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_100 }] })
  await create('b', { type: 'NodePort', ports: [{ port: 80 }], clusterIP: '10.96.0.40' })
  await create('c', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_100 }], clusterIP: '10.96.0.41' })
  await create('d', { ports: [{ port: 80 }], clusterIP: '10.96.0.40' })
  await server.call('POST', `${services}?dryRun=All`, { metadata: { name: 'e' }, spec: { ports: [{ port: 80 }] } })
  await server.call('PATCH', `${services}/a`, { metadata: { labels: { a: 'b' } } }, merge)
  expect(await told()).toEqual([
    'clusterip_allocator_allocation_total{C,scope="static"} 2',
    'clusterip_allocator_allocation_total{C,scope="dynamic"} 1',
    'clusterip_allocator_allocation_errors_total{C,scope="static"} 1',
    'nodeport_allocator_allocation_total{scope="static"} 1',
    'nodeport_allocator_allocation_total{scope="dynamic"} 1',
    'nodeport_allocator_allocation_errors_total{scope="static"} 1',
    'clusterip_allocator_allocated_ips{C} 3',
    'clusterip_allocator_available_ips{C} 65531',
    'nodeport_allocator_allocated_ports 2',
    'nodeport_allocator_available_ports 2766',
  ])
})
