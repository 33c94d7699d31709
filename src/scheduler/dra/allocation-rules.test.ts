import { describe, expect, test } from 'vitest'
import { ObjectTable } from '../object-table.ts'
import { Wanted } from './allocate.ts'
import { deviceId } from './device-uses.ts'
import { DevicePools } from './pools.ts'

/*
 * What Kubernetes' allocator of structured parameters does (v1.32, its own table), one case each. Where ours finds devices
 * though Kubernetes' gives up, the case says so.
 */
const a = 'driver-a'
const b = 'driver-b'
const only = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }] }
const inRegion = (region: string) => ({
  nodeSelectorTerms: [{ matchExpressions: [{ key: 'region', operator: 'In', values: [region] }] }],
})

const request = (name: string, of = a, more: object = {}) => ({
  ...{ name, deviceClassName: `class-${of}`, allocationMode: 'ExactCount', count: 1 },
  ...more,
})
const every = (name: string, of = a, more: object = {}) =>
  request(name, of, { allocationMode: 'All', count: 0, ...more })
const claim = (requests: object[], more: object = {}, name = 'c') =>
  ({ metadata: { name }, spec: { devices: { requests, ...more } } }) as any
const device = (name: string, attributes: object = {}, capacity: object = {}) => ({
  name,
  basic: { attributes, capacity },
})
const sized = (name: string, memory: string) => device(name, {}, { memory: { value: memory } })

let slices = 0
const slice = (where: object, pool: string, driver: string, devices: object[], more: object = {}) =>
  ({
    metadata: { name: `s${slices++}` },
    spec: { driver, pool: { name: pool, generation: 1, resourceSliceCount: 1, ...more }, devices, ...where },
  }) as any
const n1 = { nodeName: 'n1' }
const one = (where: object = n1, pool = 'p1', driver = a, more: object = {}) =>
  slice(where, pool, driver, [device('d1')], more)

const atLeast = (memory: string) => ({
  selectors: [{ cel: { expression: `device.capacity["${a}"].memory.compareTo(quantity("${memory}")) >= 0` } }],
})
const agreeIn = (attribute: string, ...requests: string[]) => ({
  matchAttribute: `${a}/${attribute}`,
  ...(requests.length ? { requests } : {}),
})

interface Case {
  claims: any[]
  slices?: any[]
  taken?: string[]
  classes?: Record<string, object>
  node?: { name: string; region: string }
}

const ofDriver = (driver: string) => ({ selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] })

/** What every claim gets: `request=driver/pool/device`, or why they get nothing. */
function run({ claims, slices: told = [], taken = [], classes = {}, node = { name: 'n1', region: 'r1' } }: Case) {
  const table = new ObjectTable<any>()
  for (const one of told) table.set(one)
  const specs: Record<string, object> = { [`class-${a}`]: ofDriver(a), [`class-${b}`]: ofDriver(b), ...classes }
  const byName = { get: (name: string) => ({ metadata: { name }, spec: specs[name] ?? {} }) as any }
  const labels = { region: node.region, planet: 'earth' }
  const view = { index: 0, name: node.name, node: { metadata: { name: node.name, labels } } as any }
  const wanted = new Wanted(claims, byName)
  const asked = [DevicePools.of(table).reachOf(view), new Set(taken), node.name] as const
  const found = wanted.allocate(...asked)
  // The quick answer is the same one.
  expect(wanted.whyNone(...asked)).toBe(typeof found === 'string' ? found : undefined)
  return found
}

const devicesIn = (found: ReturnType<typeof run>) =>
  typeof found === 'string'
    ? found
    : found.map(r => (r.devices?.results ?? []).map(d => `${d.request}=${deviceId(d)}`).sort())

const nothing = 'cannot allocate all claims'

