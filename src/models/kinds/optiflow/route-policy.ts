import { defineKind } from '../../kind.ts'
import type * as optiflow from '../../types/optiflow-v1.ts'
import { age, text } from '../columns.ts'
import { checkRoutePolicySpec, checkTargets } from './route-policy-validation.ts'

export type RoutePolicy = optiflow.RoutePolicy

const accepted = ({ status }: optiflow.RoutePolicy): string => {
  const all = status?.ancestors ?? []
  const good = all.filter(a => a.conditions?.some(c => c.type === 'Accepted' && c.status === 'True'))
  return all.length ? `${good.length}/${all.length}` : ''
}

/** How the gateway treats the requests of some routes. See docs/gateway.md. */
export const RoutePolicy = defineKind<optiflow.RoutePolicy>({
  group: 'optiflow.dev',
  version: 'v1',
  kind: 'RoutePolicy',
  plural: 'routepolicies',
  shortNames: ['rpol'],
  scope: 'Namespaced',
  schema: 'optiflow/v1.RoutePolicy',
  subresources: ['status'],
  unconditionalUpdate: true,
  columns: [
    text('Targets', p => (p.spec?.targetRefs ?? []).map(t => `${t.kind}/${t.name}`).join(',')),
    text('Accepted', accepted),
    age,
  ],
  ownAge: true,
  validate: ({ spec }) => (spec ? [...checkTargets(spec.targetRefs), ...checkRoutePolicySpec('spec', spec)] : []),
})
