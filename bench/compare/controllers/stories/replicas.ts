import { pause } from '../../../support/statistics.ts'
import type { Json } from '../../side.ts'
import { podTemplate, type Story, step } from '../story.ts'

const set = (replicas: number, plays = '') => ({
  spec: { replicas, selector: { matchLabels: { app: 'rs' } }, template: podTemplate({ app: 'rs' }, plays) },
})
const kinds = ['replicasets', 'replicationcontrollers']

const costly = ({ metadata }: Json) => metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] === '100'

export const replicaStories: Story[] = [
  {
    name: 'replicaset',
    kinds,
    steps: [
      step('create', scene => scene.create('replicasets', 'rs', set(4))),
      step('one unready, one costly, one cheap', async scene => {
        const [a, b, c] = await scene.awaitPods(4)
        await scene.set(a, { conditions: [{ type: 'Ready', status: 'False' }] })
        for (const [pod, cost] of [
          [b, '100'],
          [c, '-5'],
        ] as const)
          await scene.patch('pods', pod.metadata.name, {
            metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } },
          })
      }),
      step('scale down by one', scene => scene.scale('replicasets', 'rs', 3)),
      step('scale down by another', scene => scene.scale('replicasets', 'rs', 2)),
      step('release the plain one', async scene => {
        const [pod] = await scene.awaitPods(1, ({ metadata }) => !metadata.annotations)
        await scene.patch('pods', pod.metadata.name, { metadata: { labels: { app: 'other' } } })
      }),
      step('one too many comes', async scene => {
        await pause(1_500)
        await scene.create('pods', 'stray', podTemplate({ app: 'rs' }))
      }),
      step('scale up', scene => scene.scale('replicasets', 'rs', 4)),
      step('one fails', scene => scene.finish(1, costly)),
      step('one succeeds', async scene => {
        const [pod] = await scene.awaitPods(
          4,
          one => one.status.phase === 'Running' && one.metadata.labels.app === 'rs',
        )
        await scene.finish(0, ({ metadata }) => metadata.name === pod.metadata.name)
      }),
      step('orphan', scene => scene.delete('replicasets', 'rs', { propagationPolicy: 'Orphan' })),
      step('adopt all again', scene => scene.create('replicasets', 'rs', set(2))),
      step('delete in the background', scene => scene.delete('replicasets', 'rs', { propagationPolicy: 'Background' })),
    ],
  },
  {
    name: 'replicationcontroller',
    kinds,
    steps: [
      step(
        'create',
        scene =>
          scene.create('replicationcontrollers', 'rc', {
            spec: { replicas: 2, minReadySeconds: 2, selector: { app: 'rc' }, template: podTemplate({ app: 'rc' }) },
          }),
        { leastMs: 4_000 },
      ),
      step('an unknown account', async scene => {
        await scene.patch('replicationcontrollers', 'rc', {
          spec: { replicas: 3, template: { spec: { serviceAccountName: 'nobody' } } },
        })
      }),
      step('scale down', scene => scene.scale('replicationcontrollers', 'rc', 1)),
      step('delete', scene => scene.delete('replicationcontrollers', 'rc', { propagationPolicy: 'Background' })),
    ],
  },
  {
    name: 'replicaset-unschedulable',
    kinds,
    steps: [
      step('create with pods that are not scheduled', scene =>
        scene.create('replicasets', 'rs', set(3, 'unscheduled')),
      ),
      step('scale down', scene => scene.scale('replicasets', 'rs', 1)),
      step('delete in the foreground', scene => scene.delete('replicasets', 'rs', { propagationPolicy: 'Foreground' })),
    ],
  },
]
