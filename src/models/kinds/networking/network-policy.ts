import { defineKind } from '../../kind.ts'
import type * as networking from '../../types/networking-v1.ts'
import { selectorCell, text } from '../columns.ts'
import { validateNetworkPolicy } from './network-policy-validation.ts'

export type NetworkPolicy = networking.NetworkPolicy

/** A policy is about incoming traffic, and about outgoing traffic if it has egress rules. */
function defaultPolicy({ spec }: networking.NetworkPolicy): void {
  if (!spec) return
  if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
  for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
    for (const port of rule.ports ?? []) port.protocol ??= 'TCP'
}

export const NetworkPolicy = defineKind<networking.NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  shortNames: ['netpol'],
  scope: 'Namespaced',
  schema: 'networking/v1.NetworkPolicy',
  unconditionalUpdate: true,
  columns: [text('Pod-Selector', policy => selectorCell(policy.spec.podSelector))],
  defaults: defaultPolicy,
  checkedTwice: true,
  validate: validateNetworkPolicy,
})
