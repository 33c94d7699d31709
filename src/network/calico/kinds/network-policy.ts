import { defineCalicoKind } from './calico-kind.ts'
import { type CalicoPolicy, checkRules, completePolicy, policyColumns } from './policy-rules.ts'

/** A policy of Calico's for one namespace: more can be said than with the NetworkPolicy of Kubernetes. */
export const CalicoNetworkPolicy = defineCalicoKind<CalicoPolicy>({
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  scope: 'Namespaced',
  complete: completePolicy,
  check: ({ spec }) => checkRules(spec),
  columns: policyColumns,
})
