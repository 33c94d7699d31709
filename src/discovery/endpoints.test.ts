import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type PodFate, startTestCluster, type TestCluster } from '../controller/testing/cluster.ts'
import { stillWorld } from '../controller/testing/still-world.ts'
import { ApiError } from '../models/api-error.ts'
import { EndpointSlice, Endpoints, Event, Node, Pod, Service } from '../models/kinds/index.ts'
import type { ServiceSpec } from '../models/types/core-v1.ts'
import { endpointSliceReconciler } from './endpoint-slice.ts'
import { endpointSliceMirroringReconciler } from './endpoint-slice-mirroring.ts'
import { endpointsReconciler } from './endpoints.ts'

let cluster: TestCluster
const fates = new Map<string, PodFate>()

beforeEach(async () => {
  fates.clear()
  cluster = await startTestCluster({
    reconcilers: [endpointsReconciler(), endpointSliceReconciler(), endpointSliceMirroringReconciler()],
    fate: pod => fates.get(pod.metadata.name) ?? 'ready',
  })
  for (const [name, zone] of [
    ['node-1', 'east'],
    ['node-2', 'west'],
  ])
    await cluster.client.create(Node, {
      metadata: { name: name!, labels: { 'topology.kubernetes.io/zone': zone! } },
      spec: {},
    })
})
afterEach(() => cluster[Symbol.asyncDispose]())

const namespace = 'default'
const key = { namespace, name: 'web' }

const service = (spec: ServiceSpec) =>
  cluster.client.create(Service, { metadata: { ...key, labels: { tier: 'front' } }, spec })
const plain: ServiceSpec = {
  selector: { app: 'web' },
  ports: [{ name: 'http', port: 80, targetPort: 'web', protocol: 'TCP' }],
}
const addPod = (name: string, spec: Partial<Pod['spec']> = {}, labels = { app: 'web' }) =>
  cluster.client.create(Pod, {
    metadata: { namespace, name, labels },
    spec: { containers: [{ name: 'main', image: 'i', ports: [{ name: 'web', containerPort: 8080 }] }], ...spec },
  })
const endpoints = () => cluster.client.get(Endpoints, key).catch(() => undefined)
const slices = async () =>
  (await cluster.client.list(EndpointSlice, { namespace, labelSelector: 'kubernetes.io/service-name=web' })).items
const served = async () =>
  (await slices()).flatMap(s => (s.endpoints ?? []).map(e => `${e.targetRef?.name}:${e.conditions?.ready}`)).sort()

