import { type Random, seededRandom } from '../../../src/base/random.ts'
import type { Json } from '../side.ts'

/** A cluster and the pods that come to it one after another, as they are sent to both servers. */
export interface World {
  nodes: Json[]
  /** Everything else but pods: its collection, and the object. */
  objects: { path: string; object: Json }[]
  /** With spec.nodeName; `ending` ones are asked to end. */
  placed: { pod: Json; startTime: string; ending: boolean }[]
  pods: Json[]
}

export const namespaces: Record<string, Record<string, string>> = { default: {}, other: { team: 't' } }
export const priorities: Record<string, Json> = {
  low: { value: -10 },
  mid: { value: 100 },
  high: { value: 1_000 },
  polite: { value: 1_000, preemptionPolicy: 'Never' },
}

const podsPerWorld = 12
/** With their sizes in MiB. */
const images = { 'app:1': 40, 'big:2': 300, 'huge:3': 900 }

/** Small worlds where rules clash often: few labels, few domains, tight nodes. */
export function randomWorld(seed: number): World {
  const make = maker(seededRandom(seed))
  const nodes = Array.from({ length: 3 + make.below(4) }, (_, i) => make.node(`n${i}`))
  const placed = Array.from({ length: 4 + make.below(8) }, (_, i) => ({
    pod: make.pod(`placed${i}`, make.one(nodes).metadata.name),
    startTime: `2026-01-01T00:00:${10 + i}Z`,
    ending: make.chance(0.06),
  }))
  const pods = Array.from({ length: podsPerWorld }, (_, i) => make.pod(`p${i}`))
  return { nodes, objects: make.objects(nodes), placed, pods }
}

