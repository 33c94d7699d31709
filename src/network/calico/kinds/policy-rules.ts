import { explain } from '../../../base/errors.ts'
import { parseCalicoSelector } from '../policy/selector.ts'
import type { CalicoKind, CalicoObject } from './calico-kind.ts'

/** What a policy of Calico's says, be it for all namespaces or one. */
export interface CalicoPolicy {
  /** `default` unless given. */
  tier?: string
  /** Lower ones are asked first; without one, last. */
  order?: number
  /** Whom it is about, in Calico's language of selectors; everybody unless given. */
  selector?: string
  namespaceSelector?: string
  serviceAccountSelector?: string
  types?: ('Ingress' | 'Egress')[]
  ingress?: CalicoRule[]
  egress?: CalicoRule[]
  /** These two are about interfaces of nodes, not about pods. */
  doNotTrack?: boolean
  preDNAT?: boolean
}

export interface CalicoRule {
  /** `Pass`: the rest of the tier is skipped. `Log` decides nothing. */
  action: 'Allow' | 'Deny' | 'Log' | 'Pass'
  protocol?: string | number
  notProtocol?: string | number
  ipVersion?: 4 | 6
  /** Looked at by a proxy, where there is one. */
  http?: object
  source?: RuleSide
  destination?: RuleSide
}

export interface RuleSide {
  selector?: string
  notSelector?: string
  namespaceSelector?: string
  nets?: string[]
  notNets?: string[]
  /** `80`, `'8000:9000'`, or a name. */
  ports?: (number | string)[]
  notPorts?: (number | string)[]
  serviceAccounts?: { names?: string[]; selector?: string }
  /** Instead of all others: who is behind a Service. */
  services?: { name: string; namespace?: string }
}

/** As calicoctl writes a policy: it says its directions, without which Felix would hold both to it, and is found by its tier. Pure. */
export function completePolicy({ metadata, spec, ...more }: CalicoObject<CalicoPolicy>): CalicoObject<CalicoPolicy> {
  const { tier = 'default', ingress = [], egress = [] } = spec
  const directions: CalicoPolicy['types'] = !egress.length
    ? ['Ingress']
    : ingress.length
      ? ['Ingress', 'Egress']
      : ['Egress']
  return {
    ...more,
    metadata: { ...metadata, labels: { ...metadata.labels, 'projectcalico.org/tier': tier } },
    spec: { ...spec, tier, types: spec.types?.length ? spec.types : directions },
  }
}

const actions = ['Allow', 'Deny', 'Log', 'Pass']

/** What in a policy Calico would not take. Pure. */
export function checkRules(spec: CalicoPolicy): string[] {
  const found = selectorFaults('spec', spec)
  for (const direction of ['ingress', 'egress'] as const)
    for (const [i, rule] of (spec[direction] ?? []).entries()) {
      const at = `spec.${direction}[${i}]`
      if (!actions.includes(rule.action))
        found.push(`${at}.action: ${JSON.stringify(rule.action)} is not one of ${actions.join(', ')}`)
      for (const side of ['source', 'destination'] as const) {
        found.push(...selectorFaults(`${at}.${side}`, rule[side] ?? {}))
        if (rule[side]?.ports?.length && rule.protocol === undefined)
          found.push(`${at}.protocol: needed with ${side}.ports`)
      }
    }
  return found
}

function selectorFaults(
  at: string,
  where: { selector?: string; namespaceSelector?: string; notSelector?: string },
): string[] {
  return (['selector', 'notSelector', 'namespaceSelector'] as const).flatMap(field => {
    const text = where[field]
    if (!text) return []
    try {
      parseCalicoSelector(text)
      return []
    } catch (error) {
      return [`${at}.${field}: ${explain(error)}`]
    }
  })
}

export const policyColumns: CalicoKind<CalicoPolicy>['columns'] = [
  { name: 'TIER', cell: p => p.spec.tier ?? 'default' },
  { name: 'ORDER', cell: p => String(p.spec.order ?? '') },
  { name: 'SELECTOR', cell: p => p.spec.selector || 'all()' },
]