describe('a Service with a selector', () => {
  it('has the addresses of its ready pods, in both forms', async () => {
    fates.set('slow', 'running')
    await service(plain)
    await addPod('a')
    await addPod('slow')
    await addPod('stranger', {}, { app: 'other' })
    await cluster.until(async () => (await served()).join() === 'a:true,slow:false', 10_000, served)
    const [slice] = await slices()
    const a = await cluster.client.get(Pod, { namespace, name: 'a' })
    expect(slice!.metadata.labels).toEqual({
      tier: 'front',
      'kubernetes.io/service-name': 'web',
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      ...(slice!.metadata.labels!['service.kubernetes.io/headless'] === undefined
        ? {}
        : { 'service.kubernetes.io/headless': '' }),
    })
    expect(slice!.metadata.name).toMatch(/^web-/)
    expect(slice!.metadata.ownerReferences).toMatchObject([{ kind: 'Service', name: 'web', controller: true }])
    expect(slice!.ports).toEqual([{ name: 'http', port: 8080, protocol: 'TCP' }])
    expect(slice!.endpoints!.find(e => e.targetRef!.name === 'a')).toEqual({
      addresses: [a.status!.podIP],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: a.spec.nodeName,
      zone: a.spec.nodeName === 'node-1' ? 'east' : 'west',
      targetRef: { kind: 'Pod', namespace, name: 'a', uid: a.metadata.uid },
    })
    const flat = await endpoints()
    expect(flat!.subsets).toMatchObject([
      {
        addresses: [{ targetRef: { name: 'a' } }],
        notReadyAddresses: [{ targetRef: { name: 'slow' } }],
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      },
    ])
    expect(flat!.metadata.labels).toMatchObject({ tier: 'front' })
  })

  it('says when that happened which its endpoints tell of', async () => {
    const told = async () => [
      (await endpoints())?.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'],
      (await slices())[0]?.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'],
    ]
    const { creationTimestamp } = (await service(plain)).metadata
    await cluster.until(async () => (await told()).every(Boolean), 10_000, told)
    expect(await told()).toEqual([creationTimestamp, creationTimestamp])
    await cluster.pass(5_000)
    await addPod('a')
    await cluster.until(async () => (await served()).join() === 'a:true', 10_000, served)
    await cluster.pass(2_000)
    const a = await cluster.client.get(Pod, { namespace, name: 'a' })
    const since = a.status!.conditions!.find(c => c.type === 'Ready')!.lastTransitionTime
    expect(await told()).toEqual([since, since])
    await cluster.pass(5_000)
    fates.set('a', 'succeeded')
    const poke = { metadata: { annotations: { poke: '1' } } }
    await cluster.client.patch(Pod, { namespace, name: 'a' }, { type: 'merge', body: poke })
    await cluster.until(async () => (await served()).length === 0, 10_000, served)
    await cluster.pass(2_000)
    const over = (await cluster.client.get(Pod, { namespace, name: 'a' })).status!.conditions!
    const ended = over.find(c => c.type === 'Ready')!.lastTransitionTime
    expect([ended === since, await told()]).toEqual([false, [ended, ended]])
  })

  it('leaves alone what others write on its slices, and replaces those of a Service of its name from before', async () => {
    const { uid } = (await service(plain)).metadata
    await addPod('a')
    await cluster.until(async () => (await served()).join() === 'a:true', 10_000, served)
    const [slice] = await slices()
    const { name } = slice!.metadata
    const patch = (metadata: object) =>
      cluster.client.patch(EndpointSlice, { namespace, name }, { type: 'merge', body: { metadata } })
    await patch({ annotations: { note: 'ours' } })
    await addPod('b')
    await cluster.until(async () => (await served()).join() === 'a:true,b:true', 10_000, served)
    expect((await slices()).map(s => [s.metadata.name, s.metadata.annotations?.['note']])).toEqual([[name, 'ours']])
    await patch({ ownerReferences: [{ ...slice!.metadata.ownerReferences![0], uid: 'from-before' }] })
    await cluster.until(async () => (await slices()).every(s => s.metadata.name !== name), 10_000, served)
    await cluster.until(async () => (await served()).join() === 'a:true,b:true', 10_000, served)
    expect((await slices()).map(s => s.metadata.ownerReferences?.[0]?.uid)).toEqual([uid])
  })

  it('keeps a pod that shuts down as serving but not ready, and not at all in Endpoints', async () => {
    await service(plain)
    await addPod('a')
    await cluster.client.patch(
      Pod,
      { namespace, name: 'a' },
      { type: 'merge', body: { metadata: { finalizers: ['example.com/hold'] } } },
    )
    await cluster.until(async () => (await served()).join() === 'a:true')
    await cluster.client.delete(Pod, { namespace, name: 'a' })
    await cluster.until(async () => (await served()).join() === 'a:false')
    expect((await slices())[0]!.endpoints![0]!.conditions).toEqual({ ready: false, serving: true, terminating: true })
    await cluster.until(async () => !(await endpoints())!.subsets?.length)
    await cluster.client.patch(
      Pod,
      { namespace, name: 'a' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    )
    await cluster.until(async () => (await served()).length === 0 && (await slices()).length === 1)
  })

  it('that publishes addresses which are not ready calls them ready; headless ones have names', async () => {
    fates.set('db-0', 'running')
    await service({ ...plain, clusterIP: 'None', publishNotReadyAddresses: true })
    await addPod('db-0', { hostname: 'db-0', subdomain: 'web' })
    await cluster.until(async () => (await served()).join() === 'db-0:true', 10_000, served)
    const [slice] = await slices()
    expect(slice!.metadata.labels!['service.kubernetes.io/headless']).toBe('')
    expect(slice!.endpoints![0]).toMatchObject({ hostname: 'db-0', conditions: { ready: true, serving: false } })
    expect((await endpoints())!.subsets![0]!.addresses).toMatchObject([{ hostname: 'db-0' }])
  })

  it('follows a change of its selector, and takes its Endpoints with it', async () => {
    await service(plain)
    await addPod('a')
    await addPod('b', {}, { app: 'other' })
    await cluster.until(async () => (await served()).join() === 'a:true')
    await cluster.client.patch(Service, key, { type: 'merge', body: { spec: { selector: { app: 'other' } } } })
    await cluster.until(async () => (await served()).join() === 'b:true')
    await cluster.client.delete(Service, key)
    await cluster.until(async () => !(await endpoints()), 10_000, endpoints)
  })

  it('whose pods have different ports for one name has a slice for each', async () => {
    await service(plain)
    await addPod('a')
    await addPod('b', { containers: [{ name: 'main', image: 'i', ports: [{ name: 'web', containerPort: 9090 }] }] })
    await cluster.until(async () => (await slices()).length === 2, 10_000, slices)
    expect((await slices()).map(s => s.ports![0]!.port).sort()).toEqual([8080, 9090])
    expect((await endpoints())!.subsets).toHaveLength(2)
  })
})

describe('a Service that wants its endpoints shared out to zones', () => {
  const cpu = (name: string, amount: string) =>
    cluster.client.patch(
      Node,
      { name },
      {
        type: 'merge',
        body: { status: { allocatable: { cpu: amount }, conditions: [{ type: 'Ready', status: 'True' }] } },
      },
      { subresource: 'status' },
    )
  const zones = async () =>
    (await slices())
      .flatMap(s => (s.endpoints ?? []).map(e => e.hints?.forZones?.[0]?.name ?? '-'))
      .sort()
      .join(' ')
  const events = async () =>
    (await cluster.client.list(Event, { namespace })).items.map(e => `${e.reason} ${e.message}`)
  const setMode = (mode: string | null) =>
    cluster.client.patch(Service, key, {
      type: 'merge',
      body: { metadata: { annotations: { 'service.kubernetes.io/topology-mode': mode } } },
    })

  it('has hints by the CPU of zones, follows the nodes, and has none when they are not wanted or make no sense', async () => {
    await cpu('node-1', '4')
    await cpu('node-2', '4')
    await service(plain)
    for (const name of ['a', 'b', 'c']) await addPod(name, { nodeName: 'node-1' })
    await addPod('d', { nodeName: 'node-2' })
    await cluster.until(async () => (await served()).length === 4, 10_000, served)
    expect(await zones()).toBe('- - - -')
    await setMode('Auto')
    await cluster.until(async () => (await zones()) === 'east east west west', 10_000, zones)
    expect(await events()).toContain(
      'TopologyAwareHintsEnabled Topology Aware Hints has been enabled, addressType: IPv4',
    )
    // The west has most of the CPU now.
    await cpu('node-1', '3')
    await cpu('node-2', '9')
    await cluster.until(async () => (await zones()) === 'east west west west', 10_000, zones)
    await cpu('node-1', '0')
    await cluster.until(async () => (await zones()) === '- - - -', 10_000, zones)
    expect((await events()).find(e => e.startsWith('TopologyAwareHintsDisabled'))).toBe(
      'TopologyAwareHintsDisabled Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, addressType: IPv4',
    )
    await cpu('node-1', '9')
    await cluster.until(async () => (await zones()) === 'east east west west', 10_000, zones)
    await setMode(null)
    await cluster.until(async () => (await zones()) === '- - - -', 10_000, zones)
  })
})

it('of Endpoints of people only the first thousand addresses of a subset are mirrored, and that is said', async () => {
  await service({ ports: [{ port: 80, protocol: 'TCP' }] })
  const addresses = Array.from({ length: 1_003 }, (_, i) => ({ ip: `192.0.${2 + (i >> 8)}.${i & 255}` }))
  await cluster.client.create(Endpoints, { metadata: key, subsets: [{ addresses, ports: [{ port: 80 }] }] })
  await cluster.until(async () => (await slices())[0]?.endpoints?.length === 1_000, 10_000)
  const { items } = await cluster.client.list(Event, { namespace })
  expect(items.map(e => e.message)).toEqual([
    'A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 3 addresses were skipped',
  ])
})

it('Endpoints of people, for a Service without selector, are mirrored, followed and taken back', async () => {
  await service({ ports: [{ port: 80, protocol: 'TCP' }] })
  await cluster.client.create(Endpoints, {
    metadata: { ...key, labels: { mine: 'yes' } },
    subsets: [
      {
        addresses: [{ ip: '192.0.2.1' }],
        notReadyAddresses: [{ ip: '2001:db8::1' }],
        ports: [{ port: 80, protocol: 'TCP' }],
      },
    ],
  })
  await cluster.until(async () => (await slices()).length === 2, 10_000, slices)
  const [v4, v6] = (await slices()).sort((a, b) => (a.addressType < b.addressType ? -1 : 1))
  expect(v4!.metadata.labels).toEqual({
    mine: 'yes',
    'kubernetes.io/service-name': 'web',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
  })
  expect([v4!.endpoints, v6!.endpoints]).toEqual([
    [{ addresses: ['192.0.2.1'], conditions: { ready: true } }],
    [{ addresses: ['2001:db8::1'], conditions: { ready: false } }],
  ])
  const subsets = [{ addresses: [{ ip: '192.0.2.7' }], ports: [{ port: 80, protocol: 'TCP' }] }]
  await cluster.client.patch(Endpoints, key, { type: 'merge', body: { subsets } })
  await cluster.until(
    async () => (await slices()).map(s => s.endpoints?.[0]?.addresses[0]).join() === '192.0.2.7',
    10_000,
    slices,
  )
  await cluster.client.delete(Endpoints, key)
  await cluster.until(async () => (await slices()).length === 0, 10_000, slices)
})

it('an address that stands in several subsets is mirrored once, with the ports of all', async () => {
  await service({ ports: [{ port: 80, protocol: 'TCP' }] })
  const port = (name: string, port: number) => ({ name, port, protocol: 'TCP' as const })
  const subset = (ip: string, ...ports: ReturnType<typeof port>[]) => ({ addresses: [{ ip }], ports })
  await cluster.client.create(Endpoints, {
    metadata: { ...key, labels: { 'service.kubernetes.io/headless': '' } },
    subsets: [subset('192.0.2.1', port('a', 1)), subset('192.0.2.1', port('b', 2)), subset('192.0.2.2', port('a', 1))],
  })
  const said = async () =>
    (await slices())
      .map(s => `${s.ports?.map(p => p.name).join()} ${(s.endpoints ?? []).map(e => e.addresses[0]).join()}`)
      .sort()
  await cluster.until(async () => (await said()).join('; ') === 'a 192.0.2.2; a,b 192.0.2.1', 10_000, said)
  expect((await slices())[0]!.metadata.labels).toHaveProperty('service.kubernetes.io/headless')
})

it('a Service with an empty selector is one without', async () => {
  await service({ ...plain, selector: {} })
  await addPod('a')
  await cluster.pass(5_000)
  expect([await slices(), await endpoints()]).toEqual([[], undefined])
})

it('Endpoints without any Service stay as people wrote them', async () => {
  await cluster.client.create(Endpoints, {
    metadata: key,
    subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80 }] }],
  })
  await cluster.pass(5_000)
  expect((await endpoints())!.subsets![0]!.addresses).toEqual([{ ip: '192.0.2.1' }])
  expect(await slices()).toEqual([])
})

it('that somebody was faster to write Endpoints is no news', async () => {
  const metadata = { namespace, name: 'web', uid: 'u', resourceVersion: '1' }
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { ...metadata, labels: {} }, spec: plain }
  for (const [fails, told] of [
    [new ApiError('Conflict', 'was changed'), 0],
    [new ApiError('InternalError', 'no room'), 1],
  ] as const) {
    const world = stillWorld({
      cached: [
        [Service, [service]],
        [Pod, []],
        [Endpoints, [{ apiVersion: 'v1', kind: 'Endpoints', metadata }]],
      ],
      fails: { 'update Endpoints': fails },
    })
    await expect(endpointsReconciler().reconcile(key, world)).rejects.toBe(fails)
    expect(world.told).toHaveLength(told)
  }
})
