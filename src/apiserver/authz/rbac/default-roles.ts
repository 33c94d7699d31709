import { networkUsername } from '../../../models/network-account.ts'
import type { PolicyRule } from '../../../models/types/rbac-v1.ts'
import kubernetesRoles from './kubernetes-roles.data.json' with { type: 'json' }

/** A ClusterRole that every cluster has, and to whom it is bound. */
export interface DefaultRole {
  name: string
  rules: PolicyRule[]
  /** Gathers the roles with this label instead of having rules. */
  aggregates?: string
  /** Labels by which other roles gather this one. */
  labels?: Record<string, string>
  /** There is a binding, if to nobody yet; without it there is none. */
  boundTo?: { kind: 'User' | 'Group' | 'ServiceAccount'; name: string; namespace?: string }[]
}

const read = ['get', 'list', 'watch']
const write = ['create', 'delete', 'deletecollection', 'patch', 'update']
const all = ['*']

const rule = (groups: string[], resources: string[], verbs: string[]): PolicyRule => ({
  apiGroups: groups,
  resources,
  verbs,
})
const group = (name: string) => ({ kind: 'Group' as const, name })
const user = (name: string) => ({ kind: 'User' as const, name })
const aggregate = (to: string) => `rbac.authorization.k8s.io/aggregate-to-${to}`

/** What there is beyond Kubernetes: our own resources, and our own components where they do more than Kubernetes'. */
const ownRoles: DefaultRole[] = [
  {
    name: 'optiflow:aggregate-to-view',
    rules: [
      rule(
        ['optiflow.dev'],
        [
          ...['catalog', 'pods/explanation', 'queues', 'recommendations', 'workloads', 'workloads/status'],
          ...['routepolicies', 'routepolicies/status', 'serviceregistrations', 'serviceregistrations/status'],
        ],
        read,
      ),
    ],
    labels: { [aggregate('view')]: 'true' },
  },
  {
    name: 'optiflow:aggregate-to-edit',
    rules: [rule(['optiflow.dev'], ['routepolicies', 'serviceregistrations', 'workloads'], write)],
    labels: { [aggregate('edit')]: 'true' },
  },
  {
    name: 'system:aggregated-metrics-reader',
    rules: [rule(['metrics.k8s.io'], ['pods', 'nodes'], ['get', 'list', 'watch'])],
    labels: { [aggregate('admin')]: 'true', [aggregate('edit')]: 'true', [aggregate('view')]: 'true' },
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
        [
          ...['gatewayclasses', 'gateways', 'referencegrants'],
          ...['httproutes', 'grpcroutes', 'tlsroutes', 'tcproutes', 'udproutes'],
        ],
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
    name: 'optiflow:node-proxier',
    rules: [
      rule([''], ['endpoints', 'services', 'nodes'], read),
      rule(['discovery.k8s.io'], ['endpointslices'], read),
      rule(['', 'events.k8s.io'], ['events'], ['create', 'patch', 'update']),
    ],
    boundTo: [user('system:kube-proxy')],
  },
  {
    name: 'optiflow:scheduler',
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
    name: 'optiflow:controllers',
    rules: [rule(all, all, all), { nonResourceURLs: ['*'], verbs: ['get'] }],
    boundTo: [user('system:kube-controller-manager')],
  },
]

/** Nodes join by themselves here: nobody has to bind this role. */
const ownBindings: Record<string, DefaultRole['boundTo']> = {
  'system:node-bootstrapper': [group('system:bootstrappers')],
}

/** All of Kubernetes 1.32's, rule by rule, and ours. */
export const defaultRoles: DefaultRole[] = [
  ...(kubernetesRoles as DefaultRole[]).map(role => {
    const boundTo = role.boundTo ?? ownBindings[role.name]
    return boundTo ? { ...role, boundTo } : role
  }),
  ...ownRoles,
]
