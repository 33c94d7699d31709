import { byAge } from '../../models/age.ts'
import type { RoutePolicy } from '../../models/kinds/index.ts'
import type { RoutePolicyTarget } from '../../models/types/optiflow-v1.ts'
import type { Policy } from '../policy/policy.ts'
import type { BackendInput } from './backends.ts'
import type { Engine } from './engine.ts'
import { policyOf } from './policy-of.ts'

export interface PolicyInput extends BackendInput {
  policies: readonly RoutePolicy[]
  engine: Engine
}

/** A policy, and what became of it at each of its targets. */
export interface PlannedPolicy {
  policy: RoutePolicy
  targets: { target: RoutePolicyTarget; refused?: { reason: 'Conflicted' | 'Invalid'; message: string } }[]
}

/** The policies in force. */
export interface Policies {
  planned: PlannedPolicy[]
  /** What the policy of a target says, if it has one. */
  of(kind: string, namespace: string, name: string): Policy | undefined
}

/** Finds the policy of each target: of several for one the oldest. Pure. */
export function planPolicies(input: PolicyInput): Policies {
  const owners = new Map<string, string>()
  const inForce = new Map<string, Policy>()
  const planned = input.policies.toSorted(byAge).map(policy => {
    const { namespace = '', name } = policy.metadata
    const targets = (policy.spec.targetRefs ?? []).map((target): PlannedPolicy['targets'][number] => {
      const key = `${target.kind}/${namespace}/${target.name}`
      const owner = owners.get(key)
      if (owner !== undefined) {
        const message = `routepolicy "${owner}", which is older, is in force for ${target.kind} "${target.name}"`
        return { target, refused: { reason: 'Conflicted', message } }
      }
      owners.set(key, name)
      const id = `RoutePolicy ${namespace}/${name} ${target.kind}/${target.name}`
      const { policy: found, problem } = policyOf(input, { id, namespace, words: policy.spec })
      inForce.set(key, found)
      return { target, ...(problem ? { refused: { reason: 'Invalid', message: problem } } : {}) }
    })
    return { policy, targets }
  })
  return { planned, of: (kind, namespace, name) => inForce.get(`${kind}/${namespace}/${name}`) }
}
