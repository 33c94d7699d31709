import { defineCalicoKind } from './calico-kind.ts'
import { type CalicoPolicy, checkRules, policyColumns } from './policy-rules.ts'

/** A policy of Calico's for one namespace: more can be said than with the NetworkPolicy of Kubernetes. */
export const CalicoNetworkPolicy = defineCalicoKind<CalicoPolicy>({
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  scope: 'Namespaced',
  check: ({ spec }) => checkRules(spec),
  columns: policyColumns,
})
