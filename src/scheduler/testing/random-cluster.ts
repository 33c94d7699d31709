import type { Random } from '../../base/random.ts'
import type { PodAffinityTerm } from '../../models/types/core-v1.ts'
import { makeNode, makePod, type NodeSketch, type PodSketch } from './index.ts'

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
  })
  const terms = (p: number) => maybe(p, () => [term(), ...(chance(0.3) ? [term()] : [])])
  const taint = () => ({
    key: one(['k', 'l']),
    value: one(['v', 'w']),
    effect: one(['NoSchedule', 'NoExecute', 'PreferNoSchedule'] as const),
  })

  return {
    chance,
    below,
    one,
    node(name: string) {
      const sketch: NodeSketch = {
        labels: {
          ...(chance(0.9) ? { zone: one(['x', 'y', 'z']) } : {}),
          ...(chance(0.5) ? { rack: one(['1', '2']) } : {}),
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
    pod(name: string, on?: string) {
      const near = terms(0.25)
      const apart = terms(0.25)
      const constraints = maybe(0.35, () => [0, ...(chance(0.3) ? [1] : [])])
      const sketch: PodSketch = {
        namespace: one(namespaces),
        labels: { app: one(apps) },
        requests: {
          ...(chance(0.7) ? { cpu: one(['100m', '500m', '1']) } : {}),
          ...(chance(0.1) ? { 'x.io/gpu': '1' } : {}),
        },
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
        ...(near || apart
          ? {
              affinity: {
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
