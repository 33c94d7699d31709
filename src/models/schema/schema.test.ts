import { describe, expect, test } from 'vitest'
import { ApiError } from '../api-error.ts'
import { allTypes, applySchemaDefaults, decode, validateStructure } from './index.ts'

const pod = { group: '', version: 'v1', kind: 'Pod', schema: 'core/v1.Pod' }
const deployment = { group: 'apps', version: 'v1', kind: 'Deployment', schema: 'apps/v1.Deployment' }
const configMap = { group: '', version: 'v1', kind: 'ConfigMap', schema: 'core/v1.ConfigMap' }
const workload = { group: 'optiflow.dev', version: 'v1', kind: 'Workload', schema: 'optiflow/v1.Workload' }

function refusal(body: unknown, kind = pod): string {
  try {
    decode(kind, body, { fieldValidation: 'Strict' })
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError)
    expect((error as ApiError).code).toBe(400)
    return (error as Error).message
  }
  throw new Error('not refused')
}

describe('decode', () => {
  test('every type in the schema files resolves', () => {
    let fields = 0
    for (const type of allTypes()) fields += type.fields.size
    expect(fields).toBeGreaterThan(2500)
  })

  test('a pod comes out as the API answers it: what is empty is dropped or filled as on the wire', () => {
    const { object, warnings } = decode(pod, {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'a', creationTimestamp: null, labels: {}, annotations: { x: null } },
      spec: {
        hostNetwork: false,
        priority: 0,
        nodeName: '',
        containers: [
          {
            name: 'c',
            args: [],
            resources: { requests: { cpu: '1000m', memory: 1024 } },
            ports: [{ containerPort: 80 }],
          },
          { image: 'x' },
        ],
        volumes: [{ name: 'v', emptyDir: {} }],
      },
    })
    expect(warnings).toEqual([])
    expect(object).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', creationTimestamp: null, annotations: { x: '' } },
      spec: {
        priority: 0,
        containers: [
          { name: 'c', resources: { requests: { cpu: '1', memory: '1024' } }, ports: [{ containerPort: 80 }] },
          { name: '', image: 'x', resources: {} },
        ],
        volumes: [{ name: 'v', emptyDir: {} }],
      },
      status: {},
    })
    applySchemaDefaults(pod.schema, object)
    expect(object['spec'].containers[0].ports).toEqual([{ containerPort: 80, protocol: 'TCP' }])
  })

  test('a time that is unset is null where Kubernetes writes it always, and absent where it is a pointer', () => {
    const { object } = decode(pod, {
      metadata: { name: 'a', creationTimestamp: '2026-01-01T00:00:00Z' },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    })
    expect(object.metadata).toEqual({ name: 'a', creationTimestamp: '2026-01-01T00:00:00Z' })
    expect(object['status']).toEqual({
      conditions: [{ type: 'Ready', status: 'True', lastProbeTime: null, lastTransitionTime: null }],
    })
  })

  test('decoding what was decoded changes nothing', () => {
    const once = decode(deployment, { metadata: { name: 'd' }, spec: { replicas: 0, template: {} } }).object
    expect(decode(deployment, structuredClone(once)).object).toEqual(once)
    expect(once).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', creationTimestamp: null },
      spec: {
        replicas: 0,
        strategy: {},
        template: { metadata: { creationTimestamp: null }, spec: { containers: [] } },
      },
      status: {},
    })
  })

  test('unknown fields are dropped, and told unless ignored', () => {
    const body = {
      metadata: { name: 'a', foo: 1 },
      spec: { containers: [{ name: 'c', bar: { baz: 1 } }], constructor: 1, toString: 2 },
    }
    const expected = [
      'unknown field "metadata.foo"',
      'unknown field "spec.containers[0].bar"',
      'unknown field "spec.constructor"',
      'unknown field "spec.toString"',
    ]
    const { object, warnings } = decode(pod, body)
    expect(warnings).toEqual(expected)
    expect(Object.keys(object['spec'])).toEqual(['containers'])
    expect(decode(pod, body, { fieldValidation: 'Ignore' }).warnings).toEqual([])
    expect(refusal(body)).toBe(
      `Pod in version "v1" cannot be handled as a Pod: strict decoding error: ${expected.join(', ')}`,
    )
  })

  test('unknown fields are told before those that were there twice', () => {
    const body = { metadata: {}, spec: { odd: 1 } }
    const { warnings } = decode(pod, body, { duplicates: ['duplicate field "spec.nodeName"'] })
    expect(warnings).toEqual(['unknown field "spec.odd"', 'duplicate field "spec.nodeName"'])
  })

  test.each([
    [[], 'json: cannot unmarshal array into Go value of type v1.Pod'],
    ['x', 'json: cannot unmarshal string into Go value of type v1.Pod'],
    [{ spec: 1 }, 'json: cannot unmarshal number into Go struct field Pod.spec of type v1.PodSpec'],
    [
      { spec: { containers: [{ ports: [{ containerPort: 'x' }] }] } },
      'json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    ],
    [
      { spec: { containers: [{ ports: [{ containerPort: 99999999999 }] }] } },
      'json: cannot unmarshal number 99999999999 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    ],
    [
      { spec: { containers: {} } },
      'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    [
      { metadata: { labels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      { spec: { hostNetwork: 'yes' } },
      'json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool',
    ],
    [
      { spec: { containers: [{ resources: { limits: { cpu: 'x' } } }] } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [{ metadata: { deletionTimestamp: 'yesterday' } }, 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00"'],
    [{ metadata: { deletionTimestamp: '2020-02-31T00:00:00Z' } }, 'parsing time'],
    [{ kind: 'Node' }, 'the kind in the data (Node) does not match the expected kind (Pod)'],
    [{ apiVersion: 'v2' }, 'the API version in the data (v2) does not match the expected API version (v1)'],
  ])('%j is a bad request', (body, message) => {
    expect(refusal(body)).toContain(message)
  })

  test('times are answered in UTC, with whole seconds', () => {
    const { object } = decode(pod, { metadata: { deletionTimestamp: '2020-02-29T01:00:00.999+02:00' } })
    expect(object.metadata.deletionTimestamp).toBe('2020-02-28T23:00:00Z')
  })

  test('int64 beyond 2^53 is exact', () => {
    const decoded = (value: unknown) =>
      decode(pod, { spec: { terminationGracePeriodSeconds: value } }).object['spec'].terminationGracePeriodSeconds
    for (const value of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]) expect(decoded(value)).toBe(value)
    expect(decoded(7n)).toBe(7)
    // A parser of doubles has rounded it up to 2^63 already.
    expect(decoded(JSON.parse('9223372036854775807'))).toBe(2n ** 63n - 1n)
    expect(refusal({ spec: { terminationGracePeriodSeconds: 9223372036854775808n } })).toContain('of type int64')
  })

  test('__proto__ is an ordinary key of a map and an unknown field elsewhere', () => {
    const body = JSON.parse(
      '{"data":{"__proto__":"x","constructor":"y"},"__proto__":{"polluted":1},"metadata":{"name":"a"}}',
    )
    const { object, warnings } = decode(configMap, body)
    expect(JSON.stringify(object['data'])).toBe('{"__proto__":"x","constructor":"y"}')
    expect(Object.getPrototypeOf(object['data'])).toBe(Object.prototype)
    expect(warnings).toEqual(['unknown field "__proto__"'])
    expect(({} as any).polluted).toBeUndefined()
    expect((object as any).polluted).toBeUndefined()
  })

  test('bytes must be base64', () => {
    expect(decode(configMap, { binaryData: { a: 'aGk=', b: 'aG\nk=' } }).object['binaryData']).toEqual({
      a: 'aGk=',
      b: 'aGk=',
    })
    expect(refusal({ binaryData: { a: 'a' } }, configMap)).toContain('illegal base64 data at input byte 0')
    expect(refusal({ binaryData: { a: 'aG!=' } }, configMap)).toContain('illegal base64 data at input byte 2')
  })

  test('CustomResourceDefinition schemas take their three double forms', () => {
    const crd = {
      group: 'apiextensions.k8s.io',
      version: 'v1',
      kind: 'CustomResourceDefinition',
      schema: 'apiextensions/v1.CustomResourceDefinition',
    }
    const schema = {
      type: 'object',
      properties: {
        a: { type: 'array', items: { type: 'string' } },
        b: { additionalProperties: true },
        c: { additionalProperties: { type: 'string' } },
      },
      dependencies: { a: ['b'], b: { required: ['c'] } },
      default: { x: null },
      'x-kubernetes-preserve-unknown-fields': true,
    }
    const { object, warnings } = decode(crd, {
      spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: schema } }] },
    })
    expect(warnings).toEqual([])
    expect(object['spec'].versions[0].schema.openAPIV3Schema).toEqual(schema)
  })

  test('an object of unknown type keeps all it has, with typed metadata', () => {
    const open = { group: 'x.io', version: 'v1', kind: 'Thing', schema: '' }
    const { object, warnings } = decode(open, { metadata: { name: 'a', extra: 1 }, spec: { a: [null, 0, ''] } })
    expect(object).toEqual({
      apiVersion: 'x.io/v1',
      kind: 'Thing',
      metadata: { name: 'a', creationTimestamp: null },
      spec: { a: [null, 0, ''] },
    })
    expect(warnings).toEqual(['unknown field "metadata.extra"'])
  })
})

