import { defineCalicoKind } from './calico-kind.ts'
import { type CalicoPolicy, checkRules, completePolicy, policyColumns } from './policy-rules.ts'

/** A policy of Calico's for all namespaces. */
export const GlobalNetworkPolicy = defineCalicoKind<CalicoPolicy>({
  kind: 'GlobalNetworkPolicy',
  plural: 'globalnetworkpolicies',
  scope: 'Cluster',
  complete: completePolicy,
  check: ({ spec }) => checkRules(spec),
  columns: policyColumns,
})
