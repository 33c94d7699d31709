import type { Json } from '../side.ts'
import type { Asking, Made } from './index.ts'

const at = (namespace: string) => `/api/v1/namespaces/${namespace}`
const space = (name: string): Made[] => [
  ['/api/v1/namespaces', { metadata: { name } }],
  [`${at(name)}/serviceaccounts`, { metadata: { name: 'default' } }],
]
const quota = (namespace: string, name: string, spec: Json): Made => [
  `${at(namespace)}/resourcequotas`,
  { metadata: { name }, spec },
]
const limits = (namespace: string, ...all: Json[]): Made => [
  `${at(namespace)}/limitranges`,
  { metadata: { name: 'l' }, spec: { limits: all } },
]

export const limitScene: readonly Made[] = [
  ...['counted', 'measured', 'scoped', 'limited', 'sized'].flatMap(space),
  quota('counted', 'q', {
    hard: {
      pods: '0',
      services: '0',
      'services.nodeports': '0',
      'services.loadbalancers': '0',
      secrets: '0',
      configmaps: '0',
      persistentvolumeclaims: '0',
      'count/deployments.apps': '0',
      'count/jobs.batch': '0',
      replicationcontrollers: '0',
      resourcequotas: '1',
    },
  }),
  quota('measured', 'q', {
    hard: {
      'requests.cpu': '1',
      'limits.memory': '1Gi',
      'requests.storage': '1Gi',
      'gold.storageclass.storage.k8s.io/requests.storage': '0',
      'requests.ephemeral-storage': '1Gi',
      'requests.example.com/gpu': '1',
    },
  }),
  quota('scoped', 'best', { hard: { pods: '0' }, scopes: ['BestEffort'] }),
  quota('scoped', 'ends', { hard: { pods: '0', 'limits.cpu': '1' }, scopes: ['Terminating'] }),
  quota('scoped', 'class', {
    hard: { pods: '0' },
    scopeSelector: {
      matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }],
    },
  }),
  limits(
    'limited',
    {
      type: 'Container',
      min: { cpu: '100m', memory: '10Mi' },
      max: { cpu: '1', memory: '1Gi' },
      default: { cpu: '500m', memory: '100Mi' },
      defaultRequest: { cpu: '200m' },
      maxLimitRequestRatio: { cpu: '4' },
    },
    { type: 'Pod', max: { cpu: '1500m' }, min: { memory: '20Mi' }, maxLimitRequestRatio: { memory: '2' } },
  ),
  limits(
    'sized',
    { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } },
    { type: 'Container', default: { 'ephemeral-storage': '1Gi' }, maxLimitRequestRatio: { cpu: '2' } },
  ),
]

const container = (resources?: Json, more: Json = {}) => ({
  name: 'c',
  image: 'i',
  ...(resources ? { resources } : {}),
  ...more,
})
const pods: Record<string, Json> = {
  bare: { containers: [container()] },
  small: { containers: [container({ requests: { cpu: '10m', memory: '1Mi' } })] },
  fitting: {
    containers: [container({ requests: { cpu: '500m', memory: '50Mi' }, limits: { cpu: '1', memory: '100Mi' } })],
  },
  large: {
    containers: [
      container({ requests: { cpu: '2', memory: '2Gi' }, limits: { cpu: '4', memory: '4Gi', 'example.com/gpu': '2' } }),
    ],
  },
  'half said': {
    containers: [container({ limits: { cpu: '300m' } }), container({ requests: { memory: '500Mi' } }, { name: 'd' })],
  },
  'ratio too high': {
    containers: [container({ requests: { cpu: '100m', memory: '50Mi' }, limits: { cpu: '900m', memory: '500Mi' } })],
  },
  'two together too large': {
    containers: [
      container({ requests: { cpu: '1' }, limits: { cpu: '1' } }),
      container({ requests: { cpu: '1' }, limits: { cpu: '1' } }, { name: 'd' }),
    ],
  },
  'with a first': {
    containers: [container({ requests: { cpu: '100m' } })],
    initContainers: [container({ requests: { cpu: '3' }, limits: { cpu: '3', memory: '2Gi' } }, { name: 'x' })],
  },
  ending: { containers: [container({ requests: { cpu: '100m' } })], activeDeadlineSeconds: 5 },
  critical: { containers: [container({ requests: { cpu: '100m' } })], priorityClassName: 'system-node-critical' },
  ephemeral: {
    containers: [container({ requests: { 'ephemeral-storage': '2Gi' }, limits: { 'ephemeral-storage': '3Gi' } })],
  },
}
const spaces = ['counted', 'measured', 'scoped', 'limited', 'sized']
const claim = (storage: string, storageClassName?: string) => ({
  metadata: { name: 'p' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage } },
    ...(storageClassName === undefined ? {} : { storageClassName }),
  },
})
const template = { metadata: { labels: { a: 'b' } }, spec: pods['bare'] }

export const limitQuestions: readonly Asking[] = spaces.flatMap((space): Asking[] => [
  ...Object.entries(pods).map(
    ([what, spec]): Asking => ({
      what: `pod ${what} in ${space}`,
      method: 'POST',
      path: `${at(space)}/pods?dryRun=All`,
      body: { metadata: { name: 'p' }, spec },
    }),
  ),
  ...['500Mi', '1Gi', '3Gi'].flatMap(size =>
    [undefined, 'gold', ''].map(
      (name): Asking => ({
        what: `claim of ${size} of ${name} in ${space}`,
        method: 'POST',
        path: `${at(space)}/persistentvolumeclaims?dryRun=All`,
        body: claim(size, name),
      }),
    ),
  ),
  ...['ClusterIP', 'NodePort', 'LoadBalancer'].map(
    (type): Asking => ({
      method: 'POST',
      path: `${at(space)}/services?dryRun=All`,
      body: { metadata: { name: 's' }, spec: { type, ports: [{ port: 80 }] } },
    }),
  ),
  { method: 'POST', path: `${at(space)}/configmaps?dryRun=All`, body: { metadata: { name: 'c' } } },
  { method: 'POST', path: `${at(space)}/secrets?dryRun=All`, body: { metadata: { name: 'c' } } },
  { method: 'POST', path: `${at(space)}/resourcequotas?dryRun=All`, body: { metadata: { name: 'c' } } },
  {
    method: 'POST',
    path: `/apis/apps/v1/namespaces/${space}/deployments?dryRun=All`,
    body: { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } },
  },
  {
    method: 'POST',
    path: `/apis/batch/v1/namespaces/${space}/jobs?dryRun=All`,
    body: { metadata: { name: 'd' }, spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } },
  },
])
