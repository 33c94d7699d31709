import { expect, test } from 'vitest'
import { typeNamed } from '../schema/types.ts'
import { fieldsOfCreated } from './created-fields.ts'
import { compareFields } from './typed-fields.ts'

const none = { own: new Set<string>(), metadata: new Set<string>() }
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web',
    labels: { b: '2', a: '1' },
    annotations: {},
    finalizers: ['x/y', 'a/b'],
    ownerReferences: [{ uid: 'u', name: 'o', kind: 'K', apiVersion: 'v1' }],
  },
  spec: {
    containers: [
      {
        name: 'z',
        image: 'i',
        ports: [
          { containerPort: 80, protocol: 'TCP' },
          { containerPort: 53, protocol: 'UDP' },
        ],
        resources: {},
        env: [{ name: 'E', value: '' }],
        args: ['a'],
      },
      { name: 'a', image: 'i', resources: { limits: { cpu: '1' } }, securityContext: {} },
    ],
    nodeSelector: { disk: 'ssd' },
    volumes: [
      { name: 'v', emptyDir: {} },
      { name: 'n', emptyDir: null },
    ],
    tolerations: [{ key: 'k', operator: 'Exists' }],
    securityContext: {},
    hostNetwork: false,
  },
  status: { phase: 'Pending' },
}

test.each<[string, string, object]>([
  ['a pod', 'core/v1.Pod', pod],
  ['a config map', 'core/v1.ConfigMap', { metadata: { name: 'c' }, data: { k: 'v', j: 'w' } }],
  [
    'a deployment',
    'apps/v1.Deployment',
    {
      metadata: {},
      spec: { replicas: 0, selector: { matchLabels: { a: 'b' } }, template: { metadata: {}, spec: pod.spec } },
    },
  ],
  ['an empty object', 'core/v1.Pod', { metadata: {}, spec: {} }],
  [
    'elements that are doubled',
    'core/v1.Pod',
    {
      metadata: {},
      spec: { containers: [{ name: 'c', env: [{ name: 'A' }, { name: 'B' }, { name: 'A' }, { name: 'A' }] }] },
    },
  ],
])('the creator of %s owns what a comparison with nothing says', (_title, schema, object) => {
  const type = typeNamed(schema)
  const slow = compareFields(type, { metadata: {} }, object).changed.toWire()
  expect(fieldsOfCreated(type, object, none)).toBe(JSON.stringify(slow))
})

test('who creates a part that need not be there owns the part itself, with a dot', () => {
  const container = {
    name: 'a',
    ports: [{ containerPort: 80, protocol: 'TCP' }],
    livenessProbe: { httpGet: { path: '/' } },
    resources: { limits: { cpu: '1' } },
  }
  const object = { metadata: { finalizers: ['a/b'] }, spec: { containers: [container] } }
  const port = '"k:{\\"containerPort\\":80,\\"protocol\\":\\"TCP\\"}":{".":{},"f:containerPort":{},"f:protocol":{}}'
  const owned =
    '"f:livenessProbe":{".":{},"f:httpGet":{".":{},"f:path":{}}},"f:name":{},' +
    `"f:ports":{".":{},${port}},"f:resources":{".":{},"f:limits":{".":{},"f:cpu":{}}}`
  expect(fieldsOfCreated(typeNamed('core/v1.Pod'), object, none)).toBe(
    '{"f:metadata":{"f:finalizers":{".":{},"v:\\"a/b\\"":{}}},' +
      `"f:spec":{"f:containers":{"k:{\\"name\\":\\"a\\"}":{".":{},${owned}}}}}`,
  )
})

test('who makes a part owns the part itself, but not what is there, if only empty, in an object that sets nothing', () => {
  const spec = {
    containers: [
      { name: 'c', image: 'i', resources: { limits: { cpu: '1' } }, livenessProbe: { exec: { command: ['a'] } } },
    ],
    volumes: [{ name: 'v', emptyDir: {} }],
  }
  const owned = JSON.parse(fieldsOfCreated(typeNamed('core/v1.Pod'), { metadata: {}, spec, status: {} }, none))
  expect(owned).toEqual({
    'f:spec': {
      'f:containers': {
        'k:{"name":"c"}': {
          '.': {},
          'f:image': {},
          'f:livenessProbe': { '.': {}, 'f:exec': { '.': {}, 'f:command': {} } },
          'f:name': {},
          'f:resources': { '.': {}, 'f:limits': { '.': {}, 'f:cpu': {} } },
        },
      },
      'f:volumes': { '.': {}, 'k:{"name":"v"}': { '.': {}, 'f:emptyDir': {}, 'f:name': {} } },
    },
  })
})