function maker(random: Random) {
  const chance = (p: number) => random.next() < p
  const below = (n: number) => Math.floor(random.next() * n)
  const one = <T>(list: readonly T[]): T => list[below(list.length)]!
  const some = <T>(first: number, next: number, make: () => T): T[] =>
    chance(first) ? [make(), ...(chance(next) ? [make()] : [])] : []
  const when = (p: number, part: () => object) => (chance(p) ? part() : {})
  const listed = (name: string, list: unknown[]) => (list.length ? { [name]: list } : {})
  const keys = ['zone', 'kubernetes.io/hostname', 'rack']
  const apps = ['web', 'db', 'job']

  const labelSelector = () =>
    one([
      { matchLabels: { app: one(apps) } },
      { matchLabels: { app: one(apps) } },
      { matchExpressions: [{ key: 'app', operator: one(['NotIn', 'In']), values: [one(apps)] }] },
      { matchExpressions: [{ key: 'tier', operator: one(['Exists', 'DoesNotExist']) }] },
      {},
    ])
  const term = () => ({
    topologyKey: one(keys),
    labelSelector: labelSelector(),
    ...when(0.2, () => ({ namespaces: [one(Object.keys(namespaces))] })),
    ...when(0.15, () => ({ namespaceSelector: one([{}, { matchLabels: { team: 't' } }]) })),
    ...when(0.1, () => ({ matchLabelKeys: ['rev'] })),
  })
  const weighted = () => ({ weight: one([1, 10, 50, 100]), podAffinityTerm: term() })
  const near = (p: number) => ({
    ...listed('requiredDuringSchedulingIgnoredDuringExecution', some(p, 0.3, term)),
    ...listed('preferredDuringSchedulingIgnoredDuringExecution', some(p, 0.4, weighted)),
  })
  const expression = () =>
    one<object>([
      { key: 'zone', operator: 'In', values: ['x', 'y'] },
      { key: 'zone', operator: 'NotIn', values: ['x'] },
      { key: 'rack', operator: 'Exists' },
      { key: 'rack', operator: 'DoesNotExist' },
      { key: 'rack', operator: 'Gt', values: ['1'] },
      { key: 'rack', operator: 'Lt', values: ['2'] },
    ])
  const nodeTerm = () =>
    chance(0.2)
      ? { matchFields: [{ key: 'metadata.name', operator: one(['In', 'NotIn']), values: [`n${below(5)}`] }] }
      : { matchExpressions: [expression(), ...(chance(0.3) ? [expression()] : [])] }
  const nodePreference = () => ({ weight: one([1, 20, 100]), preference: nodeTerm() })
  const nodeAffinity = () => {
    const terms = some(0.5, 0.3, nodeTerm)
    return {
      ...(terms.length ? { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } : {}),
      ...listed('preferredDuringSchedulingIgnoredDuringExecution', some(0.6, 0.5, nodePreference)),
    }
  }
  const spread = (hard: boolean) => ({
    topologyKey: one(keys),
    maxSkew: one([1, 2]),
    whenUnsatisfiable: hard ? 'DoNotSchedule' : 'ScheduleAnyway',
    ...(chance(0.9) ? { labelSelector: labelSelector() } : {}),
    ...when(0.2, () => ({ labelSelector: { matchLabels: { app: one(apps) } }, matchLabelKeys: ['rev'] })),
    ...(hard && chance(0.2) ? { minDomains: one([2, 3]) } : {}),
    ...when(0.2, () => ({ nodeAffinityPolicy: one(['Ignore', 'Honor']) })),
    ...when(0.2, () => ({ nodeTaintsPolicy: one(['Honor', 'Ignore']) })),
  })
  /** The API refuses two of one key and effect. */
  const spreads = () => {
    const all = some(0.3, 0.4, () => spread(chance(0.5)))
    return all.filter((a, i) =>
      all.slice(0, i).every(b => a.topologyKey !== b.topologyKey || a.whenUnsatisfiable !== b.whenUnsatisfiable),
    )
  }
  const toleration = () =>
    one<object>([
      { operator: 'Exists' },
      { key: one(['k', 'l']), operator: 'Exists', effect: one(['NoSchedule', 'PreferNoSchedule', 'NoExecute']) },
      { key: one(['k', 'l']), operator: 'Exists' },
      { key: one(['k', 'l']), operator: 'Equal', value: one(['v', 'w']) },
    ])
  const requests = () => ({
    ...when(0.7, () => ({ cpu: one(['100m', '500m', '1', '2']) })),
    ...when(0.5, () => ({ memory: one(['64Mi', '200Mi', '1Gi', '3Gi']) })),
    ...when(0.1, () => ({ 'ephemeral-storage': one(['1Gi', '40Gi']) })),
  })
  const container = (name: string) => {
    const asked = requests()
    const device = chance(0.1) ? { 'x.io/gpu': one(['1', '2', '3']) } : {}
    const port = () => ({
      containerPort: 80,
      hostPort: one([80, 81]),
      ...when(0.3, () => ({ hostIP: one(['10.0.0.1', '10.0.0.2', '0.0.0.0']) })),
      ...when(0.2, () => ({ protocol: 'UDP' })),
    })
    return {
      name,
      image: one(Object.keys(images)),
      resources: { requests: { ...asked, ...device }, limits: device },
      ...(chance(0.12) ? { ports: [port()] } : {}),
    }
  }
  const init = (i: number) => ({ ...container(`i${i}`), ports: [], ...when(0.4, () => ({ restartPolicy: 'Always' })) })
  const claims = [
    'bound-x',
    'bound-any',
    'bound-alone',
    'lost',
    'waiting',
    'absent',
    'late-1',
    'late-2',
    'late-3',
    'made',
  ]
  const volume = (i: number) => ({ name: `v${i}`, persistentVolumeClaim: { claimName: one(claims) } })

  return {
    chance,
    below,
    one,
    node(name: string): Json {
      const taint = () => ({
        key: one(['k', 'l']),
        value: one(['v', 'w']),
        effect: one(['NoSchedule', 'NoExecute', 'PreferNoSchedule']),
      })
      const taints = some(0.3, 0.3, taint)
      const [first, second] = taints
      const distinct = first?.key === second?.key && first?.effect === second?.effect ? taints.slice(0, 1) : taints
      const room = {
        cpu: one(['1', '2', '4', '3900m']),
        memory: one(['2Gi', '4Gi', '16000Mi']),
        pods: one(['3', '8', '110']),
        'ephemeral-storage': '50Gi',
        ...when(0.3, () => ({ 'x.io/gpu': one(['2', '4']) })),
      }
      return {
        metadata: {
          name,
          labels: {
            'kubernetes.io/hostname': name,
            ...when(0.9, () => ({ zone: one(['x', 'y', 'z']) })),
            ...when(0.5, () => ({ rack: one(['1', '2']) })),
            ...when(0.7, () => ({ 'topology.kubernetes.io/zone': one(['x', 'y']) })),
          },
        },
        spec: { taints: distinct, ...when(0.08, () => ({ unschedulable: true })) },
        status: {
          allocatable: room,
          capacity: room,
          images: Object.entries(images)
            .filter(() => chance(0.4))
            .map(([image, mib]) => ({ names: [`docker.io/library/${image}`], sizeBytes: mib * 2 ** 20 })),
        },
      }
    },
    pod(name: string, nodeName?: string): Json {
      const affinity = {
        ...when(0.3, () => ({ nodeAffinity: nodeAffinity() })),
        ...when(0.3, () => ({ podAffinity: near(0.5) })),
        ...when(0.3, () => ({ podAntiAffinity: near(0.5) })),
      }
      return {
        metadata: {
          name,
          namespace: one(['default', 'default', 'other']),
          labels: {
            app: one(apps),
            ...when(0.3, () => ({ tier: 'a' })),
            ...when(0.3, () => ({ rev: one(['1', '2']) })),
          },
        },
        spec: {
          ...(nodeName ? { nodeName } : {}),
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 30,
          ...when(0.5, () => ({ priorityClassName: one(Object.keys(priorities)) })),
          containers: [container('c'), ...(chance(0.15) ? [{ ...container('d'), ports: [] }] : [])],
          ...(chance(0.15) ? { initContainers: [init(0), ...(chance(0.5) ? [init(1)] : [])] } : {}),
          ...when(0.15, () => ({ nodeSelector: { zone: one(['x', 'y']) } })),
          ...listed('tolerations', some(0.3, 0.2, toleration)),
          affinity,
          topologySpreadConstraints: spreads(),
          ...(chance(0.15) ? { volumes: [volume(0), ...(chance(0.3) ? [volume(1)] : [])] } : {}),
        },
      }
    },
    objects(nodes: readonly Json[]): World['objects'] {
      const size = { storage: '1Gi' }
      const volume = (name: string, labels: object, more: object) => ({
        path: '/api/v1/persistentvolumes',
        object: {
          metadata: { name, labels },
          spec: {
            accessModes: ['ReadWriteOnce'],
            capacity: size,
            csi: { driver: 'd.io', volumeHandle: name },
            storageClassName: 'now',
            ...more,
          },
        },
      })
      const claim = (namespace: string, name: string, more: object, mode = 'ReadWriteOnce') => ({
        path: `/api/v1/namespaces/${namespace}/persistentvolumeclaims`,
        object: {
          metadata: { name, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
          spec: { accessModes: [mode], resources: { requests: size }, storageClassName: 'now', ...more },
        },
      })
      const zoneOnly = (zone: string) => ({
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [zone] }] }],
      })
      const required = zoneOnly('x')
      const inZone = (values: string[]) => ({ matchLabelExpressions: [{ key: 'zone', values }] })
      const waits = { volumeBindingMode: 'WaitForFirstConsumer' }
      const storageClass = (name: string, provisioner: string, more: object) => ({
        path: '/apis/storage.k8s.io/v1/storageclasses',
        object: { metadata: { name }, provisioner, ...more },
      })
      /** Bound to whatever suits where the pod goes. */
      const late = (namespace: string) =>
        ['late-1', 'late-2', 'late-3', 'made'].map(name => ({
          path: `/api/v1/namespaces/${namespace}/persistentvolumeclaims`,
          object: {
            metadata: { name },
            spec: {
              accessModes: ['ReadWriteOnce'],
              resources: { requests: { storage: one(['1Gi', '2Gi']) } },
              storageClassName: name === 'made' ? 'made' : 'late',
            },
          },
        }))
      const limited = nodes.filter(() => chance(0.4)).map(({ metadata: { name } }) => name as string)
      return [
        storageClass('now', 'd.io', {}),
        storageClass('late', 'kubernetes.io/no-provisioner', waits),
        storageClass('made', 'd.io', { ...waits, ...when(0.5, () => ({ allowedTopologies: [inZone(['x', 'y'])] })) }),
        ...['late-a', 'late-b', 'late-c'].map(name =>
          volume(
            name,
            {},
            {
              storageClassName: 'late',
              capacity: { storage: one(['1Gi', '2Gi', '3Gi']) },
              ...when(0.6, () => ({ nodeAffinity: { required: zoneOnly(one(['x', 'y', 'z'])) } })),
            },
          ),
        ),
        volume('x', {}, { nodeAffinity: { required } }),
        volume('any', chance(0.5) ? { 'topology.kubernetes.io/zone': one(['x', 'y']) } : {}, {}),
        volume('alone', {}, { accessModes: ['ReadWriteOncePod'] }),
        ...Object.keys(namespaces).flatMap(namespace => [
          claim(namespace, 'bound-x', { volumeName: 'x' }),
          claim(namespace, 'bound-any', { volumeName: 'any' }),
          claim(namespace, 'bound-alone', { volumeName: 'alone' }, 'ReadWriteOncePod'),
          claim(namespace, 'lost', { volumeName: 'gone' }),
          claim(namespace, 'waiting', {}),
          ...late(namespace),
        ]),
        ...limited.map(name => ({
          path: '/apis/storage.k8s.io/v1/csinodes',
          object: {
            metadata: { name },
            spec: { drivers: [{ name: 'd.io', nodeID: name, allocatable: { count: 1 } }] },
          },
        })),
        ...apps
          .filter(() => chance(0.3))
          .map(app => ({
            path: '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
            object: {
              metadata: { name: app },
              spec: { minAvailable: 1, selector: { matchLabels: { app } } },
              status: { disruptionsAllowed: below(2), currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
            },
          })),
        ...apps
          .filter(() => chance(0.3))
          .map(app => ({
            path: '/api/v1/namespaces/default/services',
            object: { metadata: { name: app }, spec: { selector: { app }, ports: [{ port: 80 }] } },
          })),
      ]
    },
  }
}
