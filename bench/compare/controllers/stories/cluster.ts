import { pause } from '../../../support/statistics.ts'
import type { Json } from '../../side.ts'
import { addNode, setNode } from '../actor.ts'
import { podTemplate, type Story, step } from '../story.ts'

const merge = 'application/merge-patch+json'

export const clusterStories: Story[] = [
  {
    name: 'namespace',
    kinds: ['namespaces', 'configmaps', 'serviceaccounts', 'secrets'],
    steps: [
      step('what a new one has', async () => {}),
      step('its account and certificate are deleted', async scene => {
        await scene.delete('serviceaccounts', 'default')
        await scene.delete('configmaps', 'kube-root-ca.crt')
      }),
      step('a token', scene =>
        scene.create('secrets', 'token', {
          metadata: { annotations: { 'kubernetes.io/service-account.name': 'default' } },
          type: 'kubernetes.io/service-account-token',
        }),
      ),
      step('a token of nobody', scene =>
        scene.create('secrets', 'nobody', {
          metadata: { annotations: { 'kubernetes.io/service-account.name': 'nobody' } },
          type: 'kubernetes.io/service-account-token',
        }),
      ),
      step('objects that do not want to go', async scene => {
        await scene.create('configmaps', 'held', { metadata: { finalizers: ['example.com/hold'] } })
        await scene.create('pods', 'held', podTemplate({ app: 'x' }, 'stays'))
        await scene.awaitPods(1)
      }),
      step('delete', ({ side, namespace }) => side.json('DELETE', `/api/v1/namespaces/${namespace}`), {
        leastMs: 8_000,
      }),
      step('let the map go', scene => scene.patch('configmaps', 'held', { metadata: { finalizers: null } }), {
        leastMs: 8_000,
      }),
    ],
  },
  {
    name: 'garbage',
    kinds: ['configmaps', 'secrets'],
    steps: [
      step('a tree', async scene => {
        const root = await scene.create('configmaps', 'root', {})
        const owner = (object: Json, more: Json = {}) => ({
          ownerReferences: [
            { apiVersion: 'v1', kind: 'ConfigMap', name: object.metadata.name, uid: object.metadata.uid, ...more },
          ],
        })
        const child = await scene.create('configmaps', 'child', { metadata: owner(root) })
        await scene.create('configmaps', 'blocking', { metadata: owner(root, { blockOwnerDeletion: true }) })
        await scene.create('secrets', 'grandchild', { metadata: owner(child) })
        await scene.create('configmaps', 'held', {
          metadata: { ...owner(root, { blockOwnerDeletion: true }), finalizers: ['example.com/hold'] },
        })
      }),
      step('foreground', scene => scene.delete('configmaps', 'root', { propagationPolicy: 'Foreground' })),
      step('the held one goes', scene => scene.patch('configmaps', 'held', { metadata: { finalizers: null } })),
      step('an owner that never was', scene =>
        scene.create('configmaps', 'lost', {
          metadata: {
            ownerReferences: [
              { apiVersion: 'v1', kind: 'Secret', name: 'none', uid: 'b0a1c2d3-0000-4000-8000-000000000000' },
            ],
          },
        }),
      ),
      step('an owner in a namespace that cannot be', scene =>
        scene.create('configmaps', 'node-owned', {
          metadata: {
            ownerReferences: [
              { apiVersion: 'v1', kind: 'Node', name: 'none', uid: 'b0a1c2d3-0000-4000-8000-000000000001' },
            ],
          },
        }),
      ),
      step('an unknown kind', scene =>
        scene.create('configmaps', 'unknown', {
          metadata: {
            ownerReferences: [
              {
                apiVersion: 'example.com/v1',
                kind: 'Thing',
                name: 'none',
                uid: 'b0a1c2d3-0000-4000-8000-000000000002',
              },
            ],
          },
        }),
      ),
      step('orphan', async scene => {
        const root = await scene.create('configmaps', 'parent', {})
        await scene.create('configmaps', 'orphan', {
          metadata: {
            ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'parent', uid: root.metadata.uid }],
          },
        })
        await scene.delete('configmaps', 'parent', { propagationPolicy: 'Orphan' })
      }),
    ],
  },
  {
    name: 'quota',
    kinds: ['resourcequotas'],
    steps: [
      step('create', async scene => {
        const hard = {
          pods: '10',
          'requests.cpu': '4',
          'limits.memory': '8Gi',
          services: '5',
          'services.nodeports': '2',
          configmaps: '9',
          'count/deployments.apps': '3',
          'requests.storage': '10Gi',
          persistentvolumeclaims: '4',
        }
        await scene.create('resourcequotas', 'all', { spec: { hard } })
        await scene.create('resourcequotas', 'best', { spec: { hard: { pods: '2' }, scopes: ['BestEffort'] } })
        await scene.create('resourcequotas', 'ending', { spec: { hard: { pods: '2' }, scopes: ['Terminating'] } })
      }),
      step('use', async scene => {
        const resources = { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: '1', memory: '2Gi' } }
        const containers = [{ name: 'main', image: 'busybox:1', resources }]
        await scene.create('pods', 'a', podTemplate({}, '', { containers }))
        await scene.create('pods', 'b', podTemplate({}, '', { containers, activeDeadlineSeconds: 600 }))
        await scene.create('services', 'np', { spec: { type: 'NodePort', ports: [{ port: 80 }] } })
        await scene.create('persistentvolumeclaims', 'c', {
          spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } },
        })
      }),
      step('one ends', scene => scene.finish(0, pod => pod.metadata.name === 'a')),
      step('one goes', scene => scene.delete('pods', 'b'), { patienceMs: 12_000 }),
      step('a smaller limit', scene =>
        scene.patch('resourcequotas', 'all', { spec: { hard: { services: '1', pods: null } } }),
      ),
    ],
  },
  {
    name: 'node-life',
    kinds: ['nodes'],
    steps: [
      step('two nodes', async scene => {
        await addNode(scene.side, 'life-a', { story: 'node-life' })
        await addNode(scene.side, 'life-b', {
          story: 'node-life',
          'beta.kubernetes.io/os': 'x',
          'topology.kubernetes.io/zone': 'z',
        })
      }),
      step('pods there', async scene => {
        const there = (name: string, spec: Json = {}) =>
          scene.create('pods', name, {
            ...podTemplate({}, '', spec),
            metadata: { annotations: { node: 'life-a', plays: 'ready' } },
          })
        await there('plain', {
          tolerations: [
            { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 2 },
          ],
        })
        await there('long')
        await there('tolerant', { tolerations: [{ operator: 'Exists' }] })
      }),
      step('pressure', async ({ side }) => {
        const time = `${new Date().toISOString().slice(0, 19)}Z`
        const condition = { type: 'MemoryPressure', status: 'True', lastHeartbeatTime: time, lastTransitionTime: time }
        await side.json(
          'PATCH',
          '/api/v1/nodes/life-b/status',
          { status: { conditions: [condition] } },
          'application/strategic-merge-patch+json',
        )
      }),
      step('cordon', ({ side }) =>
        side.json('PATCH', '/api/v1/nodes/life-b', { spec: { unschedulable: true } }, merge),
      ),
      step('not ready', ({ side }) => setNode(side, 'life-a', 'False'), { leastMs: 7_000 }),
      step('ready again', ({ side }) => setNode(side, 'life-a', 'True'), { leastMs: 7_000 }),
      step(
        'silent',
        ({ side }) => side.json('PATCH', '/api/v1/nodes/life-a', { metadata: { labels: { silent: '' } } }, merge),
        {
          ...{ leastMs: 32_000, patienceMs: 12_000 },
        },
      ),
      step(
        'out of service',
        ({ side }) =>
          side.json(
            'PATCH',
            '/api/v1/nodes/life-a',
            [
              {
                op: 'add',
                path: '/spec/taints/-',
                value: { key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' },
              },
            ],
            'application/json-patch+json',
          ),
        { leastMs: 24_000 },
      ),
      step('gone', ({ side }) => side.json('DELETE', '/api/v1/nodes/life-a'), { leastMs: 65_000 }),
    ],
  },
  {
    name: 'taints',
    kinds: [],
    steps: [
      step('pods on a node', async scene => {
        await addNode(scene.side, 'taint-a', {})
        const there = (name: string, spec: Json = {}) =>
          scene.create('pods', name, {
            ...podTemplate({}, '', spec),
            metadata: { annotations: { node: 'taint-a', plays: 'ready' } },
          })
        await there('plain')
        await there('some', {
          tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 6 }],
        })
        await there('all', { tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }] })
        await scene.awaitPods(3)
      }),
      step('a taint', ({ side }) =>
        side.json(
          'PATCH',
          '/api/v1/nodes/taint-a',
          { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoExecute' }] } },
          merge,
        ),
      ),
      step(
        'taken back in time',
        ({ side }) => side.json('PATCH', '/api/v1/nodes/taint-a', { spec: { taints: null } }, merge),
        {
          leastMs: 7_000,
        },
      ),
    ],
  },
  {
    name: 'certificates',
    kinds: ['certificatesigningrequests', 'clusterroles', 'validatingadmissionpolicies'],
    steps: [
      step('requests', async scene => {
        const spec = { request: Buffer.from(request).toString('base64'), usages: ['client auth'] }
        await scene.create('certificatesigningrequests', 'client', {
          spec: { ...spec, signerName: 'kubernetes.io/kube-apiserver-client' },
        })
        await scene.create('certificatesigningrequests', 'serving', {
          spec: { ...spec, signerName: 'kubernetes.io/kubelet-serving' },
        })
        await scene.create('certificatesigningrequests', 'other', {
          spec: { ...spec, signerName: 'example.com/signer' },
        })
      }),
      step('approved', async ({ side }) => {
        for (const name of ['client', 'serving', 'other']) {
          const path = `/apis/certificates.k8s.io/v1/certificatesigningrequests/${name}/approval`
          const condition = { type: 'Approved', status: 'True', reason: 'Story', message: 'approved' }
          await side.json('PATCH', path, { status: { conditions: [condition] } }, merge)
        }
      }),
      step('nodes ask', async scene => {
        const spec = {
          ...{ request: Buffer.from(nodeRequest).toString('base64'), usages: ['digital signature', 'client auth'] },
          signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        }
        const asking = async (name: string, user: string, groups: string[]) => {
          const headers = { 'impersonate-user': user, 'impersonate-group': groups } as unknown as Record<string, string>
          const metadata = { name, labels: { story: 'certificates' } }
          const body = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata, spec }
          const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
          const { status, text } = await scene.side.ask({ method: 'POST', path, body, headers })
          if (status !== 201) throw new Error(`${scene.side.name}: ${text}`)
        }
        for (const [name, verb] of [
          ['first', 'nodeclient'],
          ['renewed', 'selfnodeclient'],
        ])
          await scene.create('clusterrolebindings', `story-${name}`, {
            roleRef: {
              ...{ apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole' },
              name: `system:certificates.k8s.io:certificatesigningrequests:${verb}`,
            },
            subjects: [
              {
                apiGroup: 'rbac.authorization.k8s.io',
                kind: 'Group',
                name: verb === 'nodeclient' ? 'system:bootstrappers' : 'system:nodes',
              },
            ],
          })
        await pause(1_000)
        await asking('first', 'system:bootstrap:abcdef', ['system:bootstrappers', 'system:masters'])
        await asking('renewed', 'system:node:story', ['system:nodes', 'system:masters'])
        await asking('strange', 'somebody', ['system:masters'])
      }),
      step('an aggregated role', async scene => {
        const rule = (resource: string) => [{ apiGroups: [''], resources: [resource], verbs: ['get'] }]
        await scene.create('clusterroles', 'story-a', {
          metadata: { labels: { story: 'certificates', part: 'yes' } },
          rules: rule('pods'),
        })
        await scene.create('clusterroles', 'story-b', {
          metadata: { labels: { story: 'certificates', part: 'yes' } },
          rules: rule('secrets'),
        })
        await scene.create('clusterroles', 'story-all', {
          aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'yes' } }] },
        })
      }),
      step('a part goes', scene => scene.delete('clusterroles', 'story-b')),
      step('policies', async scene => {
        const policy = (expression: string): Json => ({
          spec: {
            matchConstraints: {
              resourceRules: [
                { apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'], operations: ['CREATE'] },
              ],
            },
            validations: [{ expression }],
          },
        })
        await scene.create('validatingadmissionpolicies', 'story-good', policy('object.spec.replicas < 1000000'))
        await scene.create('validatingadmissionpolicies', 'story-odd', policy('object.spec.replicas > "a"'))
        await scene.create('validatingadmissionpolicies', 'story-unknown', policy('object.spec.nothing == 1'))
      }),
    ],
  },
]

