import type {
  FlowSchema,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
  Subject,
} from '../../models/types/flowcontrol-v1.ts'

// The levels and flows that Kubernetes comes with: docs/flow-control.md says what each is for.

interface Default<T extends { spec: unknown }> {
  name: string
  /** Always there and always so; the others are their owner's to change. */
  mandatory?: boolean
  spec: T['spec']
}

const queued = (shares: number, lendable: number, queues = 128, handSize = 6): PriorityLevelConfiguration['spec'] => ({
  type: 'Limited',
  limited: {
    nominalConcurrencyShares: shares,
    lendablePercent: lendable,
    limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
  },
})

export const defaultLevels: Default<PriorityLevelConfiguration>[] = [
  {
    name: 'exempt',
    mandatory: true,
    spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  },
  {
    name: 'catch-all',
    mandatory: true,
    spec: {
      type: 'Limited',
      limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } },
    },
  },
  { name: 'system', spec: queued(30, 33, 64) },
  { name: 'node-high', spec: queued(40, 25, 64) },
  { name: 'leader-election', spec: queued(10, 0, 16, 4) },
  { name: 'workload-high', spec: queued(40, 50) },
  { name: 'workload-low', spec: queued(100, 90) },
  { name: 'global-default', spec: queued(20, 50) },
]

const all = ['*']
const everybody = groups('system:unauthenticated', 'system:authenticated')
const kubeSystem = accounts('*')
const manager = users('system:kube-controller-manager')
const scheduler = users('system:kube-scheduler')
const locking = ['get', 'create', 'update']

function groups(...names: string[]): Subject[] {
  return names.map(name => ({ kind: 'Group', group: { name } }))
}
function users(...names: string[]): Subject[] {
  return names.map(name => ({ kind: 'User', user: { name } }))
}
function accounts(...names: string[]): Subject[] {
  return names.map(name => ({ kind: 'ServiceAccount', serviceAccount: { name, namespace: 'kube-system' } }))
}
/** Whatever the subjects ask. */
function anything(subjects: Subject[]): PolicyRulesWithSubjects {
  return {
    subjects,
    resourceRules: [{ verbs: all, apiGroups: all, resources: all, namespaces: all, clusterScope: true }],
    nonResourceRules: [{ verbs: all, nonResourceURLs: all }],
  }
}
function objects(subjects: Subject[], group: string, resources: string[], verbs: string[], clusterScope = false) {
  const rule = { verbs, apiGroups: [group], resources, namespaces: all, ...(clusterScope ? { clusterScope } : {}) }
  return { subjects, resourceRules: [rule] }
}

function flow(
  name: string,
  level: string,
  matchingPrecedence: number,
  distinguishedBy: 'ByUser' | 'ByNamespace' | undefined,
  ...rules: PolicyRulesWithSubjects[]
): Default<FlowSchema> {
  const distinguisher = distinguishedBy ? { distinguisherMethod: { type: distinguishedBy } } : {}
  const priorityLevelConfiguration = { name: level }
  return { name, spec: { priorityLevelConfiguration, matchingPrecedence, ...distinguisher, rules } }
}

const leases = 'coordination.k8s.io'

export const defaultFlows: Default<FlowSchema>[] = [
  { ...flow('exempt', 'exempt', 1, undefined, anything(groups('system:masters'))), mandatory: true },
  { ...flow('catch-all', 'catch-all', 10_000, 'ByUser', anything(everybody)), mandatory: true },
  flow('probes', 'exempt', 2, undefined, {
    subjects: everybody,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  flow(
    ...(['system-leader-election', 'leader-election', 100, 'ByUser'] as const),
    objects([...manager, ...scheduler, ...kubeSystem], leases, ['leases'], locking),
  ),
  flow(
    ...(['endpoint-controller', 'workload-high', 150, 'ByUser'] as const),
    objects(
      [...manager, ...accounts('endpoint-controller', 'endpointslicemirroring-controller')],
      '',
      ['endpoints'],
      locking,
    ),
  ),
  flow(...(['workload-leader-election', 'leader-election', 200, 'ByUser'] as const), {
    subjects: kubeSystem,
    resourceRules: [
      { verbs: locking, apiGroups: [''], resources: ['endpoints', 'configmaps'], namespaces: all },
      { verbs: locking, apiGroups: [leases], resources: ['leases'], namespaces: all },
    ],
  }),
  flow(...(['system-node-high', 'node-high', 400, 'ByUser'] as const), {
    subjects: groups('system:nodes'),
    resourceRules: [
      { verbs: all, apiGroups: [''], resources: ['nodes', 'nodes/status'], namespaces: all, clusterScope: true },
      { verbs: all, apiGroups: [leases], resources: ['leases'], namespaces: all },
    ],
  }),
  flow('system-nodes', 'system', 500, 'ByUser', anything(groups('system:nodes'))),
  flow('kube-controller-manager', 'workload-high', 800, 'ByNamespace', anything(manager)),
  flow('kube-scheduler', 'workload-high', 800, 'ByNamespace', anything(scheduler)),
  flow('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', anything(kubeSystem)),
  flow('service-accounts', 'workload-low', 9000, 'ByUser', anything(groups('system:serviceaccounts'))),
  flow('global-default', 'global-default', 9900, 'ByUser', anything(everybody)),
]
