import { describe, expect, test } from 'vitest'
import type { Device, DeviceAttribute, DeviceRequest, ResourceSliceSpec } from '../../models/types/resource-v1beta1.ts'
import { makeNode, makePod, makeScene } from '../testing/index.ts'
import { dynamicResources } from './dynamic-resources.ts'

const driver = 'gpu.example'
const text = (string: string): DeviceAttribute => ({ string })

function device(name: string, model: string, memory: string, more: Record<string, DeviceAttribute> = {}): Device {
  const attributes = { model: text(model), driverVersion: { version: '1.2.3' }, ...more }
  return { name, basic: { attributes, capacity: { memory: { value: memory } } } }
}

function world(slices: (Partial<ResourceSliceSpec> & { devices: Device[] })[], classExpression = 'true') {
  const scene = makeScene({
    nodes: ['n1', 'n2', 'n3'].map(n => makeNode(n, { labels: { rack: n === 'n3' ? 'b' : 'a' } })),
  })
  const { objects } = scene.state
  for (const [i, slice] of slices.entries()) {
    const pool = { name: slice.nodeName ?? 'all', generation: 1, resourceSliceCount: 1 }
    objects.resourceSlices.set({ metadata: { name: `s${i}` }, spec: { driver, pool, ...slice } } as any)
  }
  const selectors = [{ cel: { expression: classExpression } }]
  objects.deviceClasses.set({ metadata: { name: 'gpu' }, spec: { selectors } } as any)
  return {
    ...scene,
    claim(name: string, requests: Partial<DeviceRequest>[], more: object = {}, status?: object) {
      const all = requests.map((r, i) => ({
        name: `r${i}`,
        deviceClassName: 'gpu',
        allocationMode: 'ExactCount',
        ...r,
      }))
      const metadata = { namespace: 'default', name, uid: name }
      objects.resourceClaims.set({ metadata, spec: { devices: { requests: all, ...more } }, status } as any)
    },
    pod: (...claims: string[]) =>
      makePod('p', { resourceClaims: claims.map(name => ({ name, resourceClaimName: name })) }),
    /** Places the pod as far as promises go. @returns node and devices by claim */
    place(name: string, ...claims: string[]) {
      const pod = makePod(name, { resourceClaims: claims.map(c => ({ name: c, resourceClaimName: c })) })
      const info = scene.state.classes.admit(pod)
      const decision = scene.decider.decide(info)
      if (!decision.node) return undefined
      scene.decider.reserve(info, decision.node)
      const names = claims.map(c => objects.promisedDevices.get(`default/${c}`)?.devices?.results?.map(r => r.device))
      return [decision.node.name, ...names]
    },
  }
}

const a100 = device('d0', 'a100', '40Gi')
const t4 = (n: number) => device(`d${n}`, 't4', '16Gi')
const cannot = 'cannot allocate all claims'

describe('selectors', () => {
  test.each([
    [`device.attributes["${driver}"].model == "a100"`, 'n1'],
    [`device.driver == "${driver}" && device.attributes["${driver}"].model == "t4"`, 'n2'],
    [`device.capacity["${driver}"].memory.compareTo(quantity("20Gi")) > 0`, 'n1'],
    [`device.attributes["${driver}"].driverVersion.isGreaterThan(semver("1.10.0"))`, undefined],
    ['"x" in device.attributes["other.example"]', undefined],
  ])('%s', (expression, node) => {
    const w = world([
      { nodeName: 'n1', devices: [a100] },
      { nodeName: 'n2', devices: [t4(1)] },
    ])
    w.claim('c', [{ selectors: [{ cel: { expression } }] }])
    expect(w.place('p', 'c')?.[0]).toBe(node)
  })

  test('those of the class count as well', () => {
    const w = world([{ nodeName: 'n1', devices: [a100] }], `device.attributes["${driver}"].model == "t4"`)
    w.claim('c', [{}])
    expect(w.decide(w.pod('c'))).toBe(`0/3 nodes are available: 3 ${cannot}.`)
  })

  test('one that fails is told, not guessed at', () => {
    const w = world([{ nodeName: 'n1', devices: [a100] }], `device.attributes["${driver}"].missing == "x"`)
    w.claim('c', [{}])
    expect(w.decide(w.pod('c'))).toContain('1 claim default/c, request r0: CEL runtime error: no such key: missing')
  })
})

