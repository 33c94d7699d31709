import type { Json } from '../../side.ts'
import { podTemplate, type Story, step } from '../story.ts'

const kinds = ['services', 'endpoints', 'endpointslices']
const pod = (plays: string, spec: Json = {}, labels: Json = {}): Json =>
  podTemplate({ app: 'web', ...labels }, plays, {
    containers: [
      {
        name: 'main',
        image: 'busybox:1',
        ports: [
          { name: 'http', containerPort: 8080 },
          { name: 'dns', containerPort: 53, protocol: 'UDP' },
        ],
      },
    ],
    ...spec,
  })
const service = (spec: Json = {}, metadata: Json = {}): Json => ({
  metadata,
  spec: {
    selector: { app: 'web' },
    ports: [
      { name: 'web', port: 80, targetPort: 'http' },
      { name: 'plain', port: 81 },
    ],
    ...spec,
  },
})

export const serviceStories: Story[] = [
  {
    name: 'service-endpoints',
    kinds,
    steps: [
      step('services without pods', async scene => {
        await scene.create('services', 'web', service())
        await scene.create('services', 'headless', service({ clusterIP: 'None' }))
        await scene.create('services', 'early', service({ publishNotReadyAddresses: true }))
        await scene.create('services', 'portless', service({ clusterIP: 'None', ports: undefined }))
        await scene.create(
          'services',
          'dns',
          service({ ports: [{ name: 'dns', port: 53, protocol: 'UDP', targetPort: 'dns' }] }),
        )
        await scene.create('services', 'local', service({ trafficDistribution: 'PreferClose' }))
      }),
      step('a ready one', scene => scene.create('pods', 'a', pod('ready'))),
      step('one that is not', scene => scene.create('pods', 'b', pod('running'))),
      step('one with a host name', scene =>
        scene.create('pods', 'c', pod('ready', { hostname: 'c', subdomain: 'headless' }, {})),
      ),
      step('one of another node', scene =>
        scene.create('pods', 'd', {
          ...pod('ready'),
          metadata: { labels: { app: 'web' }, annotations: { node: 'node-b' } },
        }),
      ),
      step('one that is leaving', async scene => {
        await scene.create('pods', 'e', {
          ...pod('ready'),
          metadata: { labels: { app: 'web' }, annotations: { plays: 'stays' } },
        })
        await scene.awaitPods(1, one => one.metadata.name === 'e' && one.status.phase === 'Running')
        await scene.delete('pods', 'e')
      }),
      step('one unscheduled', scene => scene.create('pods', 'f', pod('unscheduled'))),
      step('one ends', scene => scene.finish(0, one => one.metadata.name === 'a')),
      step('labels and annotations', scene =>
        scene.patch('services', 'web', { metadata: { labels: { tier: 'front' }, annotations: { note: 'x' } } }),
      ),
      step('another port', scene =>
        scene.patch('services', 'web', {
          spec: { ports: [{ name: 'web', port: 80, targetPort: 9090, appProtocol: 'http' }] },
        }),
      ),
      step('no selector', scene => scene.patch('services', 'web', { spec: { selector: null } })),
      step('delete', scene => scene.delete('services', 'headless')),
    ],
  },
  {
    name: 'service-hints',
    kinds,
    steps: [
      step('create', async scene => {
        await scene.create(
          'services',
          'web',
          service({}, { annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } }),
        )
        for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
          const node = name < 'd' ? 'node-a' : 'node-b'
          await scene.create('pods', name, { ...pod(''), metadata: { labels: { app: 'web' }, annotations: { node } } })
        }
      }),
      step('too few of one zone', async scene => {
        for (const name of ['d', 'e', 'f']) await scene.delete('pods', name)
      }),
    ],
  },
  {
    name: 'service-mirrored',
    kinds,
    steps: [
      step('endpoints by hand', async scene => {
        await scene.create('services', 'own', { spec: { ports: [{ port: 80 }] } })
        await scene.create('endpoints', 'own', {
          metadata: { labels: { own: 'yes' }, annotations: { note: 'x' } },
          subsets: [
            {
              addresses: [{ ip: '192.0.2.10', hostname: 'ten' }],
              notReadyAddresses: [{ ip: '192.0.2.11' }],
              ports: [{ port: 80 }],
            },
            {
              addresses: [{ ip: '2001:db8::1' }, { ip: '192.0.2.12' }],
              ports: [{ name: 'other', port: 81, protocol: 'UDP' }],
            },
          ],
        })
      }),
      step('fewer', scene =>
        scene.patch('endpoints', 'own', { subsets: [{ addresses: [{ ip: '192.0.2.10' }], ports: [{ port: 80 }] }] }),
      ),
      step('not to be mirrored', scene =>
        scene.patch('endpoints', 'own', {
          metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
        }),
      ),
      step('delete', scene => scene.delete('services', 'own')),
    ],
  },
  {
    name: 'disruption',
    kinds: ['poddisruptionbudgets', 'deployments'],
    steps: [
      step('budgets before pods', async scene => {
        const selector = { matchLabels: { app: 'web' } }
        await scene.create('poddisruptionbudgets', 'least', { spec: { minAvailable: '50%', selector } })
        await scene.create('poddisruptionbudgets', 'most', { spec: { maxUnavailable: 1, selector } })
        await scene.create('poddisruptionbudgets', 'empty', {
          spec: { minAvailable: 1, selector: { matchLabels: { app: 'none' } } },
        })
        await scene.create('poddisruptionbudgets', 'stray', {
          spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'stray' } } },
        })
      }),
      step('pods of a deployment', scene =>
        scene.create('deployments', 'web', {
          spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: podTemplate({ app: 'web' }) },
        }),
      ),
      step('a pod without controller', scene => scene.create('pods', 'stray', podTemplate({ app: 'stray' }))),
      step('one evicted', async scene => {
        await scene.delete('poddisruptionbudgets', 'most')
        const [one] = await scene.awaitPods(3, pod => pod.metadata.labels.app === 'web')
        await scene.side.json('POST', `${scene.path('pods', one.metadata.name)}/eviction`, {
          ...{
            apiVersion: 'policy/v1',
            kind: 'Eviction',
            metadata: { name: one.metadata.name, namespace: scene.namespace },
          },
        })
      }),
      step('scale to 0', scene => scene.scale('deployments', 'web', 0)),
    ],
  },
  {
    name: 'autoscaler-without-metrics',
    kinds: ['horizontalpodautoscalers', 'deployments'],
    steps: [
      step(
        'of nothing',
        scene =>
          scene.create('horizontalpodautoscalers', 'none', {
            spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' } },
          }),
        { leastMs: 6_000 },
      ),
      step(
        'of a deployment',
        async scene => {
          await scene.create('deployments', 'web', {
            spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: podTemplate({ app: 'web' }) },
          })
          await scene.create('horizontalpodautoscalers', 'web', {
            spec: {
              minReplicas: 2,
              maxReplicas: 3,
              scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
            },
          })
        },
        { leastMs: 8_000 },
      ),
      step('no requests', scene => scene.patch('horizontalpodautoscalers', 'web', { spec: { maxReplicas: 2 } }), {
        leastMs: 5_000,
      }),
      step('scaled to 0 by hand', scene => scene.scale('deployments', 'web', 0), { leastMs: 5_000 }),
      step('above the most', scene => scene.scale('deployments', 'web', 5), { leastMs: 5_000 }),
    ],
  },
]
