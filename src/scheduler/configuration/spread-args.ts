import { checkSpread } from '../../models/kinds/core/scheduling-validation.ts'
import type { TopologySpreadConstraint } from '../../models/types/core-v1.ts'
import type { PodTopologySpreadArgs } from '../plugins/pod-topology-spread.ts'
import { BadConfiguration, refuseAny } from './bad-configuration.ts'

const types = ['System', 'List']

/** How pods without constraints of their own are spread. @throws BadConfiguration */
export function spreadArgs(given: Record<string, any>, at: string): PodTopologySpreadArgs {
  const { defaultingType = 'System' } = given
  const constraints: TopologySpreadConstraint[] = given['defaultConstraints'] ?? []
  if (!types.includes(defaultingType))
    throw new BadConfiguration(`${at}.defaultingType: ${JSON.stringify(defaultingType)} is none of ${types.join(', ')}`)
  if (defaultingType === 'System' && constraints.length)
    throw new BadConfiguration(`${at}.defaultConstraints: only with defaultingType List`)
  refuseAny(checkSpread(`${at}.defaultConstraints`, constraints))
  for (const [i, { labelSelector }] of constraints.entries())
    if (labelSelector)
      throw new BadConfiguration(
        `${at}.defaultConstraints[${i}].labelSelector: what belongs together is told by each pod's services and controller`,
        {
          hint: 'Leave it out.',
        },
      )
  return defaultingType === 'List' ? { defaultConstraints: constraints } : {}
}
