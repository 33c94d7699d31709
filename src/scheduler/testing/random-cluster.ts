import type { Random } from '../../base/random.ts'
import type { NodeSelectorRequirement, NodeSelectorTerm, PodAffinityTerm } from '../../models/types/core-v1.ts'
import { makeNode, makePod, type NodeSketch, type PodSketch } from './index.ts'
import type { StorageSketch } from './storage.ts'
import { claimVolume } from './storage.ts'

/** Small worlds where rules clash often: few labels, few domains, tight nodes. */
export function randomMaker(random: Random) {
  const chance = (p: number) => random.next() < p
  const below = (n: number) => Math.floor(random.next() * n)
  const one = <T>(list: readonly T[]): T => list[below(list.length)]!
  const maybe = <T>(p: number, value: () => T): T | undefined => (chance(p) ? value() : undefined)
  const apps = ['web', 'db', 'job']
  const keys = ['zone', 'kubernetes.io/hostname', 'rack']
  const namespaces = ['default', 'other']

  const selector = () =>
    chance(0.8)
      ? { matchLabels: { app: one(apps) } }
      : { matchExpressions: [{ key: 'app', operator: one(['NotIn', 'In', 'Exists']), values: [one(apps)] }] }
  const labelSelector = () => {
    const s = selector()
    for (const e of s.matchExpressions ?? []) if (e.operator === 'Exists') e.values = []
    return s
  }
  const term = (): PodAffinityTerm => ({
    topologyKey: one(keys),
    labelSelector: labelSelector(),
    ...(chance(0.2) ? { namespaces: [one(namespaces)] } : {}),
    ...(chance(0.2) ? { namespaceSelector: chance(0.5) ? {} : { matchLabels: { team: 't' } } } : {}),
    ...(chance(0.1) ? { matchLabelKeys: ['rev'] } : chance(0.1) ? { mismatchLabelKeys: ['rev'] } : {}),
  })
  const terms = (p: number) => maybe(p, () => [term(), ...(chance(0.3) ? [term()] : [])])
  const taint = () => ({
    key: one(['k', 'l']),
    value: one(['v', 'w']),
    effect: one(['NoSchedule', 'NoExecute', 'PreferNoSchedule'] as const),
  })

  const expression = () =>
    one([
      { key: 'zone', operator: 'In', values: ['x', 'y'] },
      { key: 'zone', operator: 'NotIn', values: ['x'] },
      { key: 'rack', operator: 'Exists' },
      { key: 'rack', operator: 'DoesNotExist' },
      { key: 'rack', operator: 'Gt', values: ['1'] },
      { key: 'rack', operator: 'Lt', values: ['2'] },
    ] as const) as unknown as NodeSelectorRequirement
  const nodeTerm = (): NodeSelectorTerm =>
    chance(0.2)
      ? { matchFields: [{ key: 'metadata.name', operator: one(['In', 'NotIn'] as const), values: [`n${below(5)}`] }] }
      : { matchExpressions: [expression(), ...(chance(0.3) ? [expression()] : [])] }
  const initContainers = () =>
    [0, ...(chance(0.5) ? [1] : [])].map(() => ({
      requests: { cpu: one(['100m', '1', '2']) },
      sidecar: chance(0.4),
    }))

  return {
    chance,
    below,
    one,
    node(name: string) {
      const sketch: NodeSketch = {
        labels: {
          ...(chance(0.9) ? { zone: one(['x', 'y', 'z']) } : {}),
          ...(chance(0.5) ? { rack: one(['1', '2']) } : {}),
          ...(chance(0.5) ? { 'topology.kubernetes.io/zone': one(['x', 'y']) } : {}),
        },
        unschedulable: chance(0.1),
        allocatable: {
          cpu: one(['1', '2', '4']),
          pods: one(['3', '8', '110']),
          ...(chance(0.3) ? { 'x.io/gpu': '2' } : {}),
        },
        ...(chance(0.3) ? { taints: [taint()] } : {}),
      }
      return makeNode(name, sketch)
    },
    /** Claims bound and waiting, volumes here and there, and nodes that take few. */
    storage(): Partial<StorageSketch> {
      const volumes = ['u', 'v', 'w'].map(name => ({
        name,
        size: one(['1Gi', '2Gi']),
        ...(chance(0.5) ? { zone: one(['x', 'y', 'z']) } : {}),
        ...(chance(0.3) ? { labels: { 'topology.kubernetes.io/zone': one(['x', 'y']) } } : {}),
      }))
      const free = ['f', 'g'].map(name => ({ ...one(volumes), name, storageClass: 'late' }))
      const bound = volumes.map(v => ({
        name: `c-${v.name}`,
        volume: chance(0.9) ? v.name : 'gone',
        mode: one(['ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteOncePod'] as const),
      }))
      const waiting = ['late', 'made', 'now'].map(storageClass => ({
        name: storageClass,
        storageClass,
        size: one(['1Gi', '2Gi']),
      }))
      return {
        volumes: [...volumes, ...free],
        claims: [...bound, ...waiting],
        storageClasses: [
          { name: 'late', waits: true },
          { name: 'made', waits: true, provisioner: 'd', ...(chance(0.5) ? { zones: ['x', 'y'] } : {}) },
          { name: 'now' },
        ],
        limits: Object.fromEntries([0, 1, 2].map(i => [`n${i}`, 1 + below(2)])),
      }
    },
    pod(name: string, on?: string) {
      const volumes = () =>
        [0, ...(chance(0.3) ? [1] : [])].map(() =>
          claimVolume(one(['c-u', 'c-v', 'c-w', 'late', 'made', 'now', 'none'])),
        )
      const here = maybe(0.25, () => [nodeTerm(), ...(chance(0.3) ? [nodeTerm()] : [])])
      const near = terms(0.25)
      const apart = terms(0.25)
      const constraints = maybe(0.35, () => [0, ...(chance(0.3) ? [1] : [])])
      const sketch: PodSketch = {
        namespace: one(namespaces.concat('default')),
        labels: { app: one(apps), ...(chance(0.3) ? { rev: one(['1', '2']) } : {}) },
        requests: {
          ...(chance(0.7) ? { cpu: one(['100m', '500m', '1']) } : {}),
          ...(chance(0.1) ? { 'x.io/gpu': '1' } : {}),
        },
        ...(chance(0.2) ? { init: initContainers() } : {}),
        ...(chance(0.1) ? { overhead: { cpu: '200m' } } : {}),
        ...(chance(0.35) ? { volumes: volumes() } : {}),
        ...(on ? { on } : {}),
        ...(chance(0.1) ? { terminating: true } : {}),
        ...(chance(0.15)
          ? { hostPorts: [{ port: one([80, 81]), ...(chance(0.3) ? { ip: one(['10.0.0.1', '10.0.0.2']) } : {}) }] }
          : {}),
        ...(chance(0.2) ? { nodeSelector: { zone: one(['x', 'y']) } } : {}),
        ...(chance(0.3)
          ? {
              tolerations: [
                chance(0.2)
                  ? { operator: 'Exists' as const }
                  : { key: one(['k', 'l']), operator: one(['Exists', 'Equal'] as const), value: one(['v', 'w']) },
              ],
            }
          : {}),
        ...(near || apart || here
          ? {
              affinity: {
                ...(here
                  ? { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: here } } }
                  : {}),
                ...(near ? { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near } } : {}),
                ...(apart ? { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: apart } } : {}),
              },
            }
          : {}),
        ...(constraints
          ? {
              topologySpreadConstraints: constraints.map(() => ({
                topologyKey: one(keys),
                maxSkew: one([1, 2]),
                whenUnsatisfiable: 'DoNotSchedule' as const,
                labelSelector: labelSelector(),
                ...(chance(0.2) ? { matchLabelKeys: ['rev'] } : {}),
                ...(chance(0.2) ? { minDomains: 3 } : {}),
                ...(chance(0.2) ? { nodeAffinityPolicy: 'Ignore' as const } : {}),
                ...(chance(0.2) ? { nodeTaintsPolicy: 'Honor' as const } : {}),
              })),
            }
          : {}),
      }
      return makePod(name, sketch)
    },
  }
}
