import { pause } from '../../../support/statistics.ts'
import type { Json } from '../../side.ts'
import { podTemplate, type Story, step } from '../story.ts'

const deployment = (replicas: number, plays = '', spec: Json = {}): Json => ({
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: podTemplate({ app: 'web' }, plays), ...spec },
})
const image = (name: string, more: Json = {}): Json => ({
  spec: { template: { ...more, spec: { containers: [{ name: 'main', image: name }] } } },
})
const kinds = ['deployments', 'replicasets']
const plays = (word: string) => ({ metadata: { annotations: { plays: word } } })

export const deploymentStories: Story[] = [
  {
    name: 'deployment-rollout',
    kinds,
    steps: [
      step('create', scene => scene.create('deployments', 'web', deployment(3))),
      step('scale up', scene => scene.scale('deployments', 'web', 5)),
      step('new image', scene => scene.patch('deployments', 'web', image('busybox:2'))),
      step('change cause, third image', scene =>
        scene.patch('deployments', 'web', {
          metadata: { annotations: { 'kubernetes.io/change-cause': 'third' } },
          ...image('busybox:3'),
        }),
      ),
      step('back to the first image', scene => scene.patch('deployments', 'web', image('busybox:1'))),
      step('shorter history', scene => scene.patch('deployments', 'web', { spec: { revisionHistoryLimit: 1 } })),
      step('scale to 0', scene => scene.scale('deployments', 'web', 0)),
      step('delete', scene => scene.delete('deployments', 'web', { propagationPolicy: 'Foreground' })),
    ],
  },
  {
    name: 'deployment-stuck',
    kinds,
    steps: [
      step('create with surge 1, unavailable 1', scene =>
        scene.create(
          'deployments',
          'web',
          deployment(4, '', {
            progressDeadlineSeconds: 4,
            strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
          }),
        ),
      ),
      step(
        'an image that does not get ready',
        scene => scene.patch('deployments', 'web', image('busybox:2', plays('running'))),
        {
          leastMs: 8_000,
        },
      ),
      step('scale in proportion', scene => scene.scale('deployments', 'web', 10), { leastMs: 8_000 }),
      step('scale down in proportion', scene => scene.scale('deployments', 'web', 5), { leastMs: 8_000 }),
      step('roll back', scene => scene.patch('deployments', 'web', image('busybox:1', plays('ready')))),
    ],
  },
  {
    name: 'deployment-paused',
    kinds,
    steps: [
      step('create paused', scene => scene.create('deployments', 'web', deployment(2, '', { paused: true }))),
      step('resume', scene => scene.patch('deployments', 'web', { spec: { paused: false } })),
      step('pause, then a new image', async scene => {
        await scene.patch('deployments', 'web', { spec: { paused: true } })
        await pause(1_000)
        await scene.patch('deployments', 'web', image('busybox:2'))
      }),
      step('scale while paused', scene => scene.scale('deployments', 'web', 4)),
      step('resume again', scene => scene.patch('deployments', 'web', { spec: { paused: false } })),
      step('pause after', scene => scene.patch('deployments', 'web', { spec: { paused: true } })),
    ],
  },
  {
    name: 'deployment-recreate',
    kinds,
    steps: [
      step('create', scene =>
        scene.create('deployments', 'web', deployment(2, '', { strategy: { type: 'Recreate' }, minReadySeconds: 3 })),
      ),
      step('new image', scene => scene.patch('deployments', 'web', image('busybox:2')), { leastMs: 5_000 }),
      step('orphan the sets', scene => scene.delete('deployments', 'web', { propagationPolicy: 'Orphan' })),
      step('adopt the sets', scene =>
        scene.create('deployments', 'web', { ...deployment(2, '', { minReadySeconds: 3 }) }),
      ),
    ],
  },
  {
    name: 'deployment-errors',
    kinds: [...kinds, 'resourcequotas'],
    steps: [
      step('a quota of two pods', scene => scene.create('resourcequotas', 'few', { spec: { hard: { pods: '2' } } })),
      step('more pods than the quota allows', scene => scene.create('deployments', 'web', deployment(3)), {
        leastMs: 4_000,
      }),
      step('larger quota', scene => scene.patch('resourcequotas', 'few', { spec: { hard: { pods: '9' } } }), {
        patienceMs: 30_000,
      }),
      step(
        'an unknown service account',
        scene => scene.patch('deployments', 'web', { spec: { template: { spec: { serviceAccountName: 'nobody' } } } }),
        { leastMs: 4_000 },
      ),
    ],
  },
]
