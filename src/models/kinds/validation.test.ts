import { describe, expect, test } from 'vitest'
import type { Kind } from '../kind.ts'
import * as all from './index.ts'
import { refusals, updateRefusals } from './testing.ts'

const template = (extra: object = {}, labels: object = { app: 'web' }) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'web', image: 'nginx' }], ...extra },
})
const controller = { selector: { matchLabels: { app: 'web' } }, template: template() }
const jobTemplate = template({ restartPolicy: 'Never' })
const webhook = {
  name: 'pods.policy.example.com',
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  clientConfig: { url: 'https://example.com/admit' },
  rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
}
const roleRef = { kind: 'ClusterRole', name: 'view' }
const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
const volume = { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/data' } }
const path = { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }
const hpa = { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'web' } }
const event = { involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'Started' }

const nameless = `reportingComponent: Invalid value: "": name part must`
/** What an event with an eventTime lacks besides. */
const newerEvent = [
  'reportingComponent: Required value',
  `${nameless} be non-empty`,
  `${nameless} consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
  'reportingInstance: Required value',
  'action: Required value',
]

/** One good object of each kind; the refusals below each spoil one thing. */
const good = {
  Pod: { spec: template().spec },
  Node: { spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'], taints: [{ key: 'a', effect: 'NoSchedule' }] } },
  Namespace: {},
  Service: { spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } },
  ConfigMap: { data: { key: 'value' }, binaryData: { other: 'AAE=' } },
  Secret: { stringData: { key: 'value' } },
  Event: event,
  Endpoints: { subsets: [{ addresses: [{ ip: '10.1.1.1' }], ports: [{ port: 80 }] }] },
  LimitRange: { spec: { limits: [{ type: 'Container', default: { cpu: '1' }, min: { cpu: '100m' } }] } },
  ResourceQuota: { spec: { hard: { pods: '10', 'requests.cpu': '4' } } },
  PersistentVolume: { spec: volume },
  PersistentVolumeClaim: { spec: claim },
  ReplicationController: { spec: { template: template() } },
  Deployment: { spec: controller },
  ReplicaSet: { spec: controller },
  StatefulSet: {
    spec: {
      ...controller,
      serviceName: 'web',
      template: template({
        containers: [{ name: 'web', image: 'nginx', volumeMounts: [{ name: 'd', mountPath: '/d' }] }],
      }),
      volumeClaimTemplates: [{ metadata: { name: 'd' }, spec: claim }],
    },
  },
  DaemonSet: { spec: controller },
  Job: { spec: { template: jobTemplate } },
  CronJob: {
    spec: {
      schedule: '*/5 0-6,12 1 jan-mar MON',
      timeZone: 'Europe/Berlin',
      jobTemplate: { spec: { template: jobTemplate } },
    },
  },
  HorizontalPodAutoscaler: { spec: { ...hpa, behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } } },
  Ingress: { spec: { rules: [{ host: '*.example.com', http: { paths: [path] } }] } },
  IngressClass: { spec: { controller: 'example.com/ingress' } },
  NetworkPolicy: {
    spec: {
      podSelector: {},
      ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 80, endPort: 90 }] }],
    },
  },
  PodDisruptionBudget: { spec: { minAvailable: '50%', selector: { matchLabels: { app: 'web' } } } },
  Role: { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
  ClusterRole: { rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] },
  RoleBinding: {
    roleRef,
    subjects: [
      { kind: 'User', name: 'jane' },
      { kind: 'ServiceAccount', name: 'default' },
    ],
  },
  ClusterRoleBinding: { roleRef, subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }] },
  StorageClass: { provisioner: 'example.com/disk' },
  PriorityClass: { value: 1000 },
  RuntimeClass: { handler: 'kata' },
  Lease: { spec: { holderIdentity: 'a', leaseDurationSeconds: 15 } },
  EndpointSlice: { addressType: 'IPv4', endpoints: [{ addresses: ['10.1.1.1'] }], ports: [{ port: 80 }] },
  CertificateSigningRequest: {
    spec: { request: 'AAAA', usages: ['client auth'], signerName: 'kubernetes.io/kube-apiserver-client' },
  },
  MutatingWebhookConfiguration: { webhooks: [webhook] },
  ValidatingWebhookConfiguration: { webhooks: [webhook] },
  Workload: {
    spec: {
      image: 'nginx',
      ports: [{ port: 80, targetPort: 8080 }],
      healthCheck: { http: { path: '/ready' } },
      expose: { type: 'NodePort', nodePort: 30080 },
      volumes: [{ name: 'data', mountPath: '/data', emptyDir: {} }],
    },
  },
} satisfies Partial<Record<keyof typeof all, object>>
type Name = keyof typeof good
const kinds: Record<Name, Kind<any>> = { ...all }

test.each(Object.keys(good) as Name[])('a good %s is accepted, and so is an update that changes nothing', name => {
  expect(refusals(kinds[name], good[name])).toEqual([])
  expect(updateRefusals(kinds[name], good[name], () => {})).toEqual([])
})

/** A copy with the values at dotted paths replaced; undefined removes. */
function spoiled(name: Name, changes: Record<string, unknown>): object {
  const object: any = structuredClone(good[name])
  for (const [dotted, value] of Object.entries(changes)) {
    const keys = dotted.split('.')
    const last = keys.pop()!
    const parent = keys.reduce((at, key) => (at[key] ??= {}), object)
    if (value === undefined) delete parent[last]
    else parent[last] = value
  }
  return object
}

describe('a create is refused', () => {
  test.each<[Name, Record<string, unknown>, string[]]>([
    ['Service', { 'spec.ports': undefined }, ['spec.ports: Required value']],
    [
      'Service',
      { 'spec.ports': [{ port: 0 }] },
      [
        'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
        'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
      ],
    ],
    ['Service', { 'spec.ports': [{ port: 80 }, { port: 81, name: 'b' }] }, ['spec.ports[0].name: Required value']],
    [
      'Service',
      { 'spec.ports': [{ port: 80, nodePort: 30000 }] },
      ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ],
    [
      'Service',
      { 'spec.type': 'Nope' },
      [
        'spec.type: Unsupported value: "Nope": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
    ],
    ['Service', { 'spec.type': 'ExternalName' }, ['spec.externalName: Required value']],
    [
      'Service',
      { 'spec.type': 'NodePort', 'spec.clusterIP': 'None' },
      ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
    ],
    [
      'Node',
      { 'spec.taints': [{ key: 'a', effect: 'Nope' }] },
      [
        'metadata.taints[0].effect: Unsupported value: "Nope": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      ],
    ],
    [
      'ConfigMap',
      { data: { 'a b': '1' } },
      [
        "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      ],
    ],
    [
      'ConfigMap',
      { data: { other: '1' } },
      ['data[other]: Invalid value: "other": duplicate of key present in binaryData'],
    ],
    [
      'ConfigMap',
      { data: { key: 'x'.repeat(1024 * 1024 + 1) } },
      ['data: Too long: may not be more than 1048576 bytes'],
    ],
    ['Secret', { type: 'kubernetes.io/tls' }, ['data[tls.crt]: Required value', 'data[tls.key]: Required value']],
    [
      'Secret',
      { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'c2VjcmV0' } },
      ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": must be JSON'],
    ],
    [
      'Event',
      { 'involvedObject.namespace': 'other' },
      ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
    ],
    [
      'Event',
      { 'involvedObject.namespace': undefined, 'metadata.namespace': 'kube-system' },
      ['involvedObject.namespace: Invalid value: "": does not match event.namespace'],
    ],
    ['Event', { eventTime: '2026-01-01T00:00:00.000000Z', 'involvedObject.namespace': 'other' }, newerEvent],
    ['Event', { eventTime: '2026-01-01T00:00:00.000000Z' }, newerEvent],
    [
      'Deployment',
      { 'spec.selector': undefined },
      [
        'spec.selector: Required value',
        'spec.template.metadata.labels: Invalid value: map[string]string{"app":"web"}: `selector` does not match template `labels`',
      ],
    ],
    [
      'Deployment',
      { 'spec.selector': {} },
      [
        'spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: empty selector is invalid for deployment',
      ],
    ],
    [
      'Deployment',
      { 'spec.template.metadata.labels': { app: 'api' } },
      [
        'spec.template.metadata.labels: Invalid value: map[string]string{"app":"api"}: `selector` does not match template `labels`',
      ],
    ],
    ['Deployment', { 'spec.replicas': -1 }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    [
      'Deployment',
      { 'spec.template.spec.restartPolicy': 'Never' },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      'Deployment',
      { 'spec.strategy': { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } },
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      'Deployment',
      { 'spec.strategy': { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } },
      [
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: intstr.IntOrString{Type:1, IntVal:0, StrVal:"0%"}: may not be 0 when `maxSurge` is 0',
      ],
    ],
    [
      'Deployment',
      { 'spec.template.spec.containers': [{ name: 'web' }] },
      ['spec.template.spec.containers[0].image: Required value'],
    ],
    [
      'Job',
      { 'spec.template.spec.restartPolicy': undefined },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      'Job',
      { 'spec.completionMode': 'Indexed', 'spec.parallelism': 2 },
      ['spec.completions: Required value: when completion mode is Indexed'],
    ],
    [
      'CronJob',
      { 'spec.schedule': '* * * *' },
      ['spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]'],
    ],
    [
      'CronJob',
      { 'spec.schedule': '99 * * * *' },
      ['spec.schedule: Invalid value: "99 * * * *": end of range (99) above maximum (59): 99'],
    ],
    [
      'CronJob',
      { 'spec.timeZone': 'Mars/Olympus' },
      ['spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus'],
    ],
    [
      'HorizontalPodAutoscaler',
      { 'spec.minReplicas': 5 },
      ['spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`'],
    ],
    [
      'Ingress',
      { 'spec.rules': undefined },
      ['spec: Invalid value: []networking.IngressRule(nil): either `defaultBackend` or `rules` must be specified'],
    ],
    [
      'Ingress',
      { 'spec.rules': [{ http: { paths: [{ ...path, pathType: undefined }] } }] },
      ['spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified'],
    ],
    [
      'NetworkPolicy',
      { 'spec.ingress': [{ from: [{ ipBlock: { cidr: '10.0.0.0' } }] }] },
      [
        'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      ],
    ],
    [
      'NetworkPolicy',
      { 'spec.policyTypes': ['Nope'] },
      ['spec.policyTypes[0]: Unsupported value: "Nope": supported values: "Ingress", "Egress"'],
    ],
    [
      'PodDisruptionBudget',
      { 'spec.minAvailable': '150%' },
      [
        'spec.minAvailable: Invalid value: intstr.IntOrString{Type:1, IntVal:0, StrVal:"150%"}: must not be greater than 100%',
      ],
    ],
    [
      'Role',
      { rules: [{ verbs: [], apiGroups: [''], resources: ['pods'] }] },
      ['rules[0].verbs: Required value: verbs must contain at least one value'],
    ],
    [
      'RoleBinding',
      { 'roleRef.kind': 'Nope' },
      ['roleRef.kind: Unsupported value: "Nope": supported values: "Role", "ClusterRole"'],
    ],
    ['PersistentVolume', { 'spec.hostPath': undefined }, ['spec: Required value: must specify a volume type']],
    [
      'PersistentVolumeClaim',
      { 'spec.accessModes': [] },
      ['spec.accessModes: Required value: at least 1 access mode is required'],
    ],
    ['PersistentVolumeClaim', { 'spec.resources': {} }, ['spec.resources[storage]: Required value']],
    [
      'PriorityClass',
      { value: 2_000_000_000 },
      ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ],
    [
      'Lease',
      { 'spec.leaseDurationSeconds': 0 },
      ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
    ],
    [
      'EndpointSlice',
      { endpoints: [{ addresses: ['127.0.0.1'] }] },
      [
        'endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
    ],
    [
      'ValidatingWebhookConfiguration',
      { webhooks: [{ ...webhook, timeoutSeconds: 31 }] },
      ['webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds'],
    ],
    ['Workload', { 'spec.image': undefined }, ['spec.image: Required value']],
    [
      'Workload',
      { 'spec.ports': undefined },
      [
        'spec.ports: Required value: spec.expose needs a port to expose',
        'spec.healthCheck.http.port: Required value: the workload has no ports to take it from',
      ],
    ],
    ['Workload', { 'spec.ports': [{}] }, ['spec.ports[0].port: Required value']],
    [
      'Workload',
      { 'spec.healthCheck': { tcp: {}, exec: { command: ['true'] } } },
      ['spec.healthCheck.exec: Forbidden: may not specify more than one of http, tcp and exec'],
    ],
    [
      'Workload',
      { 'spec.expose.type': 'ClusterIP' },
      ["spec.expose.nodePort: Forbidden: may only be used when `type` is 'NodePort'"],
    ],
    [
      'Workload',
      { 'spec.resources': { limits: { cpu: '1' }, requests: { cpu: '2' } } },
      ['spec.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ],
  ])('%s (case %#)', (name, changes, expected) => {
    expect(refusals(kinds[name], spoiled(name, changes))).toEqual(expected)
  })
})

