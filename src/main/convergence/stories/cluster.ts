import { createSigningRequest, createTokenKey } from '../../../base/certificates.ts'
import { microTimestamp, timestamp } from '../../../base/clock.ts'
import {
  bootstrapSignerReconciler,
  certificateSigningRequestReconciler,
  clusterRoleAggregationReconciler,
  deploymentReconciler,
  disruptionReconciler,
  horizontalPodAutoscalerReconciler,
  namespaceReconciler,
  nodeIpamReconciler,
  nodeLifecycleReconciler,
  nodeTtlReconciler,
  podGcReconciler,
  podGroupReconciler,
  recommendationReconciler,
  replicaSetReconciler,
  resourceQuotaReconciler,
  rootCaReconciler,
  serviceAccountReconciler,
  serviceAccountTokenReconciler,
  staleDisruptionReconciler,
  taintEvictionReconciler,
  tokenCleanerReconciler,
  validatingAdmissionPolicyStatusReconciler,
} from '../../../controller/index.ts'
import {
  CertificateSigningRequest,
  ClusterRole,
  ConfigMap,
  Deployment,
  HorizontalPodAutoscaler,
  Lease,
  Namespace,
  Node,
  Pod,
  PodDisruptionBudget,
  PodGroup,
  ReplicaSet,
  ResourceQuota,
  Secret,
  ServiceAccount,
  ValidatingAdmissionPolicy,
} from '../../../models/kinds/index.ts'
import type { Stage, Story } from '../story.ts'
import { labels, named, namespace, pod, selector, template } from './parts.ts'

const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] })
const unreachable = { key: 'node.kubernetes.io/unreachable', operator: 'Exists' as const, effect: 'NoExecute' as const }

/** A node that reported once, just now. */
async function addNode({ client, clock, patch }: Stage, name: string): Promise<void> {
  const now = timestamp(clock)
  await client.create(Node, { metadata: { name }, spec: {} })
  const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: now, lastTransitionTime: now }]
  await patch(Node, name, { status: { conditions } }, 'status')
  await beat({ client, clock }, name)
}

/** It renews its Lease. */
async function beat({ client, clock }: Pick<Stage, 'client' | 'clock'>, name: string): Promise<void> {
  const spec = { holderIdentity: name, renewTime: microTimestamp(clock) }
  const key = { namespace: 'kube-node-lease', name }
  await client
    .patch(Lease, key, { type: 'merge', body: { spec } })
    .catch(() => client.create(Lease, { metadata: key, spec }))
}

const autoscaled = {
  resource: async (_namespace: string, _name: string, _selector: string) => new Map(),
  pods: async () => new Map(),
  object: async () => 0,
  external: async () => [30],
}

const subject = { commonName: 'system:node:n1', organizations: ['system:nodes'] }
const { request: signingRequest } = await createSigningRequest(subject)

const replacedNode: Story['acts'] = [
  async ({ client }) => {
    for (const name of ['n1', 'n2', 'n3']) await client.create(Node, { metadata: { name }, spec: {} })
  },
  async ({ client }) => {
    await client.delete(Node, { name: 'n2' })
    await client.create(Node, { metadata: { name: 'n4' }, spec: {} })
  },
]

