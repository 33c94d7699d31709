import { defineCalicoKind } from './calico-kind.ts'

/** A layer of policies: the first tier whose policies decide is the one that counts. */
export interface Tier {
  /** Lower ones are asked first. */
  order?: number
  /** What becomes of a connection that policies of the tier are about and none of them decides. */
  defaultAction?: 'Deny' | 'Pass'
}

/** Calico makes these itself and does not let them go. */
export const builtInTiers = ['default', 'kube-admin', 'kube-baseline']

export const Tier = defineCalicoKind<Tier>({
  kind: 'Tier',
  plural: 'tiers',
  scope: 'Cluster',
  check({ metadata, spec }) {
    const { defaultAction } = spec
    if (metadata.name === 'default' && defaultAction === 'Pass')
      return ['spec.defaultAction: the tier "default" denies what nothing decides']
    if (metadata.name.startsWith('kube-') && builtInTiers.includes(metadata.name) && defaultAction !== 'Pass')
      return [`spec.defaultAction: the tier "${metadata.name}" passes on what nothing decides`]
    return []
  },
  columns: [
    { name: 'ORDER', cell: t => String(t.spec.order ?? '') },
    { name: 'DEFAULT', cell: t => t.spec.defaultAction ?? 'Deny' },
  ],
})
