import { pause } from '../../../support/statistics.ts'
import type { Json } from '../../side.ts'
import { podTemplate, type Story, step } from '../story.ts'

const kinds = ['persistentvolumes', 'persistentvolumeclaims']
const volume = (story: string, spec: Json = {}): Json => ({
  spec: {
    ...{ capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/tmp/none' } },
    ...{ storageClassName: story, persistentVolumeReclaimPolicy: 'Retain', ...spec },
  },
})
const claim = (storageClassName: string, spec: Json = {}): Json => ({
  spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: '1Gi' } }, ...spec },
})
const mounting = (name: string) =>
  podTemplate({}, '', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: name } }] })

export const volumeStories: Story[] = [
  {
    name: 'volumes',
    kinds,
    steps: [
      step('a claim without volumes', scene => scene.create('persistentvolumeclaims', 'a', claim('volumes'))),
      step('a volume', scene => scene.create('persistentvolumes', 'vol-a', volume('volumes')), { patienceMs: 18_000 }),
      step(
        'larger and smaller ones',
        async scene => {
          await scene.create('persistentvolumes', 'vol-b', volume('volumes', { capacity: { storage: '500Mi' } }))
          await scene.create('persistentvolumes', 'vol-c', volume('volumes', { capacity: { storage: '5Gi' } }))
          await scene.create('persistentvolumes', 'vol-d', volume('volumes', { capacity: { storage: '2Gi' } }))
          await pause(1_000)
          await scene.create('persistentvolumeclaims', 'd', claim('volumes'))
        },
        { patienceMs: 18_000 },
      ),
      step(
        'asked for by name',
        scene =>
          scene.create(
            'persistentvolumeclaims',
            'b',
            claim('volumes', { volumeName: 'vol-b', resources: { requests: { storage: '100Mi' } } }),
          ),
        {
          patienceMs: 18_000,
        },
      ),
      step('in use and deleted', async scene => {
        await scene.create('pods', 'user', mounting('a'))
        await scene.awaitPods(1)
        await scene.delete('persistentvolumeclaims', 'a')
      }),
      step('no longer in use', scene => scene.delete('pods', 'user'), { patienceMs: 18_000 }),
      step('a bound volume deleted', scene => scene.delete('persistentvolumes', 'vol-d')),
      step('its claim too', scene => scene.delete('persistentvolumeclaims', 'd'), { patienceMs: 18_000 }),
      step(
        'released, then made available',
        scene => scene.patch('persistentvolumes', 'vol-a', { spec: { claimRef: null } }),
        {
          patienceMs: 18_000,
        },
      ),
      step(
        'lost',
        async scene => {
          await scene.delete('persistentvolumes', 'vol-b')
          await scene.patch('persistentvolumes', 'vol-b', { metadata: { finalizers: null } })
        },
        { patienceMs: 18_000 },
      ),
    ],
  },
  {
    name: 'volume-classes',
    kinds: [...kinds, 'storageclasses'],
    steps: [
      step('classes', async scene => {
        await scene.create('storageclasses', 'story-wait', {
          provisioner: 'kubernetes.io/no-provisioner',
          volumeBindingMode: 'WaitForFirstConsumer',
        })
        await scene.create('storageclasses', 'story-outside', { provisioner: 'example.com/outside' })
        await scene.create('storageclasses', 'story-none', { provisioner: 'kubernetes.io/no-provisioner' })
      }),
      step('claims of each', async scene => {
        for (const name of ['wait', 'outside', 'none', 'missing'])
          await scene.create('persistentvolumeclaims', name, claim(`story-${name}`))
      }),
      step('the waiting one is chosen for a node', scene =>
        scene.patch('persistentvolumeclaims', 'outside', {
          metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'node-a' } },
        }),
      ),
      step(
        'a volume to be deleted',
        scene =>
          scene.create(
            'persistentvolumes',
            'delete-me',
            volume('story-none', { persistentVolumeReclaimPolicy: 'Delete', hostPath: { path: '/var/none' } }),
          ),
        { patienceMs: 18_000 },
      ),
      step('its claim goes', scene => scene.delete('persistentvolumeclaims', 'none'), { patienceMs: 18_000 }),
      step('an ephemeral volume', scene =>
        scene.create(
          'pods',
          'eph',
          podTemplate({}, 'unscheduled', {
            volumes: [
              {
                name: 'scratch',
                ephemeral: { volumeClaimTemplate: { metadata: { labels: { l: 'x' } }, ...claim('story-outside') } },
              },
            ],
          }),
        ),
      ),
      step('its name is taken', async scene => {
        await scene.create('persistentvolumeclaims', 'eph2-scratch', claim('story-outside'))
        await scene.create(
          'pods',
          'eph2',
          podTemplate({}, 'unscheduled', {
            volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: claim('story-outside') } }],
          }),
        )
      }),
    ],
  },
]