describe('which devices', () => {
  const big = { slices: [slice(n1, 'p1', a, [sized('d2', '2Gi'), sized('d1', '1Gi')])] }
  const manyA = () => slice(n1, 'p1', a, [device('d1'), device('d2')])
  test.each<[string, Case, string | string[][]]>([
    ['nothing is wanted', { claims: [], slices: [one()] }, []],
    ['one of one', { claims: [claim([request('r')])], slices: [one()] }, [['r=driver-a/p1/d1']]],
    [
      'those of another node and of another driver do not count',
      {
        claims: [claim([request('r')])],
        slices: [one(n1, 'p1', b), one({ nodeName: 'n2' }, 'p2')],
        node: { name: 'n2', region: 'r2' },
      },
      [['r=driver-a/p2/d1']],
    ],
    [
      'small and large, in the order in which they are listed',
      {
        claims: [claim([request('r', a, atLeast('1Gi')), request('q', a, atLeast('2Gi'))])],
        slices: [slice(n1, 'p1', a, [sized('d1', '1Gi'), sized('d2', '2Gi')])],
      },
      [['q=driver-a/p1/d2', 'r=driver-a/p1/d1']],
    ],
    [
      'the large one is given back to the request that needs it',
      { claims: [claim([request('r', a, atLeast('1Gi')), request('q', a, atLeast('2Gi'))])], ...big },
      [['q=driver-a/p1/d2', 'r=driver-a/p1/d1']],
    ],
    [
      'the large one is given back to the claim that needs it',
      { claims: [claim([request('r', a, atLeast('1Gi'))]), claim([request('q', a, atLeast('2Gi'))], {}, 'd')], ...big },
      [['r=driver-a/p1/d1'], ['q=driver-a/p1/d2']],
    ],
    [
      'a count over several pools',
      { claims: [claim([request('r', a, { count: 2 })])], slices: [one(), one(n1, 'p2')] },
      [['r=driver-a/p1/d1', 'r=driver-a/p2/d1']],
    ],
    [
      'a newer generation takes the place of an older one',
      { claims: [claim([request('r')])], slices: [one(), one(n1, 'p1', a, { generation: 2 })] },
      [['r=driver-a/p1/d1']],
    ],
    [
      'a pool of which a slice is missing still offers what is known of it',
      { claims: [claim([request('r')])], slices: [one(n1, 'p1', a, { resourceSliceCount: 2 })] },
      [['r=driver-a/p1/d1']],
    ],
    ['no slices', { claims: [claim([request('r')])] }, nothing],
    ['two claims, one device', { claims: [claim([request('r')]), claim([request('q')])], slices: [one()] }, nothing],
    ['all of one', { claims: [claim([every('r')])], slices: [one()] }, [['r=driver-a/p1/d1']]],
    [
      'all of two pools',
      { claims: [claim([every('r')])], slices: [one(), one(n1, 'p2')] },
      [['r=driver-a/p1/d1', 'r=driver-a/p2/d1']],
    ],
    [
      'all, and another',
      { claims: [claim([every('r')]), claim([request('q', b)])], slices: [manyA(), one(n1, 'p1', b)] },
      [['r=driver-a/p1/d1', 'r=driver-a/p1/d2'], ['q=driver-b/p1/d1']],
    ],
    [
      'another, and all',
      { claims: [claim([request('q', b)]), claim([every('r')])], slices: [manyA(), one(n1, 'p1', b)] },
      [['q=driver-b/p1/d1'], ['r=driver-a/p1/d1', 'r=driver-a/p1/d2']],
    ],
    ['one, and all of the same', { claims: [claim([request('q')]), claim([every('r')])], slices: [one()] }, nothing],
    ['all, and one of the same', { claims: [claim([every('r')]), claim([request('q')])], slices: [one()] }, nothing],
    ['all of nothing, which Kubernetes allows', { claims: [claim([every('r', b)])], slices: [one()] }, nothing],
    [
      'all, though one is taken',
      { claims: [claim([every('r')])], slices: [manyA()], taken: ['driver-a/p1/d2'] },
      nothing,
    ],
    [
      'of two drivers',
      { claims: [claim([request('r')]), claim([request('r', b)])], slices: [manyA(), one(n1, 'p1', b)] },
      [['r=driver-a/p1/d1'], ['r=driver-b/p1/d1']],
    ],
    [
      'those that somebody has',
      { claims: [claim([request('r')])], slices: [one()], taken: ['driver-a/p1/d1', 'driver-a/p1/d2'] },
      nothing,
    ],
    [
      'a device of a kind that is not known',
      { claims: [claim([request('r')])], slices: [slice(n1, 'p1', a, [{ name: 'd1' }])] },
      nothing,
    ],
    ['as many as there may be', { claims: [claim([request('r', a, { count: 32 })])] }, nothing],
    [
      'a selector that fails for one that is taken',
      {
        claims: [
          claim([request('r', a, { selectors: [{ cel: { expression: `device.attributes["${a}"].x == "1"` } }] })]),
        ],
        slices: [slice(n1, 'p1', a, [device('d1'), device('d2', { x: { string: '1' } })])],
        taken: ['driver-a/p1/d1'],
      },
      [['r=driver-a/p1/d2']],
    ],
  ])('%s', (_, given, expected) => {
    expect(devicesIn(run(given))).toEqual(expected)
  })
})

describe('who administers', () => {
  test('gets devices that others have, and it is written down', () => {
    const found = run({
      claims: [claim([request('r', a, { adminAccess: true })])],
      slices: [one()],
      taken: ['driver-a/p1/d1'],
    })
    expect(found).toEqual([
      {
        devices: { results: [{ request: 'r', driver: a, pool: 'p1', device: 'd1', adminAccess: true }] },
        nodeSelector: only,
      },
    ])
  })
})