/** Of a node, by openssl. */
const nodeRequest = `-----BEGIN CERTIFICATE REQUEST-----
MIHvMIGVAgEAMDMxFTATBgNVBAoMDHN5c3RlbTpub2RlczEaMBgGA1UEAwwRc3lz
dGVtOm5vZGU6c3RvcnkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ8zKsRodsw
ts+wk04uNgWBQtwriQhFioQbOPpYfFIe1y//cIaP9ySl2NJZ9wqs8V7se82BDyg6
ULkYy2cYEe/voAAwCgYIKoZIzj0EAwIDSQAwRgIhANtcokuEjP/qQgAt1omP4lBr
Puoh/PKY7Z6HsFTkmdRPAiEAtlSUaeoPfawQw2qmM18iLomtAgCfRbhL2x8nFdyd
pgY=
-----END CERTIFICATE REQUEST-----
`

/** Of somebody named `story`. */
const request = `-----BEGIN CERTIFICATE REQUEST-----
MIHLMHICAQAwEDEOMAwGA1UEAwwFc3RvcnkwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAARpVCpHsGvFmRAlBrkbeO4BqsbTYuDTrpd2neFifDNiwi8CJ8J3BD1tFt39
PXOwuBWcqCKnexVnDhXt2vjR44SvoAAwCgYIKoZIzj0EAwIDSQAwRgIhAJ6aVdCO
qX5ELBFzf4EeOZNu3Rs3IOV6t97j05m2poA4AiEAp14WVJX+dTcAdNejF49SAUfT
5u54xJyVF9ZecnGNdzw=
-----END CERTIFICATE REQUEST-----
`