export const clusterStories: Story[] = [
  {
    name: 'an owner goes, and what it owned with it',
    about: ['garbage-collector'],
    reconcilers: () => [deploymentReconciler(), replicaSetReconciler()],
    garbageCollector: true,
    acts: [
      ({ client }) =>
        client.create(Deployment, { metadata: named('web'), spec: { replicas: 1, selector, template: template() } }),
      ({ client }) => client.delete(Deployment, named('web'), { propagationPolicy: 'Foreground' }),
    ],
  },
  {
    name: 'an owner goes, and leaves what it owned',
    about: ['garbage-collector'],
    reconcilers: () => [replicaSetReconciler()],
    garbageCollector: true,
    acts: [
      ({ client }) =>
        client.create(ReplicaSet, { metadata: named('web'), spec: { replicas: 2, selector, template: template() } }),
      ({ client }) => client.delete(ReplicaSet, named('web'), { propagationPolicy: 'Orphan' }),
    ],
  },
  {
    name: 'a namespace is deleted with all it has',
    about: ['namespace', 'service-account', 'root-ca'],
    reconcilers: () => [
      namespaceReconciler(),
      serviceAccountReconciler(),
      rootCaReconciler({ certificate: 'PEM' }),
      replicaSetReconciler(),
    ],
    acts: [
      async ({ client }) => {
        await client.create(Namespace, { metadata: { name: 'team' }, spec: {} })
        const metadata = { namespace: 'team', name: 'web' }
        await client.create(ReplicaSet, { metadata, spec: { replicas: 2, selector, template: template() } })
      },
      ({ client }) => client.delete(Namespace, { name: 'team' }),
    ],
  },
  {
    name: 'an account and a root certificate are deleted and changed',
    about: ['service-account', 'root-ca'],
    reconcilers: () => [serviceAccountReconciler(), rootCaReconciler({ certificate: 'PEM' })],
    acts: [
      ({ client }) => client.delete(ServiceAccount, named('default')),
      ({ patch }) => patch(ConfigMap, 'kube-root-ca.crt', { data: { 'ca.crt': 'forged' } }),
    ],
  },
  {
    name: 'a Secret is given a token and goes with its account',
    about: ['service-account-token'],
    tokenKeys: await createTokenKey(),
    reconcilers: () => [serviceAccountTokenReconciler({ certificate: 'PEM' })],
    acts: [
      async ({ client, until }) => {
        await client.create(ServiceAccount, { metadata: named('robot') })
        const annotations = { 'kubernetes.io/service-account.name': 'robot' }
        await client.create(Secret, {
          metadata: { ...named('token'), annotations },
          type: 'kubernetes.io/service-account-token',
        })
        await until(async () => !!(await client.get(Secret, named('token'))).data?.['token'])
      },
      async ({ client, until }) => {
        await client.delete(ServiceAccount, named('robot'))
        const isGone = () =>
          client.get(Secret, named('token')).then(
            () => false,
            () => true,
          )
        await until(isGone)
      },
    ],
  },
  {
    name: 'a bootstrap token signs and expires',
    about: ['bootstrap-signer', 'token-cleaner'],
    reconcilers: () => [bootstrapSignerReconciler(), tokenCleanerReconciler()],
    acts: [
      async ({ client, clock }) => {
        const info = { namespace: 'kube-public', name: 'cluster-info' }
        await client.create(ConfigMap, { metadata: info, data: { kubeconfig: 'text' } })
        await client.create(Secret, {
          metadata: { namespace: 'kube-system', name: 'bootstrap-token-aaaaaa' },
          type: 'bootstrap.kubernetes.io/token',
          stringData: {
            ...{ 'token-id': 'aaaaaa', 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true' },
            expiration: timestamp({ ...clock, now: () => clock.now() + 60_000 } as typeof clock),
          },
        })
      },
      ({ pass }) => pass(60_000),
    ],
  },
  {
    name: 'a role gathers the rules of others',
    about: ['cluster-role-aggregation'],
    reconcilers: () => [clusterRoleAggregationReconciler()],
    acts: [
      async ({ client }) => {
        const part = { 'to-view': 'true' }
        await client.create(ClusterRole, { metadata: { name: 'a', labels: part }, rules: [rule('pods')] })
        await client.create(ClusterRole, { metadata: { name: 'b', labels: part }, rules: [rule('nodes')] })
        const clusterRoleSelectors = [{ matchLabels: part }]
        await client.create(ClusterRole, {
          metadata: { name: 'all' },
          aggregationRule: { clusterRoleSelectors },
          rules: [],
        })
      },
      ({ client }) => client.delete(ClusterRole, { name: 'b' }),
    ],
  },
  {
    name: 'a request for a certificate is approved and signed',
    about: ['certificate-signing-request'],
    reconcilers: () => [
      certificateSigningRequestReconciler({ signer: { sign: async () => 'PEM' }, mayRequest: async () => true }),
    ],
    acts: [
      async ({ client, until }) => {
        await client.create(CertificateSigningRequest, {
          metadata: { name: 'n1' },
          spec: {
            ...{
              request: Buffer.from(signingRequest).toString('base64'),
              usages: ['digital signature', 'client auth'],
            },
            signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
          },
        })
        const get = () => client.get(CertificateSigningRequest, { name: 'n1' })
        await until(async () => !!(await get()).status?.certificate)
      },
    ],
  },
  {
    name: 'the expressions of a policy are checked',
    about: ['validating-admission-policy-status'],
    reconcilers: () => [validatingAdmissionPolicyStatusReconciler()],
    acts: [
      ({ client }) =>
        client.create(ValidatingAdmissionPolicy, {
          metadata: { name: 'small' },
          spec: {
            matchConstraints: {
              resourceRules: [
                { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] },
              ],
            },
            validations: [{ expression: "object.spec.replicas < '5'" }],
          },
        }),
    ],
  },
  {
    name: 'a quota is counted as pods come and go',
    about: ['resource-quota'],
    reconcilers: () => [resourceQuotaReconciler()],
    acts: [
      ({ client }) =>
        client.create(ResourceQuota, { metadata: named('small'), spec: { hard: { pods: '3', configmaps: '5' } } }),
      async ({ client }) => {
        await client.create(Pod, pod('a'))
        await client.create(Pod, pod('b'))
      },
      ({ client }) => client.delete(Pod, named('a')),
    ],
  },
  {
    name: 'a budget follows its pods',
    about: ['disruption'],
    reconcilers: () => [disruptionReconciler(), replicaSetReconciler()],
    acts: [
      async ({ client }) => {
        await client.create(PodDisruptionBudget, { metadata: named('web'), spec: { selector, maxUnavailable: 1 } })
        await client.create(ReplicaSet, {
          metadata: named('web'),
          spec: { replicas: 2, selector, template: template() },
        })
      },
      ({ patch }) => patch(ReplicaSet, 'web', { spec: { replicas: 3 } }),
    ],
  },
  {
    name: 'what was announced to a pod and is not done is taken back',
    about: ['stale-disruption'],
    reconcilers: () => [staleDisruptionReconciler()],
    acts: [
      ({ client }) => client.create(Pod, pod('a')),
      async ({ patch, pass }) => {
        const lastTransitionTime = '2026-01-01T00:00:00Z'
        const target = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', lastTransitionTime }
        await patch(Pod, 'a', { status: { conditions: [target] } }, 'status')
        await pass(130_000)
      },
    ],
  },
  {
    name: 'a target is sized by what it measures',
    about: ['horizontal-pod-autoscaler'],
    reconcilers: () => [
      horizontalPodAutoscalerReconciler({ metrics: autoscaled }),
      deploymentReconciler(),
      replicaSetReconciler(),
    ],
    acts: [
      async ({ client, pass }) => {
        await client.create(Deployment, {
          metadata: named('web'),
          spec: { replicas: 1, selector, template: template() },
        })
        await pass(2_000)
        await client.create(HorizontalPodAutoscaler, {
          metadata: named('web'),
          spec: {
            scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
            ...{ minReplicas: 1, maxReplicas: 5 },
            metrics: [
              {
                type: 'External',
                external: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '10' } },
              },
            ],
          },
        })
        await pass(40_000)
      },
    ],
  },
  {
    name: 'workloads get recommendations of their own, and one of them goes',
    about: ['recommendation'],
    garbageCollector: true,
    reconcilers: () => [recommendationReconciler({ usage: async () => new Map() })],
    acts: [
      async ({ client }) => {
        for (const name of ['web', 'api'])
          await client.create(Deployment, {
            metadata: named(name),
            spec: { replicas: 1, selector, template: template() },
          })
      },
      ({ client }) => client.delete(Deployment, { namespace, name: 'api' }),
    ],
  },
  {
    name: 'nodes are given ranges, and one of them is replaced',
    about: ['node-ipam'],
    reconcilers: () => [nodeIpamReconciler({ clusterCidrs: ['10.244.0.0/16'] })],
    acts: replacedNode,
  },
  {
    // Apart from their ranges: who writes a node first decides which range it is given, and either is right.
    name: 'nodes are told how large the cluster is, and one of them is replaced',
    about: ['node-ttl'],
    reconcilers: () => [nodeTtlReconciler()],
    acts: replacedNode,
  },
  {
    name: 'a node falls silent, and its pods leave and come again elsewhere',
    about: ['node-lifecycle', 'taint-eviction', 'pod-gc'],
    fate: () => 'pending',
    reconcilers: () => [nodeLifecycleReconciler(), taintEvictionReconciler(), podGcReconciler()],
    acts: [
      async stage => {
        await addNode(stage, 'n1')
        await addNode(stage, 'n2')
        await stage.client.create(
          Pod,
          pod('leaves', { nodeName: 'n1', tolerations: [{ ...unreachable, tolerationSeconds: 5 }] }),
        )
        await stage.client.create(Pod, pod('endures', { nodeName: 'n1', tolerations: [unreachable] }))
        for (let i = 0; i < 9; i++) {
          await beat(stage, 'n2')
          await stage.pass(10_000)
        }
      },
      ({ client }) => client.delete(Node, { name: 'n1' }),
      async stage => {
        for (let i = 0; i < 12; i++) {
          await beat(stage, 'n2')
          await stage.pass(10_000)
        }
      },
    ],
  },
  {
    name: 'a group is counted as its members come',
    about: ['pod-group'],
    reconcilers: () => [podGroupReconciler()],
    acts: [
      ({ client }) => client.create(PodGroup, { metadata: named('gang'), spec: { minMember: 2 } }),
      async ({ client }) => {
        const member = { ...labels, 'scheduling.x-k8s.io/pod-group': 'gang' }
        for (const name of ['a', 'b']) {
          const draft = pod(name)
          await client.create(Pod, { ...draft, metadata: { namespace, name, labels: member } })
        }
      },
    ],
  },
]