describe('allocation', () => {
  test('each device goes to one claim, also while the first is being written', () => {
    const w = world([{ nodeName: 'n1', devices: [a100] }])
    w.claim('c1', [{}])
    w.claim('c2', [{}])
    expect(w.place('p1', 'c1')).toEqual(['n1', ['d0']])
    expect(w.place('p2', 'c2')).toBeUndefined()
  })

  test('no claim takes the only device that another of the pod could have', () => {
    const w = world([{ nodeName: 'n1', devices: [a100, t4(1)] }])
    w.claim('any', [{}])
    w.claim('picky', [{ selectors: [{ cel: { expression: `device.attributes["${driver}"].model == "a100"` } }] }])
    expect(w.place('p', 'any', 'picky')).toEqual(['n1', ['d1'], ['d0']])
  })

  test('a count is met on one node, and All takes every one or none', () => {
    const w = world([
      { nodeName: 'n1', devices: [t4(1)] },
      { nodeName: 'n2', devices: [t4(2), t4(3)] },
    ])
    w.claim('two', [{ count: 2 }])
    w.claim('all', [{ allocationMode: 'All' }])
    expect(w.place('p', 'two')).toEqual(['n2', ['d2', 'd3']])
    expect(w.place('q', 'all')).toEqual(['n1', ['d1']])
  })

  test('devices of a constraint agree in the attribute', () => {
    const numa = (n: number) => ({ [`${driver}/numa`]: { int: n } })
    const devices = [
      device('d0', 't4', '1', numa(0)),
      device('d1', 't4', '1', numa(1)),
      device('d2', 't4', '1', numa(1)),
    ]
    const w = world([{ nodeName: 'n1', devices }])
    w.claim('c', [{ count: 2 }], { constraints: [{ matchAttribute: `${driver}/numa` }] })
    expect(w.place('p', 'c')).toEqual(['n1', ['d1', 'd2']])
  })

  test('administrators see devices that others have', () => {
    const w = world([{ nodeName: 'n1', devices: [a100] }])
    w.claim('c', [{}])
    w.claim('admin', [{ adminAccess: true }])
    w.place('p', 'c')
    expect(w.place('q', 'admin')).toEqual(['n1', ['d0']])
  })

  test('devices of the network are reached from the nodes that their slice names', () => {
    const terms = [{ matchExpressions: [{ key: 'rack', operator: 'In' as const, values: ['b'] }] }]
    const w = world([{ nodeSelector: { nodeSelectorTerms: terms }, devices: [a100] }])
    w.claim('c', [{}])
    expect(w.place('p', 'c')).toEqual(['n3', ['d0']])
    expect(w.state.objects.promisedDevices.get('default/c')?.nodeSelector).toEqual({ nodeSelectorTerms: terms })
  })

  test('an older telling of a pool offers nothing; of one not told whole there is no All', () => {
    const old = { name: 'x', generation: 1, resourceSliceCount: 1 }
    const part = { name: 'x', generation: 2, resourceSliceCount: 2 }
    const w = world([
      { nodeName: 'n1', devices: [a100], pool: old },
      { nodeName: 'n1', devices: [t4(1)], pool: part },
    ])
    w.claim('all', [{ allocationMode: 'All' }])
    expect(w.decide(w.pod('all'))).toContain(
      '1 claim default/all, request r0: asks for all devices, but resource pool gpu.example/x is currently being updated',
    )
    w.claim('c', [{}])
    expect(w.place('p', 'c')).toEqual(['n1', ['d1']])
    w.claim('d', [{}])
    expect(w.place('q', 'd')).toBeUndefined()
  })

  test('more than can be searched through ends as no fit, soon', () => {
    const devices = Array.from({ length: 30 }, (_, i) => device(`d${i}`, 't4', '1', { [`${driver}/id`]: { int: i } }))
    const w = world([{ nodeName: 'n1', devices }])
    w.claim('c', [{ count: 8 }, { count: 8 }], { constraints: [{ matchAttribute: `${driver}/id` }] })
    expect(w.place('p', 'c')).toBeUndefined()
  })
})

