import { checkAffinity } from '../../models/kinds/core/scheduling-validation.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { EnoughCandidates } from '../plugins/index.ts'
import { interPodAffinityWith } from '../plugins/inter-pod-affinity.ts'
import { nodeAffinityWith } from '../plugins/node-affinity.ts'
import { nodeResourcesBalancedAllocationWith } from '../plugins/node-resources-balanced-allocation.ts'
import { nodeResourcesFitWith } from '../plugins/node-resources-fit.ts'
import { podTopologySpreadWith } from '../plugins/pod-topology-spread.ts'
import { volumeBindingWith } from '../plugins/volume-binding.ts'
import { BadConfiguration, refuseAny, wholeNumber } from './bad-configuration.ts'
import { balancedResources, ignoresOf, strategyOf } from './resource-args.ts'
import { spreadArgs } from './spread-args.ts'

type Args = Record<string, any>
interface Maker {
  /** Fields that are understood. */
  fields: readonly string[]
  make(args: Args, at: string, ignored: ReadonlySet<string>): SchedulerPlugin
}

/** Plugins that take arguments. */
const makers: Record<string, Maker> = {
  NodeAffinity: {
    fields: ['addedAffinity'],
    make({ addedAffinity = {} }, at) {
      // Told as part of the field that it is here.
      const errors = checkAffinity('', { nodeAffinity: addedAffinity })
      refuseAny(errors.map(e => ({ ...e, field: e.field.replace('.nodeAffinity', `${at}.addedAffinity`) })))
      return nodeAffinityWith({ addedAffinity })
    },
  },
  NodeResourcesFit: {
    fields: ['scoringStrategy', 'ignoredResources', 'ignoredResourceGroups'],
    make: ({ scoringStrategy, ignoredResources = [], ignoredResourceGroups = [] }, at, ignored) =>
      nodeResourcesFitWith({
        strategy: strategyOf(scoringStrategy, `${at}.scoringStrategy`),
        ignores: ignoresOf(ignoredResources, ignoredResourceGroups, ignored, at),
      }),
  },
  NodeResourcesBalancedAllocation: {
    fields: ['resources'],
    make: ({ resources }, at) =>
      nodeResourcesBalancedAllocationWith({ resources: balancedResources(resources, `${at}.resources`) }),
  },
  InterPodAffinity: {
    fields: ['hardPodAffinityWeight', 'ignorePreferredTermsOfExistingPods'],
    make: ({ hardPodAffinityWeight = 1, ignorePreferredTermsOfExistingPods = false }, at) =>
      interPodAffinityWith({
        hardPodAffinityWeight: wholeNumber(`${at}.hardPodAffinityWeight`, hardPodAffinityWeight, 0, 100),
        ignorePreferredTermsOfExistingPods,
      }),
  },
  PodTopologySpread: {
    fields: ['defaultConstraints', 'defaultingType'],
    make: (args, at) => podTopologySpreadWith(spreadArgs(args, at)),
  },
  VolumeBinding: {
    fields: ['bindTimeoutSeconds'],
    make: ({ bindTimeoutSeconds = 600 }, at) =>
      volumeBindingWith({ bindTimeoutMs: 1_000 * wholeNumber(`${at}.bindTimeoutSeconds`, bindTimeoutSeconds, 0) }),
  },
}

/**
 * The plugin as its arguments say.
 * @param ignored resources that extenders count
 * @throws BadConfiguration naming the field
 */
export function pluginWith(name: string, args: Args, at: string, ignored: ReadonlySet<string>): SchedulerPlugin {
  const maker = makers[name]
  const rest = understood(name, args, at, maker?.fields)
  return maker!.make(rest, at, ignored)
}

const candidateFields = ['minCandidateNodesPercentage', 'minCandidateNodesAbsolute']

/** How many nodes preemption looks for before it takes the best (`DefaultPreemptionArgs`). @throws BadConfiguration */
export function preemptionWith(args: Args, at: string): EnoughCandidates {
  const { minCandidateNodesPercentage = 10, minCandidateNodesAbsolute = 100 } = understood(
    'DefaultPreemption',
    args,
    at,
    candidateFields,
  )
  const percent = wholeNumber(`${at}.minCandidateNodesPercentage`, minCandidateNodesPercentage, 0, 100)
  const nodes = wholeNumber(`${at}.minCandidateNodesAbsolute`, minCandidateNodesAbsolute, percent ? 0 : 1)
  return { percent, nodes }
}

/** @throws BadConfiguration if there are others than these fields, or the plugin takes none */
function understood(name: string, args: Args, at: string, fields: readonly string[] | undefined): Args {
  const { apiVersion: _, kind: __, ...rest } = args
  const unknown = Object.keys(rest).find(field => !fields?.includes(field))
  if (fields && unknown === undefined) return rest
  throw new BadConfiguration(`${at}.${unknown ?? ''}: ${name} does not take it here`, {
    hint: fields
      ? `It takes ${fields.join(', ')}.`
      : `Plugins with arguments: ${[...Object.keys(makers), 'DefaultPreemption'].join(', ')}.`,
  })
}
