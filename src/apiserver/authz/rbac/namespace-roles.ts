import type { PolicyRule, Subject } from '../../../models/types/rbac-v1.ts'

/** A Role that every cluster has in one of its own namespaces. */
export interface NamespaceRole {
  namespace: 'kube-system' | 'kube-public'
  name: string
  rules: PolicyRule[]
  boundTo: Subject[]
  /** The name of the role unless given. */
  bindingName?: string
}

const read = ['get', 'list', 'watch']
const rule = (resources: string[], verbs: string[], resourceNames?: string[]): PolicyRule => ({
  ...{ apiGroups: [''], resources, verbs },
  ...(resourceNames ? { resourceNames } : {}),
})
const events: PolicyRule = {
  apiGroups: ['', 'events.k8s.io'],
  resources: ['events'],
  verbs: ['create', 'patch', 'update'],
}
const account = (name: string): Subject => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' })
const user = (name: string): Subject => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name })

/** The lock of a component that several may run. */
const leader = (name: string, ...others: Subject[]): NamespaceRole => ({
  namespace: 'kube-system',
  name: `system::leader-locking-${name}`,
  rules: [
    rule(['configmaps'], ['watch']),
    rule(['configmaps'], ['get', 'update'], [name]),
    ...['leases', 'leasecandidates'].map(resource => ({
      apiGroups: ['coordination.k8s.io'],
      resources: [resource],
      verbs: ['create', 'get', 'list', 'update', 'watch'],
    })),
  ],
  boundTo: [user(`system:${name}`), account(name), ...others],
})

export const namespaceRoles: NamespaceRole[] = [
  {
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication-reader',
    rules: [rule(['configmaps'], read, ['extension-apiserver-authentication'])],
    boundTo: [user('system:kube-controller-manager'), user('system:kube-scheduler')],
    bindingName: 'system::extension-apiserver-authentication-reader',
  },
  leader('kube-controller-manager', account('leader-election-controller')),
  leader('kube-scheduler'),
  {
    namespace: 'kube-system',
    name: 'system:controller:bootstrap-signer',
    rules: [rule(['secrets'], read)],
    boundTo: [account('bootstrap-signer')],
  },
  {
    namespace: 'kube-public',
    name: 'system:controller:bootstrap-signer',
    rules: [rule(['configmaps'], read), rule(['configmaps'], ['update'], ['cluster-info']), events],
    boundTo: [account('bootstrap-signer')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:cloud-provider',
    rules: [rule(['configmaps'], ['create', ...read])],
    boundTo: [account('cloud-provider')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:token-cleaner',
    rules: [rule(['secrets'], ['delete', ...read]), events],
    boundTo: [account('token-cleaner')],
  },
]