describe('claims', () => {
  const allocated = (nodeName: string) => ({
    allocation: {
      nodeSelector: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] }],
      },
    },
  })

  test('one that has its devices brings the pod to them', () => {
    const w = world([])
    w.claim('c', [{}], {}, allocated('n2'))
    expect(w.decide(w.pod('c'))).toBe('n2')
    w.claim('d', [{}], {}, allocated('n3'))
    expect(w.decide(w.pod('c', 'd'))).toBe('0/3 nodes are available: 3 resourceclaim not available on the node.')
  })

  test.each([
    ['not there', () => {}, 'resourceclaim.resource.k8s.io "c" not found'],
    [
      'of a class that is not there',
      (w: ReturnType<typeof world>) => w.claim('c', [{ deviceClassName: 'tpu' }]),
      'request r0: device class tpu does not exist',
    ],
  ])('one that is %s is told', (_, set, message) => {
    const w = world([])
    set(w)
    expect(w.decide(w.pod('c'))).toBe(`0/3 nodes are available: ${message}.`)
  })

  test('one by template is waited for until it is made', () => {
    const w = world([{ nodeName: 'n1', devices: [a100] }])
    const pod = makePod('p', { resourceClaims: [{ name: 'g', resourceClaimTemplateName: 't' }] })
    expect(w.decide(pod)).toBe('0/3 nodes are available: pod "default/p": ResourceClaim not created yet.')
    w.claim('p-g-x', [{}])
    pod.status = { resourceClaimStatuses: [{ name: 'g', resourceClaimName: 'p-g-x' }] }
    expect(w.decide(pod)).toBe('n1')
  })
})

describe('a pod that waits for devices', () => {
  const claim = (name: string, status?: object, finalizers?: string[]) =>
    ({
      metadata: { namespace: 'default', name, uid: name, resourceVersion: '1', ...(finalizers ? { finalizers } : {}) },
      spec: {},
      ...(status ? { status } : {}),
    }) as any
  const has = { allocation: {} }
  test.each<[string, from: object | undefined, to: object | 'gone', wakes: boolean]>([
    ['its claim comes', undefined, claim('c'), true],
    ['its claim gets devices', claim('c'), claim('c', has), true],
    ['its claim is used', claim('c', has), claim('c', { ...has, reservedFor: [] }), true],
    ['its claim gets a finalizer', claim('c'), claim('c', undefined, ['x']), false],
    ['a claim of others gets devices', claim('d'), claim('d', has), false],
    ['a claim of others gives them back', claim('d', has), claim('d', {}), true],
    ['a claim of others goes with them', claim('d', has), 'gone', true],
    ['a claim of others goes without', claim('d'), 'gone', false],
  ])('%s: is that worth another try?', (_, from, to, wakes) => {
    const { state } = world([])
    const info = state.classes.admit(makePod('p', { resourceClaims: [{ name: 'g', resourceClaimName: 'c' }] }))
    const object = (to === 'gone' ? from : to) as any
    const event = { type: 'object-changed' as const, table: 'resourceClaims' as const, object }
    expect(dynamicResources.wakes!({ ...event, ...(from ? { old: from as any } : {}) }, info, state)).toBe(wakes)
  })
})