test.each([
  [
    { metadata: { uid: [] } },
    'json: cannot unmarshal array into Go struct field ObjectMeta.metadata.uid of type types.UID',
  ],
  [
    { spec: { containers: [{ imagePullPolicy: 5 }] } },
    'json: cannot unmarshal number into Go struct field Container.spec.containers.imagePullPolicy of type v1.PullPolicy',
  ],
  [
    { spec: { containers: [{ ports: [{ protocol: {} }] }] } },
    'json: cannot unmarshal object into Go struct field ContainerPort.spec.containers.ports.protocol of type v1.Protocol',
  ],
  [
    { spec: { containers: [{ image: 5 }] } },
    'json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string',
  ],
])('texts of a type of their own are named by it: %j', (body, message) => {
  expect(refusal(body)).toContain(message)
})

describe('lists that are null when they are empty', () => {
  const kinds: [schema: string, rest: object, path: string][] = [
    ['rbac/v1.Role', {}, 'rules'],
    ['rbac/v1.ClusterRole', {}, 'rules'],
    ['discovery/v1.EndpointSlice', {}, 'endpoints'],
    ['discovery/v1.EndpointSlice', {}, 'ports'],
    ['core/v1.LimitRange', {}, 'spec.limits'],
    ['storage/v1.CSINode', {}, 'spec.drivers'],
    ['storage/v1.CSINode', { spec: { drivers: [{ name: 'a' }] } }, 'spec.drivers.0.topologyKeys'],
    ['core/v1.Pod', { spec: { volumes: [{ name: 'v', projected: {} }] } }, 'spec.volumes.0.projected.sources'],
    ['autoscaling/v2.HorizontalPodAutoscaler', {}, 'status.currentMetrics'],
    ['batch/v1.Job', { spec: { podFailurePolicy: {} } }, 'spec.podFailurePolicy.rules'],
    [
      'flowcontrol/v1.FlowSchema',
      { spec: { rules: [{ resourceRules: [{}] }] } },
      'spec.rules.0.resourceRules.0.namespaces',
    ],
  ]
  const at = (object: any, path: string) => path.split('.').reduce((value, step) => value?.[step], object)

  for (const [schema, rest, path] of kinds)
    test(`${schema}: ${path}`, () => {
      const kind = { group: '', version: 'v1', kind: 'X', schema }
      for (const given of [undefined, null, []]) {
        const body: any = structuredClone({ spec: {}, status: {}, ...rest })
        const steps = path.split('.')
        const parent = at(body, steps.slice(0, -1).join('.')) ?? body
        if (given !== undefined) parent[steps.at(-1)!] = given
        const { object } = decode(kind, body)
        expect(at(object, path)).toBe(null)
        expect(() => validateStructure(schema, object)).not.toThrow()
        expect(() => applySchemaDefaults(schema, object)).not.toThrow()
        expect(decode(kind, object).object).toEqual(object)
      }
    })
})

describe('validateStructure', () => {
  test('values outside an enumeration are refused, but not of the core group, whose kinds do that in their own order', () => {
    const object = { spec: { restartPolicy: 'Sometimes', containers: [{ imagePullPolicy: 'x' }] } }
    expect(validateStructure(pod.schema, object)).toEqual([])
    const webhooks = { webhooks: [{ failurePolicy: 'Fail' }, { failurePolicy: 'x' }] }
    expect(validateStructure('admissionregistration/v1.ValidatingWebhookConfiguration', webhooks)).toEqual([
      {
        field: 'webhooks[1].failurePolicy',
        reason: 'FieldValueNotSupported',
        message: 'Unsupported value: "x": supported values: "Fail", "Ignore"',
      },
    ])
  })

  test('our own kinds refuse missing required fields', () => {
    const { object } = decode(workload, { metadata: { name: 'w' }, spec: {} })
    expect(validateStructure(workload.schema, object)).toEqual([
      { field: 'spec.image', reason: 'FieldValueRequired', message: 'Required value' },
    ])
  })
})
