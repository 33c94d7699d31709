import { OptiFlowError } from '../../base/errors.ts'
import type { TopologySpreadConstraint } from '../../models/types/core-v1.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import { interPodAffinityWith } from '../plugins/inter-pod-affinity.ts'
import { nodeResourcesFitWith } from '../plugins/node-resources-fit.ts'
import { podTopologySpreadWith } from '../plugins/pod-topology-spread.ts'
import { byShape, leastAllocated, mostAllocated, type ScoringStrategy } from '../plugins/scoring-strategy.ts'

/** The configuration says something that cannot be done. */
export class BadConfiguration extends OptiFlowError {}

type Args = Record<string, any>
interface Maker {
  /** Fields that are understood. */
  fields: readonly string[]
  make(args: Args, at: string, ignored: ReadonlySet<string>): SchedulerPlugin
}

/** Plugins that take arguments. */
const makers: Record<string, Maker> = {
  NodeResourcesFit: {
    fields: ['scoringStrategy'],
    make: ({ scoringStrategy }, at, ignored) =>
      nodeResourcesFitWith({ strategy: strategyOf(scoringStrategy, `${at}.scoringStrategy`), ignored }),
  },
  InterPodAffinity: {
    fields: ['hardPodAffinityWeight'],
    make({ hardPodAffinityWeight: weight = 1 }, at) {
      if (!Number.isInteger(weight) || weight < 0 || weight > 100)
        throw new BadConfiguration(`${at}.hardPodAffinityWeight: ${weight} is not a whole number from 0 to 100`)
      return interPodAffinityWith({ hardPodAffinityWeight: weight })
    },
  },
  PodTopologySpread: {
    fields: ['defaultConstraints', 'defaultingType'],
    make({ defaultingType = 'System', defaultConstraints = [] }, at) {
      if (defaultingType === 'System' && defaultConstraints.length)
        throw new BadConfiguration(`${at}.defaultConstraints: only with defaultingType List`)
      const constraints = defaultConstraints as TopologySpreadConstraint[]
      return podTopologySpreadWith(defaultingType === 'List' ? { defaultConstraints: constraints } : {})
    },
  },
}

/**
 * The plugin as its arguments say.
 * @param ignored resources that extenders count
 * @throws BadConfiguration naming the field
 */
export function pluginWith(name: string, args: Args, at: string, ignored: ReadonlySet<string>): SchedulerPlugin {
  const { apiVersion: _, kind: __, ...rest } = args
  const maker = makers[name]
  const unknown = Object.keys(rest).filter(field => !maker?.fields.includes(field))
  if (!maker || unknown.length)
    throw new BadConfiguration(`${at}.${unknown[0] ?? ''}: ${name} does not take it here`, {
      hint: maker
        ? `It takes ${maker.fields.join(', ')}.`
        : `Plugins with arguments: ${Object.keys(makers).join(', ')}.`,
    })
  return maker.make(rest, at, ignored)
}

function strategyOf(given: Args | undefined, at: string): ScoringStrategy | undefined {
  if (!given) return undefined
  const { type = 'LeastAllocated', resources, requestedToCapacityRatio } = given
  const weighted = (resources ?? [{ name: 'cpu' }, { name: 'memory' }]).map((r: Args) => ({
    name: String(r['name']),
    weight: Number(r['weight'] ?? 1),
  }))
  const rates: Record<string, () => ScoringStrategy['rate']> = {
    LeastAllocated: () => leastAllocated,
    MostAllocated: () => mostAllocated,
    RequestedToCapacityRatio() {
      const shape: { utilization: number; score: number }[] = requestedToCapacityRatio?.shape ?? []
      const rising = shape.every((p, i) => !i || p.utilization > shape[i - 1]!.utilization)
      if (!shape.length || !rising)
        throw new BadConfiguration(`${at}.requestedToCapacityRatio.shape: needs points of rising utilization`)
      return byShape(shape)
    },
  }
  const rate = rates[type]
  if (!rate)
    throw new BadConfiguration(`${at}.type: ${JSON.stringify(type)} is none of ${Object.keys(rates).join(', ')}`)
  return { rate: rate(), resources: weighted }
}