describe('from where they can be used', () => {
  const earth = {
    nodeSelectorTerms: [{ matchExpressions: [{ key: 'planet', operator: 'In', values: ['earth'] }] }],
  }
  const selectorOf = (found: ReturnType<typeof run>) => (typeof found === 'string' ? found : found[0]!.nodeSelector)
  const many = (count: number) => [claim([request('r', a, { count })])]
  test.each<[string, Case, object | string | undefined]>([
    ['from the node that has them', { claims: many(1), slices: [one()] }, only],
    ['from a region', { claims: many(1), slices: [one({ nodeSelector: inRegion('r1') })] }, inRegion('r1')],
    [
      'not from another region',
      { claims: many(1), slices: [one({ nodeSelector: inRegion('r1') })], node: { name: 'n2', region: 'r2' } },
      nothing,
    ],
    ['from everywhere', { claims: many(1), slices: [one({ allNodes: true })] }, undefined],
    [
      'from where all of them can be used',
      {
        claims: many(4),
        slices: [
          one({ nodeSelector: inRegion('r1') }, 'p1'),
          one({ allNodes: true }, 'p2'),
          one({ nodeSelector: earth }, 'p3'),
          one({ nodeSelector: only }, 'p4'),
        ],
      },
      {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              { key: 'region', operator: 'In', values: ['r1'] },
              { key: 'planet', operator: 'In', values: ['earth'] },
            ],
            matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }],
          },
        ],
      },
    ],
    [
      'what two slices ask for alike is asked for once',
      {
        claims: many(2),
        slices: [one({ nodeSelector: inRegion('r1') }, 'p1'), one({ nodeSelector: inRegion('r1') }, 'p2')],
      },
      inRegion('r1'),
    ],
    [
      'from the node alone, as soon as one of them is its own',
      { claims: many(2), slices: [one({ nodeSelector: inRegion('r1') }, 'p1'), one(n1, 'p2')] },
      only,
    ],
  ])('%s', (_, given, expected) => {
    expect(selectorOf(run(given))).toEqual(expected)
  })
})

describe('constraints', () => {
  const text = (value: string) => ({ string: value })
  const version = (value: string) => ({ version: value })
  const full = { v: version('1.0.0'), numa: { int: 1 }, s: text('x'), b: { bool: true } }
  const two = (first: object, second: object) => [slice(n1, 'p1', a, [device('d1', first), device('d2', second)])]
  const pair = (attribute: string) => claim([request('r', a, { count: 2 })], { constraints: [agreeIn(attribute)] })
  test.each<[string, Case, string | string[][]]>([
    [
      'agree in attributes of every type',
      {
        claims: [
          claim([request('r'), request('q')], { constraints: ['numa', 'v', 's', 'b'].map(name => agreeIn(name)) }),
        ],
        slices: two(full, full),
      },
      [['q=driver-a/p1/d2', 'r=driver-a/p1/d1']],
    ],
    [
      'an attribute that is not there agrees with nothing',
      { claims: [claim([request('r')], { constraints: [agreeIn('missing')] })], slices: [one()] },
      nothing,
    ],
    ['numbers differ', { claims: [pair('numa')], slices: two({ numa: { int: 1 } }, { numa: { int: 2 } }) }, nothing],
    ['texts differ', { claims: [pair('s')], slices: two({ s: text('x') }, { s: text('y') }) }, nothing],
    ['truths differ', { claims: [pair('b')], slices: two({ b: { bool: true } }, { b: { bool: false } }) }, nothing],
    [
      'versions differ',
      { claims: [pair('v')], slices: two({ v: version('1.0.0') }, { v: version('2.0.0') }) },
      nothing,
    ],
    ['types differ', { claims: [pair('s')], slices: two({ s: text('1') }, { s: { int: 1 } }) }, nothing],
    [
      'numbers differ, of all devices',
      {
        claims: [claim([every('r')], { constraints: [agreeIn('numa')] })],
        slices: two({ numa: { int: 1 } }, { numa: { int: 2 } }),
      },
      'claim c, request r: cannot add device driver-a/p1/d2 because a claim constraint would not be satisfied',
    ],
    [
      'one request alone agrees with itself',
      {
        claims: [claim([request('r'), request('q')], { constraints: [agreeIn('v', 'r')] })],
        slices: two({ v: version('1.0.0') }, { v: version('2.0.0') }),
      },
      [['q=driver-a/p1/d2', 'r=driver-a/p1/d1']],
    ],
    [
      'the first device is given up where no second agrees with it',
      {
        claims: [claim([request('r'), request('q')], { constraints: [agreeIn('v', 'r'), agreeIn('s')] })],
        slices: [
          slice(n1, 'p1', a, [
            device('d1', { v: version('1.0.0'), s: text('a') }),
            device('d2', { v: version('2.0.0'), s: text('b') }),
            device('d3', { v: version('3.0.0'), s: text('b') }),
          ]),
        ],
      },
      [['q=driver-a/p1/d3', 'r=driver-a/p1/d2']],
    ],
  ])('%s', (_, given, expected) => {
    expect(devicesIn(run(given))).toEqual(expected)
  })
})

