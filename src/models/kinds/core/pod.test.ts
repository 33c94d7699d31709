import { describe, expect, test } from 'vitest'
import { Pod, ReplicaSet } from '../index.ts'

const pod = (spec: object = {}, rest: object = {}): any => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web',
    namespace: 'default',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: { containers: [{ name: 'web', image: 'nginx:1.27' }], ...spec },
  ...rest,
})

const defaulted = (spec?: object, rest?: object) => {
  const p = pod(spec, rest)
  Pod.defaults!(p)
  return p
}

const problems = (spec?: object) => Pod.validate!(defaulted(spec)).map(e => `${e.field}: ${e.message}`)

test('a pod gets the defaults that Kubernetes gives it', () => {
  expect(defaulted().spec).toEqual({
    containers: [
      {
        name: 'web',
        image: 'nginx:1.27',
        imagePullPolicy: 'IfNotPresent',
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        resources: {},
      },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
  })
})

test('a negative grace period is one second in a pod, and left to its pods in a template', () => {
  expect(defaulted({ terminationGracePeriodSeconds: -1 }).spec.terminationGracePeriodSeconds).toBe(1)
  expect(defaulted({ terminationGracePeriodSeconds: 0 }).spec.terminationGracePeriodSeconds).toBe(0)
  const template = { ...pod({ terminationGracePeriodSeconds: -1 }), apiVersion: 'apps/v1', kind: 'ReplicaSet' }
  template.spec = { selector: {}, template: { spec: template.spec } }
  ReplicaSet.defaults!(template)
  expect(template.spec.template.spec.terminationGracePeriodSeconds).toBe(-1)
})

test('probes, ports, volumes and variables get theirs', () => {
  const { spec } = defaulted({
    serviceAccount: 'robot',
    hostNetwork: true,
    volumes: [
      { name: 'a' },
      { name: 'b', secret: { secretName: 's' } },
      { name: 'c', hostPath: { path: '/x' } },
      { name: 'd', image: { reference: 'x' } },
      { name: 'e', image: { reference: 'x:1' } },
    ],
    containers: [
      {
        name: 'web',
        image: 'x',
        ports: [{ containerPort: 80 }],
        readinessProbe: { httpGet: { port: 80 } },
        env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
        resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m' } },
      },
    ],
  })
  const [container] = spec.containers
  expect({ ...container, account: spec.serviceAccountName, volumes: spec.volumes }).toMatchObject({
    account: 'robot',
    imagePullPolicy: 'Always',
    ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
    readinessProbe: {
      httpGet: { port: 80, path: '/', scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    },
    env: [{ valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } }],
    resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '1Gi' } },
    volumes: [
      { name: 'a', emptyDir: {} },
      { name: 'b', secret: { secretName: 's', defaultMode: 420 } },
      { name: 'c', hostPath: { path: '/x', type: '' } },
      { name: 'd', image: { reference: 'x', pullPolicy: 'Always' } },
      { name: 'e', image: { reference: 'x:1', pullPolicy: 'IfNotPresent' } },
    ],
  })
})

test('defaulting twice changes nothing', () => {
  const once = defaulted({ hostNetwork: true, volumes: [{ name: 'a' }] })
  const twice = structuredClone(once)
  Pod.defaults!(twice)
  expect(twice).toEqual(once)
})

test('a plain pod is valid', () => {
  expect(problems()).toEqual([])
})

