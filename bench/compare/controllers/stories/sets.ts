import type { Json } from '../../side.ts'
import { addNode, setNode } from '../actor.ts'
import { podTemplate, type Story, step } from '../story.ts'

const stateful = (replicas: number, spec: Json = {}, plays = ''): Json => ({
  spec: {
    ...{
      replicas,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: podTemplate({ app: 'db' }, plays),
    },
    ...spec,
  },
})
const image = (name: string, more: Json = {}): Json => ({
  spec: { template: { ...more, spec: { containers: [{ name: 'main', image: name }] } } },
})
const plays = (word: string) => ({ metadata: { annotations: { plays: word } } })
const kinds = ['statefulsets', 'controllerrevisions', 'persistentvolumeclaims']
const claims = [
  {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } },
  },
]
const daemonKinds = ['daemonsets', 'controllerrevisions']
const daemon = (story: string, spec: Json = {}, pod: Json = {}): Json => ({
  spec: {
    selector: { matchLabels: { app: 'ds' } },
    template: podTemplate({ app: 'ds' }, '', { nodeSelector: { ds: story }, ...pod }),
    ...spec,
  },
})

export const setStories: Story[] = [
  {
    name: 'statefulset-ordered',
    kinds,
    steps: [
      step('create', scene => scene.create('statefulsets', 'db', stateful(3))),
      step('new image', scene => scene.patch('statefulsets', 'db', image('busybox:2'))),
      step('partition 2, another image', scene =>
        scene.patch('statefulsets', 'db', {
          spec: { ...image('busybox:3').spec, updateStrategy: { rollingUpdate: { partition: 2 } } },
        }),
      ),
      step('partition 0', scene =>
        scene.patch('statefulsets', 'db', { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } }),
      ),
      step('one that does not get ready', scene =>
        scene.patch('statefulsets', 'db', image('busybox:4', plays('running'))),
      ),
      step('back', scene => scene.patch('statefulsets', 'db', image('busybox:3', plays('ready')))),
      step('mend the broken one by hand', scene => scene.delete('pods', 'db-2')),
      step('one fails', scene => scene.finish(1, pod => pod.metadata.name === 'db-1')),
      step('on delete, another image', scene =>
        scene.patch('statefulsets', 'db', {
          spec: { ...image('busybox:5').spec, updateStrategy: { type: 'OnDelete', rollingUpdate: null } },
        }),
      ),
      step('delete one', scene => scene.delete('pods', 'db-0')),
      step('scale down', scene => scene.scale('statefulsets', 'db', 1)),
      step('delete', scene => scene.delete('statefulsets', 'db', { propagationPolicy: 'Foreground' })),
    ],
  },
  {
    name: 'statefulset-parallel',
    kinds,
    steps: [
      step('create from ordinal 5', scene =>
        scene.create('statefulsets', 'db', stateful(3, { podManagementPolicy: 'Parallel', ordinals: { start: 5 } })),
      ),
      step('start at 4', scene => scene.patch('statefulsets', 'db', { spec: { ordinals: { start: 4 } } })),
      step('new image', scene => scene.patch('statefulsets', 'db', image('busybox:2'))),
      step('min ready seconds', scene => scene.patch('statefulsets', 'db', { spec: { minReadySeconds: 4 } }), {
        leastMs: 5_000,
      }),
      step('scale to 0', scene => scene.scale('statefulsets', 'db', 0)),
    ],
  },
  {
    name: 'statefulset-claims',
    kinds,
    steps: [
      step('create, retain', scene =>
        scene.create('statefulsets', 'db', stateful(2, { volumeClaimTemplates: claims })),
      ),
      step('when scaled: delete', scene =>
        scene.patch('statefulsets', 'db', {
          spec: { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' }, podManagementPolicy: undefined },
        }),
      ),
      step('when deleted: delete', scene =>
        scene.patch('statefulsets', 'db', {
          spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' } },
        }),
      ),
      step('scale to 0', scene => scene.scale('statefulsets', 'db', 0)),
      step('when scaled: delete; scale to 1', scene =>
        scene.patch('statefulsets', 'db', {
          spec: { replicas: 1, persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' } },
        }),
      ),
      step('scale to 0 again', scene => scene.scale('statefulsets', 'db', 0)),
      step('delete', scene => scene.delete('statefulsets', 'db', { propagationPolicy: 'Background' })),
    ],
  },
  {
    name: 'daemonset-rolling',
    kinds: daemonKinds,
    steps: [
      step('create on two nodes', async scene => {
        await addNode(scene.side, 'ds-a', { ds: 'rolling' })
        await addNode(scene.side, 'ds-b', { ds: 'rolling' })
        await scene.create('daemonsets', 'ds', daemon('rolling'))
      }),
      step('a third node', scene => addNode(scene.side, 'ds-c', { ds: 'rolling' })),
      step('new image', scene => scene.patch('daemonsets', 'ds', image('busybox:2'))),
      step('surge 1', scene =>
        scene.patch('daemonsets', 'ds', {
          spec: { ...image('busybox:3').spec, updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
        }),
      ),
      step('one that does not get ready', scene =>
        scene.patch('daemonsets', 'ds', image('busybox:4', plays('running'))),
      ),
      step('back', scene => scene.patch('daemonsets', 'ds', image('busybox:3', plays('ready')))),
      step('one fails', async scene => {
        const pods = await scene.awaitPods(3)
        const victim = pods.find(pod => pod.spec.nodeName === 'ds-a')
        await scene.finish(1, ({ metadata }) => metadata.name === victim.metadata.name)
      }),
      step('on delete, another image', scene =>
        scene.patch('daemonsets', 'ds', {
          spec: { ...image('busybox:5').spec, updateStrategy: { type: 'OnDelete', rollingUpdate: null } },
        }),
      ),
      step('one node loses its label', async ({ side }) => {
        await side.json(
          'PATCH',
          '/api/v1/nodes/ds-c',
          { metadata: { labels: { ds: null } } },
          'application/merge-patch+json',
        )
      }),
      step('a node goes', ({ side }) => side.json('DELETE', '/api/v1/nodes/ds-b'), { patienceMs: 70_000 }),
      step('delete', scene => scene.delete('daemonsets', 'ds', { propagationPolicy: 'Background' })),
    ],
  },
  {
    name: 'daemonset-taints',
    kinds: daemonKinds,
    steps: [
      step('create beside a taint', async scene => {
        await addNode(scene.side, 'dt-a', { ds: 'taints' }, { taints: [{ key: 'no', effect: 'NoSchedule' }] })
        await addNode(scene.side, 'dt-b', { ds: 'taints' })
        await scene.create('daemonsets', 'ds', daemon('taints'))
      }),
      step('tolerate it', scene =>
        scene.patch('daemonsets', 'ds', {
          spec: { template: { spec: { tolerations: [{ key: 'no', operator: 'Exists' }] } } },
        }),
      ),
      step('cordon', ({ side }) =>
        side.json('PATCH', '/api/v1/nodes/dt-b', { spec: { unschedulable: true } }, 'application/merge-patch+json'),
      ),
      step('a taint that evicts', ({ side }) =>
        side.json(
          'PATCH',
          '/api/v1/nodes/dt-b',
          { spec: { unschedulable: null, taints: [{ key: 'out', effect: 'NoExecute' }] } },
          'application/merge-patch+json',
        ),
      ),
      step('not ready', ({ side }) => setNode(side, 'dt-a', 'False')),
      step('ready', ({ side }) => setNode(side, 'dt-a', 'True')),
      step(
        'a wrong account',
        scene => scene.patch('daemonsets', 'ds', { spec: { template: { spec: { serviceAccountName: 'nobody' } } } }),
        { leastMs: 4_000 },
      ),
      step('orphan', scene => scene.delete('daemonsets', 'ds', { propagationPolicy: 'Orphan' })),
    ],
  },
]
