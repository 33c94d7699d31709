import { samples } from '../../../src/apiserver/testing/samples.ts'
import { createSigningRequest } from '../../../src/base/certificates.ts'
import type { ServedKind } from '../schemas.ts'
import type { Json } from '../side.ts'
import { someTime } from '../told.ts'
import { namespace } from './operations.ts'

const container = {
  ...{ name: 'c', image: 'i', command: ['a'], ports: [{ name: 'http', containerPort: 80 }] },
  env: [{ name: 'A', value: 'b' }],
  resources: { requests: { cpu: '100m' }, limits: { memory: '1Gi' } },
  volumeMounts: [{ name: 'v', mountPath: '/v' }],
}
const podSpec = {
  containers: [container],
  volumes: [{ name: 'v', emptyDir: {} }],
  tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoSchedule' }],
}
const template = { metadata: { labels: { app: 'a' } }, spec: podSpec }
const workload = { spec: { selector: { matchLabels: { app: 'a' } }, template } }
const subjects = [{ kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' }]
const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]
const path = { path: '/a', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } }

/** Richer than the least: elements of lists, so that they can be mutated where they stand. */
const rich: Record<string, Json> = {
  '/v1/pods': { spec: podSpec },
  '/v1/events': { involvedObject: { kind: 'Pod', name: 'p', namespace }, reason: 'R', type: 'Normal' },
  'events.k8s.io/v1/events': {
    ...{ eventTime: someTime.replace('Z', '.000000Z'), action: 'A', reason: 'R', type: 'Normal' },
    ...{ reportingController: 'a.example/c', reportingInstance: 'i', regarding: { kind: 'Pod', name: 'p', namespace } },
  },
  '/v1/services': { spec: { selector: { app: 'a' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] } },
  'apps/v1/deployments': workload,
  'apps/v1/daemonsets': workload,
  'batch/v1/jobs': {
    spec: {
      template: { ...template, spec: { ...podSpec, restartPolicy: 'Never' } },
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'FailJob', onExitCodes: { containerName: 'c', operator: 'In', values: [1] } },
        ],
      },
    },
  },
  'autoscaling/v2/horizontalpodautoscalers': {
    spec: {
      ...{ maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' } },
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
      ],
      behavior: { scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } },
    },
  },
  'networking.k8s.io/v1/ingresses': {
    spec: { rules: [{ host: 'a.example', http: { paths: [path] } }], tls: [{ hosts: ['a.example'], secretName: 's' }] },
  },
  'networking.k8s.io/v1/networkpolicies': {
    spec: {
      podSelector: { matchLabels: { app: 'a' } },
      ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }], ports: [{ port: 80 }] }],
      egress: [{ to: [{ podSelector: {} }] }],
    },
  },
  'rbac.authorization.k8s.io/v1/roles': { rules },
  'rbac.authorization.k8s.io/v1/clusterroles': { rules },
  'rbac.authorization.k8s.io/v1/rolebindings': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects,
  },
  'flowcontrol.apiserver.k8s.io/v1/flowschemas': {
    spec: {
      ...{ matchingPrecedence: 9000, priorityLevelConfiguration: { name: 'global-default' } },
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: 'u' } }],
          resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['a'] }],
        },
      ],
    },
  },
  'discovery.k8s.io/v1/endpointslices': {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
    ports: [{ name: 'http', port: 80 }],
  },
  'apiregistration.k8s.io/v1/apiservices': {
    metadata: { name: 'v1.a.example' },
    spec: { group: 'a.example', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 15 },
  },
  'apiextensions.k8s.io/v1/customresourcedefinitions': {
    metadata: { name: 'things.b.example' },
    spec: {
      ...{ group: 'b.example', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' } },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  },
}

/** Valid objects, by the names of kinds. */
export async function baseBodies(): Promise<(kind: ServedKind) => { body: Json; status: Json } | undefined> {
  const known = samples((await createSigningRequest({ commonName: 'compare' })).request)
  return kind => {
    const { name, group, version, namespaced, plural } = kind
    const sample = known[name]
    const body = rich[name] ?? sample?.body
    if (!body) return undefined
    const metadata = {
      name: plural === 'nodes' ? 'node-1' : 'base',
      ...(namespaced ? { namespace } : {}),
      ...body.metadata,
    }
    const apiVersion = group ? `${group}/${version}` : version
    return { body: { apiVersion, kind: kind.kind, ...body, metadata }, status: sample?.status }
  }
}