describe('configuration', () => {
  const opaque = (driver: string, key: string) => ({ opaque: { driver, parameters: { [key]: `${key}Value` } } })
  const configOf = (found: ReturnType<typeof run>) => (typeof found === 'string' ? found : found[0]!.devices?.config)

  test("a class's stands once, for all requests of the class", () => {
    const found = run({
      claims: [claim([request('r'), request('q'), request('o', b)])],
      slices: [slice(n1, 'p1', a, [device('d0'), device('d1')]), one(n1, 'p1', b)],
      classes: {
        [`class-${a}`]: { ...ofDriver(a), config: [opaque(a, 'x')] },
        [`class-${b}`]: { ...ofDriver(b), config: [opaque(b, 'y')] },
      },
    })
    expect(configOf(found)).toEqual([
      { source: 'FromClass', requests: ['r', 'q'], ...opaque(a, 'x') },
      { source: 'FromClass', requests: ['o'], ...opaque(b, 'y') },
    ])
  })

  test("the claim's own stands as it is", () => {
    const found = run({ claims: [claim([request('r')], { config: [opaque(a, 'x')] })], slices: [one()] })
    expect(configOf(found)).toEqual([{ source: 'FromClaim', ...opaque(a, 'x') }])
  })
})

describe('what is said', () => {
  const noSuchVariable = { selectors: [{ cel: { expression: 'noSuchVar' } }] }
  test.each<[string, Case, string]>([
    [
      'one device told by two slices',
      {
        claims: [claim([request('r')])],
        slices: [one(n1, 'p1', a, { resourceSliceCount: 2 }), one(n1, 'p1', a, { resourceSliceCount: 2 })],
      },
      'pool p1 is invalid: duplicate device name d1',
    ],
    [
      'all of a pool of which a slice is missing',
      { claims: [claim([every('r')])], slices: [one(n1, 'p1', a, { resourceSliceCount: 2 })] },
      'claim c, request r: asks for all devices, but resource pool driver-a/p1 is currently being updated',
    ],
    [
      'all of a pool that tells of one device twice',
      { claims: [claim([every('r')])], slices: [slice(n1, 'p1', a, [device('d1'), device('d1')])] },
      'claim c, request r: asks for all devices, but resource pool driver-a/p1 is currently invalid',
    ],
    [
      'a selector of a kind that is not known',
      { claims: [claim([request('r', a, { selectors: [{}] })])], slices: [one()] },
      'claim c, request r, selector #0: CEL expression empty (unsupported selector type?)',
    ],
    [
      'a mode that is not known',
      { claims: [claim([request('r', a, { allocationMode: 'future' })])], slices: [one()] },
      'claim c, request r: unsupported count mode future',
    ],
    [
      'a constraint of a kind that is not known',
      { claims: [claim([request('r')], { constraints: [{}] })], slices: [one()] },
      'claim c, constraint #0: empty constraint (unsupported constraint type?)',
    ],
    ['a bad selector', { claims: [claim([request('r', a, noSuchVariable)])], slices: [one()] }, 'undeclared reference'],
    [
      'a bad selector of the class',
      { claims: [claim([request('r')])], slices: [one()], classes: { [`class-${a}`]: noSuchVariable } },
      'undeclared reference',
    ],
    [
      'a bad selector of all',
      { claims: [claim([every('r', a, noSuchVariable)])], slices: [one()] },
      'undeclared reference',
    ],
    [
      'too many for one request',
      { claims: [claim([request('r', a, { count: 500 })])] },
      'claim c: number of requested devices 500 exceeds the claim limit of 32',
    ],
    [
      'too many altogether',
      { claims: [claim([request('r', a, { count: 32 }), request('q')])] },
      'claim c: number of requested devices 33 exceeds the claim limit of 32',
    ],
    [
      'far too many',
      { claims: [claim([request('r', a, { count: Number.MAX_SAFE_INTEGER })])] },
      'exceeds the claim limit of 32',
    ],
  ])('%s', (_, given, expected) => {
    expect(run(given)).toContain(expected)
  })
})
