import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { text } from '../columns.ts'

export type ComponentStatus = core.ComponentStatus

const healthy = (component: core.ComponentStatus) => component.conditions?.find(c => c.type === 'Healthy')

export const ComponentStatus = defineKind<core.ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  shortNames: ['cs'],
  scope: 'Cluster',
  schema: 'core/v1.ComponentStatus',
  verbs: ['get', 'list'],
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
  noGeneration: true,
  columns: [
    text('Status', component => {
      const status = healthy(component)?.status
      return status === undefined ? 'Unknown' : status === 'True' ? 'Healthy' : 'Unhealthy'
    }),
    text('Message', component => healthy(component)?.message ?? ''),
    text('Error', component => healthy(component)?.error ?? ''),
  ],
  ownAge: true,
})
