import { networkUsername } from '../../../models/network-account.ts'
import type { PolicyRule } from '../../../models/types/rbac-v1.ts'

/** A ClusterRole that every cluster has, and to whom it is bound. */
export interface DefaultRole {
  name: string
  rules: PolicyRule[]
  /** Gathers the roles with this label instead of having rules. */
  aggregates?: string
  /** Labels by which other roles gather this one. */
  labels?: Record<string, string>
  boundTo?: { kind: 'User' | 'Group'; name: string }[]
}

const read = ['get', 'list', 'watch']
const write = ['create', 'delete', 'deletecollection', 'patch', 'update']
const all = ['*']

const rule = (groups: string[], resources: string[], verbs: string[]): PolicyRule => ({
  apiGroups: groups,
  resources,
  verbs,
})
const urls = (nonResourceURLs: string[]): PolicyRule => ({ nonResourceURLs, verbs: ['get'] })
const group = (name: string) => ({ kind: 'Group' as const, name })
const user = (name: string) => ({ kind: 'User' as const, name })

const workloads = rule(
  ['apps'],
  [
    'daemonsets',
    'deployments',
    'deployments/scale',
    'replicasets',
    'replicasets/scale',
    'statefulsets',
    'statefulsets/scale',
  ],
  [],
)
/** What people who use a namespace see, and what they change. Secrets are only for those who may change. */
const seen: PolicyRule[] = [
  rule(
    [''],
    [
      'configmaps',
      'endpoints',
      'persistentvolumeclaims',
      'persistentvolumeclaims/status',
      'pods',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'serviceaccounts',
      'services',
      'services/status',
      'bindings',
      'events',
      'limitranges',
      'namespaces/status',
      'pods/log',
      'pods/status',
      'replicationcontrollers/status',
      'resourcequotas',
      'resourcequotas/status',
      'namespaces',
    ],
    read,
  ),
  rule(['discovery.k8s.io'], ['endpointslices'], read),
  rule(
    ['apps'],
    [
      ...workloads.resources!,
      'controllerrevisions',
      'daemonsets/status',
      'deployments/status',
      'replicasets/status',
      'statefulsets/status',
    ],
    read,
  ),
  rule(['autoscaling'], ['horizontalpodautoscalers', 'horizontalpodautoscalers/status'], read),
  rule(['batch'], ['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'], read),
  rule(['policy'], ['poddisruptionbudgets', 'poddisruptionbudgets/status'], read),
  rule(['networking.k8s.io'], ['ingresses', 'ingresses/status', 'networkpolicies'], read),
  rule(
    ['optiflow.dev'],
    [
      ...['catalog', 'pods/explanation', 'queues', 'recommendations', 'workloads', 'workloads/status'],
      ...['routepolicies', 'routepolicies/status', 'serviceregistrations', 'serviceregistrations/status'],
    ],
    read,
  ),
]
const changed: PolicyRule[] = [
  rule([''], ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'], read),
  rule([''], ['serviceaccounts'], ['impersonate']),
  rule([''], ['pods', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy'], write),
  rule([''], ['pods/eviction'], ['create']),
  rule(
    [''],
    [
      'configmaps',
      'events',
      'persistentvolumeclaims',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'secrets',
      'serviceaccounts',
      'services',
      'services/proxy',
    ],
    write,
  ),
  rule([''], ['serviceaccounts/token'], ['create']),
  rule(['apps'], [...workloads.resources!, 'deployments/rollback'], write),
  rule(['autoscaling'], ['horizontalpodautoscalers'], write),
  rule(['batch'], ['cronjobs', 'jobs'], write),
  rule(['policy'], ['poddisruptionbudgets'], write),
  rule(['networking.k8s.io'], ['ingresses', 'networkpolicies'], write),
  rule(['coordination.k8s.io'], ['leases'], [...read, ...write]),
  rule(['optiflow.dev'], ['routepolicies', 'serviceregistrations', 'workloads'], write),
]
const granted: PolicyRule[] = [
  rule(['authorization.k8s.io'], ['localsubjectaccessreviews'], ['create']),
  rule(['rbac.authorization.k8s.io'], ['rolebindings', 'roles'], [...read, ...write]),
]

const requests = 'system:certificates.k8s.io:certificatesigningrequests'
const aggregate = (to: string) => `rbac.authorization.k8s.io/aggregate-to-${to}`

/** Those of Kubernetes, as far as what they are about is served. */
export const defaultRoles: DefaultRole[] = [
  {
    name: 'cluster-admin',
    rules: [rule(all, all, all), { nonResourceURLs: all, verbs: all }],
    boundTo: [group('system:masters')],
  },
  { name: 'admin', rules: [], aggregates: aggregate('admin') },
  { name: 'edit', rules: [], aggregates: aggregate('edit'), labels: { [aggregate('admin')]: 'true' } },
  { name: 'view', rules: [], aggregates: aggregate('view'), labels: { [aggregate('edit')]: 'true' } },
  { name: 'system:aggregate-to-admin', rules: granted, labels: { [aggregate('admin')]: 'true' } },
  { name: 'system:aggregate-to-edit', rules: changed, labels: { [aggregate('edit')]: 'true' } },
  { name: 'system:aggregate-to-view', rules: seen, labels: { [aggregate('view')]: 'true' } },
  {
    name: 'system:aggregated-metrics-reader',
    rules: [rule(['metrics.k8s.io'], ['pods', 'nodes'], ['get', 'list', 'watch'])],
    labels: { [aggregate('admin')]: 'true', [aggregate('edit')]: 'true', [aggregate('view')]: 'true' },
  },
  {
    name: 'system:discovery',
    rules: [
      urls([
        '/api',
        '/api/*',
        '/apis',
        '/apis/*',
        '/healthz',
        '/livez',
        '/openapi',
        '/openapi/*',
        '/readyz',
        '/version',
        '/version/',
      ]),
    ],
    boundTo: [group('system:authenticated')],
  },
  {
    name: 'system:public-info-viewer',
    rules: [urls(['/healthz', '/livez', '/readyz', '/version', '/version/'])],
    boundTo: [group('system:authenticated'), group('system:unauthenticated')],
  },
  {
    name: 'system:basic-user',
    rules: [
      rule(['authorization.k8s.io'], ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
      rule(['authentication.k8s.io'], ['selfsubjectreviews'], ['create']),
    ],
    boundTo: [group('system:authenticated')],
  },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [
      urls([
        '/.well-known/openid-configuration',
        '/.well-known/openid-configuration/',
        '/openid/v1/jwks',
        '/openid/v1/jwks/',
      ]),
    ],
    boundTo: [group('system:serviceaccounts')],
  },
  {
    name: 'system:monitoring',
    rules: [
      urls(['/healthz', '/healthz/*', '/livez', '/livez/*', '/metrics', '/metrics/slis', '/readyz', '/readyz/*']),
    ],
    boundTo: [group('system:monitoring')],
  },
  {
    name: 'system:auth-delegator',
    rules: [
      rule(['authentication.k8s.io'], ['tokenreviews'], ['create']),
      rule(['authorization.k8s.io'], ['subjectaccessreviews'], ['create']),
    ],
  },
  {
    name: 'system:node-bootstrapper',
    rules: [rule(['certificates.k8s.io'], ['certificatesigningrequests'], ['create', ...read])],
    boundTo: [group('system:bootstrappers')],
  },
  {
    name: 'system:node-proxier',
    rules: [
      rule([''], ['endpoints', 'services', 'nodes'], read),
      rule(['discovery.k8s.io'], ['endpointslices'], read),
      rule(['', 'events.k8s.io'], ['events'], ['create', 'patch', 'update']),
    ],
    boundTo: [user('system:kube-proxy')],
  },
  {
    name: 'optiflow:network-policies',
    rules: [rule([''], ['namespaces', 'pods'], read), rule(['networking.k8s.io'], ['networkpolicies'], read)],
    boundTo: [user(networkUsername)],
  },
  {
    name: 'optiflow:gateway',
    rules: [
      rule([''], ['services', 'secrets', 'namespaces', 'pods'], read),
      rule(
        ['gateway.networking.k8s.io'],
        ['gatewayclasses', 'gateways', 'httproutes', 'grpcroutes', 'tlsroutes', 'referencegrants'],
        read,
      ),
      rule(['gateway.networking.k8s.io'], ['gatewayclasses'], ['create']),
      rule(['apiextensions.k8s.io'], ['customresourcedefinitions'], [...read, 'create', 'patch']),
      rule(['discovery.k8s.io'], ['endpointslices'], read),
      rule(['networking.k8s.io'], ['ingresses', 'ingressclasses'], read),
      rule(['networking.k8s.io'], ['ingressclasses'], ['create']),
      rule(['optiflow.dev'], ['routepolicies'], read),
    ],
    boundTo: [user('system:optiflow-gateway')],
  },
  {
    name: 'system:kube-dns',
    rules: [rule([''], ['endpoints', 'services'], ['list', 'watch'])],
    boundTo: [],
  },
  {
    name: 'system:kube-scheduler',
    rules: [
      rule(['', 'events.k8s.io'], ['events'], ['create', 'patch', 'update']),
      rule(['coordination.k8s.io'], ['leases'], ['create', 'get', 'list', 'update', 'watch']),
      rule([''], ['nodes', 'namespaces', 'replicationcontrollers', 'services'], read),
      rule([''], ['persistentvolumes'], [...read, 'patch', 'update']),
      rule([''], ['pods'], ['delete', ...read]),
      rule([''], ['bindings', 'pods/binding'], ['create']),
      rule(['optiflow.dev'], ['bindinggroups', 'podreportgroups'], ['create']),
      rule([''], ['pods/status'], ['patch', 'update']),
      rule([''], ['persistentvolumeclaims'], [...read, 'patch', 'update']),
      rule(['apps'], ['replicasets', 'statefulsets'], read),
      rule(['policy'], ['poddisruptionbudgets'], read),
      rule(['scheduling.x-k8s.io'], ['podgroups'], read),
      rule(['scheduling.x-k8s.io'], ['podgroups/status'], ['patch', 'update']),
      rule(['optiflow.dev'], ['schedulerplugins', 'schedulerplugins/status'], [...read, 'patch', 'update']),
      rule(['optiflow.dev'], ['queues', 'queues/status'], [...read, 'patch', 'update']),
      rule(['optiflow.dev'], ['recommendations'], read),
      rule(['scheduling.k8s.io'], ['priorityclasses'], read),
      rule(
        ['storage.k8s.io'],
        ['csidrivers', 'csinodes', 'csistoragecapacities', 'storageclasses', 'volumeattachments'],
        read,
      ),
      rule(['resource.k8s.io'], ['deviceclasses', 'resourceclaims', 'resourceslices'], [...read, 'patch', 'update']),
      rule(['resource.k8s.io'], ['resourceclaims/status'], ['patch', 'update']),
      rule(['authentication.k8s.io'], ['tokenreviews'], ['create']),
      rule(['authorization.k8s.io'], ['subjectaccessreviews'], ['create']),
    ],
    boundTo: [user('system:kube-scheduler')],
  },
  {
    // Its controllers run under one identity: whatever they own, of whatever kind.
    name: 'system:kube-controller-manager',
    rules: [rule(all, all, all), urls(['*'])],
    boundTo: [user('system:kube-controller-manager')],
  },
  {
    name: 'system:node',
    // Nodes have their rights from the Node authorizer; the role is there for those who bind it.
    rules: [
      rule(['authentication.k8s.io'], ['tokenreviews'], ['create']),
      rule(['authorization.k8s.io'], ['localsubjectaccessreviews', 'subjectaccessreviews'], ['create']),
      rule([''], ['services'], read),
      rule([''], ['nodes'], ['create', ...read, 'patch', 'update']),
      rule([''], ['nodes/status'], ['patch', 'update']),
      rule(['', 'events.k8s.io'], ['events'], ['create', 'patch', 'update']),
      rule([''], ['pods'], ['create', 'delete', ...read]),
      rule([''], ['pods/status'], ['patch', 'update']),
      rule([''], ['pods/eviction', 'serviceaccounts/token'], ['create']),
      rule([''], ['configmaps', 'secrets'], read),
      rule([''], ['persistentvolumeclaims', 'persistentvolumes'], ['get']),
      rule([''], ['persistentvolumeclaims/status'], ['get', 'patch', 'update']),
      rule(['certificates.k8s.io'], ['certificatesigningrequests'], ['create', ...read]),
      rule(['coordination.k8s.io'], ['leases'], ['create', 'delete', 'get', 'patch', 'update']),
      rule(['storage.k8s.io'], ['volumeattachments'], ['get']),
      rule(['storage.k8s.io'], ['csidrivers'], read),
      rule(['storage.k8s.io'], ['csinodes'], ['create', 'delete', 'get', 'patch', 'update']),
      rule(['node.k8s.io'], ['runtimeclasses'], read),
      rule(['resource.k8s.io'], ['resourceclaims'], ['get']),
      rule(['resource.k8s.io'], ['resourceslices'], [...read, ...write]),
    ],
  },
  {
    name: 'system:node-problem-detector',
    rules: [
      rule([''], ['nodes'], ['get']),
      rule([''], ['nodes/status'], ['patch']),
      rule(['', 'events.k8s.io'], ['events'], ['create', 'patch', 'update']),
    ],
  },
  {
    name: 'system:kubelet-api-admin',
    rules: [
      rule([''], ['nodes'], read),
      rule([''], ['nodes'], ['proxy']),
      rule([''], ['nodes/log', 'nodes/metrics', 'nodes/proxy', 'nodes/stats'], all),
    ],
  },
  {
    name: 'system:heapster',
    rules: [
      rule([''], ['events', 'namespaces', 'nodes', 'pods'], read),
      rule(['apps', 'extensions'], ['deployments'], read),
    ],
  },
  {
    name: 'system:kube-aggregator',
    rules: [rule([''], ['endpoints', 'services'], read)],
  },
  {
    name: 'system:persistent-volume-provisioner',
    rules: [
      rule([''], ['persistentvolumes'], ['create', 'delete', ...read]),
      rule([''], ['persistentvolumeclaims'], [...read, 'update']),
      rule(['storage.k8s.io'], ['storageclasses'], read),
      rule([''], ['events'], ['watch']),
      rule(['', 'events.k8s.io'], ['events'], ['create', 'patch', 'update']),
    ],
  },
  {
    name: 'system:volume-scheduler',
    rules: [
      rule([''], ['persistentvolumes'], [...read, 'patch', 'update']),
      rule(['storage.k8s.io'], ['storageclasses'], read),
      rule([''], ['persistentvolumeclaims'], [...read, 'patch', 'update']),
    ],
    boundTo: [user('system:kube-scheduler')],
  },
  {
    name: `${requests}:nodeclient`,
    rules: [rule(['certificates.k8s.io'], ['certificatesigningrequests/nodeclient'], ['create'])],
  },
  {
    name: `${requests}:selfnodeclient`,
    rules: [rule(['certificates.k8s.io'], ['certificatesigningrequests/selfnodeclient'], ['create'])],
  },
  ...['kube-apiserver-client', 'kube-apiserver-client-kubelet', 'kubelet-serving', 'legacy-unknown'].map(signer => ({
    name: `system:certificates.k8s.io:${signer}-approver`,
    rules: [
      {
        ...rule(['certificates.k8s.io'], ['signers'], ['approve']),
        resourceNames: [`kubernetes.io/${signer}`],
      },
    ],
  })),
]