describe('refusals', () => {
  const container = { name: 'web', image: 'nginx' }
  test.each<[string, object, string[]]>([
    ['no containers', { containers: [] }, ['spec.containers: Required value']],
    ['no image', { containers: [{ name: 'web' }] }, ['spec.containers[0].image: Required value']],
    [
      'two containers of one name',
      { containers: [container, container] },
      ['spec.containers[1].name: Duplicate value: "web"'],
    ],
    [
      'a name in capitals',
      { containers: [{ ...container, name: 'Web' }] },
      [
        `spec.containers[0].name: Invalid value: "Web": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
      ],
    ],
    [
      'a mount of no volume',
      { containers: [{ ...container, volumeMounts: [{ name: 'data', mountPath: '/data' }] }] },
      ['spec.containers[0].volumeMounts[0].name: Not found: "data"'],
    ],
    [
      'a request above its limit',
      { containers: [{ ...container, resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }] },
      ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ],
    [
      'an extended resource without a limit',
      { containers: [{ ...container, resources: { requests: { 'example.com/gpu': '1' } } }] },
      ['spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources'],
    ],
    [
      'an unknown resource',
      { containers: [{ ...container, resources: { limits: { gpu: '1' } } }] },
      [
        'spec.containers[0].resources.limits[gpu]: Invalid value: gpu: must be a standard resource type or fully qualified',
        'spec.containers[0].resources.limits[gpu]: Invalid value: gpu: must be a standard resource for containers',
        'spec.containers[0].resources.requests[gpu]: Invalid value: gpu: must be a standard resource type or fully qualified',
        'spec.containers[0].resources.requests[gpu]: Invalid value: gpu: must be a standard resource for containers',
      ],
    ],
    [
      'a probe that asks nothing',
      { containers: [{ ...container, livenessProbe: {} }] },
      ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    ],
    [
      'a liveness probe that wants two successes',
      { containers: [{ ...container, livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }] },
      ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1'],
    ],
    [
      'a probe of an init container',
      { initContainers: [{ ...container, name: 'init', livenessProbe: { tcpSocket: { port: 1 } } }] },
      [
        'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
      ],
    ],
    [
      'two sources in one volume',
      { volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/' } }] },
      ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
    ],
    [
      'a part of an image as a volume',
      {
        volumes: [{ name: 'a', image: { reference: 'x:1' } }],
        containers: [
          {
            ...container,
            volumeMounts: [
              { name: 'a', mountPath: '/a', subPath: 'b' },
              { name: 'a', mountPath: '/b', subPathExpr: '$(B)' },
            ],
          },
        ],
      },
      [
        'spec.containers[0].volumeMounts[0].subPath: Invalid value: "b": not allowed in image volume sources',
        'spec.containers[0].volumeMounts[1].subPathExpr: Invalid value: "$(B)": not allowed in image volume sources',
      ],
    ],
    [
      'a toleration without key or Exists',
      { tolerations: [{ effect: 'NoSchedule' }] },
      [
        'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
    [
      'a malformed sysctl',
      { securityContext: { sysctls: [{ name: 'foo-', value: 'bar' }] } },
      [
        'spec.securityContext.sysctls[0].name: Invalid value: "foo-": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
      ],
    ],
    [
      'a reference to a field that is not there',
      { containers: [{ ...container, env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.foo' } } }] }] },
      [
        'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.foo": error converting fieldPath: field label not supported: spec.foo',
      ],
    ],
    [
      'dnsPolicy None without servers',
      { dnsPolicy: 'None', dnsConfig: {} },
      ['spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None'],
    ],
    [
      'the same host port twice',
      {
        containers: [
          {
            ...container,
            ports: [
              { containerPort: 1, hostPort: 9 },
              { containerPort: 2, hostPort: 9 },
            ],
          },
        ],
      },
      ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9"'],
    ],
  ])('%s', (_, spec, expected) => {
    expect(problems(spec)).toEqual(expected)
  })
})

describe('updates', () => {
  const change = (edit: (p: any) => void, spec?: object) => {
    const before = defaulted(spec)
    const after = structuredClone(before)
    edit(after)
    return Pod.validate!(after, before).map(e => `${e.field}: ${e.message}`)
  }

  test('an image may change, and tolerations may be added', () => {
    const errors = change(p => {
      p.spec.containers[0].image = 'nginx:2'
      p.spec.tolerations = [{ key: 'a', operator: 'Exists' }]
    })
    expect(errors).toEqual([])
  })

  test('a command may not, and the refusal says where', () => {
    const errors = change(p => {
      p.spec.containers[0].command = ['sh']
    })
    expect(errors).toEqual([expect.stringMatching(/^spec: Forbidden: pod updates may not change fields other than/)])
    expect(errors[0]).toMatch(/changed: spec\.containers\[0\]\.command$/)
  })

  test('tolerations may not be taken away', () => {
    const errors = change(p => delete p.spec.tolerations, { tolerations: [{ key: 'a', operator: 'Exists' }] })
    expect(errors).toEqual([
      'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
    ])
  })

  test('gates may be removed, not added', () => {
    expect(change(p => delete p.spec.schedulingGates, { schedulingGates: [{ name: 'a/b' }] })).toEqual([])
    expect(change(p => (p.spec.schedulingGates = [{ name: 'a/b' }]))).toEqual([
      "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'a/b'",
    ])
  })
})

describe('on create', () => {
  test('a pod is pending and of its QoS class', () => {
    const p = defaulted({ containers: [{ name: 'a', image: 'a', resources: { limits: { cpu: '1', memory: '1Gi' } } }] })
    Pod.prepareCreate!(p)
    expect(p.status).toEqual({ phase: 'Pending', qosClass: 'Guaranteed' })
  })

  test('a gated pod says so', () => {
    const p = defaulted({ schedulingGates: [{ name: 'a/b' }] })
    Pod.prepareCreate!(p)
    expect(p.status.conditions).toMatchObject([{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }])
  })
})

test('a pod on no node stops at once, and one on a node after its grace period', () => {
  expect(Pod.gracePeriodSeconds!(defaulted())).toBe(0)
  expect(Pod.gracePeriodSeconds!(defaulted({ nodeName: 'n' }))).toBe(30)
  expect(Pod.gracePeriodSeconds!(defaulted({ nodeName: 'n' }, { status: { phase: 'Failed' } }))).toBe(0)
})
