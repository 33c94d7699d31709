import type { AuditPolicy } from './policy.ts'

const components = [
  ...['system:kube-controller-manager', 'system:kube-scheduler', 'system:kube-proxy', 'system:apiserver'],
  ...['system:optiflow-gateway', 'system:simulated-nodes', 'system:kube-aggregator'],
]
const read = ['get', 'list', 'watch']
const secret = [
  { group: '', resources: ['secrets', 'configmaps', 'serviceaccounts/token'] },
  { group: 'authentication.k8s.io', resources: ['tokenreviews'] },
]

/**
 * What is recorded when no policy was given: who changed what and with what body, who read what, but never the body of
 * what holds secrets; nothing of health checks, heartbeats and what the parts of the cluster read all the time.
 */
export const defaultAuditPolicy: AuditPolicy = {
  omitStages: ['RequestReceived'],
  omitManagedFields: true,
  rules: [
    { level: 'None', nonResourceURLs: ['/healthz*', '/livez*', '/readyz*', '/version*', '/metrics', '/openapi/*'] },
    {
      level: 'None',
      resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }, { group: 'metrics.k8s.io' }],
    },
    {
      level: 'None',
      resources: [
        { group: '', resources: ['events'] },
        { group: 'events.k8s.io', resources: ['events'] },
      ],
    },
    { level: 'Metadata', resources: secret },
    { level: 'None', users: components, verbs: read },
    { level: 'None', userGroups: ['system:nodes'], verbs: read },
    {
      level: 'None',
      userGroups: ['system:nodes'],
      resources: [{ group: '', resources: ['nodes/status', 'pods/status'] }],
    },
    { level: 'Metadata', verbs: read },
    { level: 'Request', verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'] },
    { level: 'Metadata' },
  ],
}
