import { expect, test } from 'vitest'
import { DeviceClass } from './device-class.ts'
import { checkDeviceExpression } from './device-expression.ts'
import { judgeDeviceExpressionsBy } from './expression-judge.ts'
import { ResourceClaim } from './resource-claim.ts'
import { ResourceSlice } from './resource-slice.ts'

judgeDeviceExpressionsBy(checkDeviceExpression)

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const told = (errors: { field: string; message: string }[]) => errors.map(e => `${e.field}: ${e.message}`)

const request = { name: 'r1', deviceClassName: 'c', allocationMode: 'ExactCount', count: 1 }
const claim = (devices: object, status?: object): any => ({
  metadata: { name: 'c' },
  spec: { devices: { requests: [request], ...devices } },
  ...(status ? { status } : {}),
})

test.each<[object, string[]]>([
  [{}, []],
  [
    { requests: [{ ...request, name: 'R', allocationMode: undefined, selectors: [{}] }] },
    [
      `spec.devices.requests[0].name: Invalid value: "R": ${label}`,
      'spec.devices.requests[0].selectors[0].cel: Required value',
      'spec.devices.requests[0].allocationMode: Unsupported value: "": supported values: "All", "ExactCount"',
    ],
  ],
  [{ requests: [request, request] }, ['spec.devices.requests[1].name: Duplicate value: "r1"']],
  [
    { constraints: [{ requests: ['r2'], matchAttribute: 'model' }, {}] },
    [
      'spec.devices.constraints[0].requests[0]: Invalid value: "r2": must be the name of a request in the claim',
      'spec.devices.constraints[0].matchAttribute: Invalid value: "model": must include a domain',
      'spec.devices.constraints[1].matchAttribute: Required value',
    ],
  ],
  [
    { config: [{}, { opaque: { driver: 'x.io', parameters: 5 } }] },
    [
      'spec.devices.config[0].opaque: Required value',
      'spec.devices.config[1].opaque.parameters: Invalid value: "<value omitted>": parameters must be a valid JSON object',
    ],
  ],
])('a claim for %j is told: %j', (devices, expected) => {
  expect(told(ResourceClaim.validate!(claim(devices)))).toEqual(expected)
})

const result = { request: 'r1', driver: 'x.io', pool: 'p', device: 'd' }
const user = { resource: 'pods', name: 'p', uid: 'u' }
const allocated = (...results: object[]) => ({ devices: { results } })
test.each<[object, object | undefined, string[]]>([
  [{ allocation: allocated(result), reservedFor: [user] }, undefined, []],
  [{ allocation: allocated(result) }, { allocation: allocated(result) }, []],
  [{}, { allocation: allocated(result) }, []],
  [
    { reservedFor: [user, { ...user, name: '' }] },
    undefined,
    [
      'status.reservedFor[1].name: Required value',
      'status.reservedFor[1].uid: Duplicate value: "u"',
      'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
    ],
  ],
  [
    { allocation: allocated({ ...result, request: 'r2', pool: 'a/B' }) },
    undefined,
    [
      'status.allocation.devices.results[0].request: Invalid value: "r2": must be the name of a request in the claim',
      expect.stringContaining(
        'status.allocation.devices.results[0].pool: Invalid value: "B": a lowercase RFC 1123 subd',
      ),
    ],
  ],
  [
    { allocation: { devices: { config: [{ source: 'Elsewhere' }] } } },
    undefined,
    [
      'status.allocation.devices.config[0].source: Unsupported value: "Elsewhere": supported values: "FromClaim", "FromClass"',
      'status.allocation.devices.config[0].opaque: Required value',
    ],
  ],
  [
    { allocation: allocated({ ...result, device: 'e' }) },
    { allocation: allocated(result) },
    [expect.stringMatching(/^status\.allocation: Invalid value: .*: field is immutable$/)],
  ],
])('the status %j after %j is told: %j', (status, before, expected) => {
  expect(told(ResourceClaim.validatePart!('status', claim({}, status), claim({}, before)))).toEqual(expected)
})

const slice = (spec: object): any => ({
  metadata: { name: 's' },
  spec: { driver: 'x.io', nodeName: 'n', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, ...spec },
})
test.each<[object, string[]]>([
  [
    { devices: [{ name: 'd', basic: { attributes: { model: { string: 'a' } }, capacity: { 'y.io/memory': {} } } }] },
    [],
  ],
  [
    { pool: { name: '', generation: -1, resourceSliceCount: 0 } },
    [
      'spec.pool.name: Required value',
      'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
      'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero',
    ],
  ],
  [
    { nodeName: undefined },
    ['spec: Required value: exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required'],
  ],
  [
    { devices: [{ name: 'd', basic: {} }, { name: 'd' }, { name: 'D', basic: {} }] },
    [
      'spec.devices[1].basic: Required value',
      `spec.devices[2].name: Invalid value: "D": ${label}`,
      'spec.devices[1].name: Duplicate value: "d"',
    ],
  ],
  [
    { devices: [{ name: 'd', basic: { attributes: { model: {} } } }] },
    ['spec.devices[0].basic.attributes[model]: Required value: exactly one value must be specified'],
  ],
])('a slice with %j is told: %j', (spec, expected) => {
  expect(told(ResourceSlice.validate!(slice(spec)))).toEqual(expected)
})

test('a class has selectors of devices and parameters for a driver', () => {
  const spec = {
    selectors: [{ cel: { expression: 'true' } }, {}],
    config: [{}, { opaque: { driver: 'x_', parameters: {} } }],
  }
  expect(told(DeviceClass.validate!({ metadata: { name: 'c' }, spec } as any))).toEqual([
    'spec.selectors[1].cel: Required value',
    'spec.config[0].opaque: Required value',
    expect.stringContaining('spec.config[1].opaque.driver: Invalid value: "x_": a lowercase RFC 1123 subdomain'),
  ])
})

test('an attribute of a device has one value, a node selector one term, and how many devices are asked for a known way', () => {
  const slice = (spec: object): any => ({
    metadata: { name: 's' },
    spec: { driver: 'x.io', pool: { name: 'p', resourceSliceCount: 1, generation: 1 }, ...spec },
  })
  const device = (value: object) =>
    slice({ allNodes: true, devices: [{ name: 'd', basic: { attributes: { a: value } } }] })
  const at = 'spec.devices[0].basic.attributes[a]'
  const fields = (object: any) => ResourceSlice.validate!(object).map(e => e.field)
  expect(fields(device({ int: 1 }))).toEqual([])
  expect(fields(device({}))).toEqual([at])
  expect(fields(device({ int: 1, bool: false }))).toEqual([at])
  expect(fields(device({ version: '1.2' }))).toEqual([`${at}.version`])
  expect(fields(device({ string: 'x'.repeat(65) }))).toEqual([`${at}.string`])
  const term = { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] }
  const terms = 'spec.nodeSelector.nodeSelectorTerms'
  expect(fields(slice({ nodeSelector: { nodeSelectorTerms: [term, term] } }))).toEqual([terms])
  expect(fields(slice({ nodeSelector: { nodeSelectorTerms: [term] } }))).toEqual([])
  expect(told(ResourceClaim.validate!(claim({ requests: [{ ...request, allocationMode: 'x' }] })))).toEqual([
    'spec.devices.requests[0].allocationMode: Unsupported value: "x": supported values: "All", "ExactCount"',
  ])
  const unnamed = claim({ requests: [{ name: 'r' }] })
  ResourceClaim.defaults!(unnamed)
  expect(unnamed.spec.devices.requests).toEqual([{ name: 'r', allocationMode: 'ExactCount', count: 1 }])
})