describe('an update is refused', () => {
  const fixed = 'field is immutable when `immutable` is set'
  test.each<[Name, string, object, (o: any) => void, string[]]>([
    [
      'Deployment',
      'another selector',
      {},
      o => {
        o.spec.selector.matchLabels = { a: 'b' }
        o.spec.template.metadata.labels = { a: 'b' }
      },
      [
        'spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"a":"b"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable',
      ],
    ],
    [
      'StatefulSet',
      'another service',
      {},
      o => {
        o.spec.serviceName = 'other'
      },
      [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ],
    ],
    [
      'ConfigMap',
      'what is immutable',
      { immutable: true },
      o => {
        o.data.key = '2'
      },
      [`data: Forbidden: ${fixed}`],
    ],
    [
      'Secret',
      'what is immutable',
      { immutable: true },
      o => {
        o.immutable = false
      },
      [`immutable: Forbidden: ${fixed}`],
    ],
    [
      'Secret',
      'another type',
      {},
      o => {
        o.type = 'example.com/x'
      },
      ['type: Invalid value: "example.com/x": field is immutable'],
    ],
    [
      'Job',
      'another image',
      {},
      o => {
        o.spec.template.spec.containers[0].image = 'x'
      },
      [expect.stringMatching(/^spec\.template: Invalid value: .*: field is immutable$/) as any],
    ],
    [
      'RoleBinding',
      'another role',
      {},
      o => {
        o.roleRef.name = 'edit'
      },
      [expect.stringMatching(/^roleRef: Invalid value: .*: cannot change roleRef$/) as any],
    ],
    [
      'Node',
      'another range',
      {},
      o => {
        o.spec.podCIDR = '10.2.0.0/24'
      },
      ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
    ],
    [
      'PersistentVolumeClaim',
      'another mode',
      {},
      o => {
        o.spec.accessModes = ['ReadWriteMany']
      },
      [
        'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      ],
    ],
    [
      'PersistentVolumeClaim',
      'no mode, which is found twice',
      {},
      o => {
        o.spec.accessModes = []
      },
      [
        'spec.accessModes: Required value: at least 1 access mode is required',
        'spec.accessModes: Required value: at least 1 access mode is required',
        'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      ],
    ],
    [
      'StorageClass',
      'another provisioner',
      {},
      o => {
        o.provisioner = 'x'
      },
      ['provisioner: Forbidden: updates to provisioner are forbidden.'],
    ],
    [
      'EndpointSlice',
      'another family',
      {},
      o => {
        o.addressType = 'IPv6'
        o.endpoints = []
      },
      ['addressType: Invalid value: "IPv6": field is immutable'],
    ],
  ])('%s: %s', (name, _, extra, change, expected) => {
    expect(updateRefusals(kinds[name], { ...good[name], ...extra }, change)).toEqual(expected)
  })

  test('Service: another cluster IP', () => {
    const body = { spec: { ...good.Service.spec, clusterIP: '10.96.0.1' } }
    const errors = updateRefusals(all.Service, body, o => {
      o.spec.clusterIP = '10.96.0.2'
    })
    expect(errors).toEqual(['spec.clusterIPs[0]: Invalid value: []string{"10.96.0.2"}: may not change once set'])
  })
})
