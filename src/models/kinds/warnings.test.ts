import { expect, test } from 'vitest'
import * as all from './index.ts'
import { admitted } from './testing.ts'

const kinds = all as any
const warned = (kind: string, body: object): string[] => kinds[kind].warnings?.(admitted(kinds[kind], body)) ?? []
const spec = (extra: object, container: object = {}) => ({
  containers: [{ name: 'c', image: 'i', ...container }],
  ...extra,
})
const metadata = { name: 'x' }

test.each<[string, object, string[]]>([
  ['Pod', { spec: spec({}) }, []],
  [
    'Pod',
    { metadata: { name: 'a.b' }, spec: spec({}) },
    [
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
    ],
  ],
  [
    'Pod',
    { spec: spec({ nodeSelector: { 'beta.kubernetes.io/os': 'linux' } }) },
    ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'],
  ],
  [
    'Pod',
    {
      spec: spec(
        {},
        {
          env: [
            { name: 'A', value: '1' },
            { name: 'A', value: '2' },
            { name: 'A', value: '$(A):3' },
          ],
        },
      ),
    },
    ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
  ],
  [
    'Pod',
    { spec: spec({}, { ports: [{ containerPort: 80 }, { containerPort: 80, hostPort: 8080 }] }) },
    ['spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]'],
  ],
  [
    'Pod',
    { spec: spec({ hostUsers: false }) },
    ['spec.hostUsers: user namespaces are not supported yet; containers run with the users of their node'],
  ],
  [
    'Pod',
    {
      spec: spec({
        resources: { limits: { cpu: '1' } },
        securityContext: { supplementalGroupsPolicy: 'Strict' },
      }),
    },
    [
      'spec.resources: resources of a whole pod are not supported yet and bound nothing; set those of its containers',
      'spec.securityContext.supplementalGroupsPolicy: Strict is not supported yet; processes have the groups of their image too',
    ],
  ],
  [
    'Deployment',
    {
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'b' }, annotations: { 'scheduler.alpha.kubernetes.io/critical-pod': '' } },
          spec: spec({ volumes: [{ name: 'v', gitRepo: { repository: 'r' } }], terminationGracePeriodSeconds: -1 }),
        },
      },
    },
    [
      'spec.template.metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
      'spec.template.spec.volumes[0].gitRepo: deprecated in v1.11',
      'spec.template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
    ],
  ],
  [
    'Ingress',
    { metadata: { ...metadata, annotations: { 'kubernetes.io/ingress.class': 'n' } }, spec: {} },
    ['annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead'],
  ],
  [
    'Service',
    { spec: { ports: [{ port: 80 }], externalName: 'x.example.com' } },
    ['spec.externalName is ignored when spec.type is not "ExternalName"'],
  ],
  [
    'PersistentVolume',
    {
      spec: {
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '1Gi' },
        nfs: { server: 's', path: '/' },
        persistentVolumeReclaimPolicy: 'Recycle',
      },
    },
    [
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    ],
  ],
  [
    'PersistentVolumeClaim',
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '500m' } } } },
    ['spec.resources.requests[storage]: fractional byte value "500m" is invalid, must be an integer'],
  ],
])('%s warns of %j', (kind, body, expected) => {
  expect(warned(kind, body)).toEqual(expected)
})
