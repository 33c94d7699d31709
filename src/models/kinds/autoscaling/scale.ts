import { defineKind } from '../../kind.ts'
import type * as autoscaling from '../../types/autoscaling-v1.ts'
import { age, integer, text } from '../columns.ts'

export type Scale = autoscaling.Scale

export const Scale = defineKind<autoscaling.Scale>({
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  plural: 'scale',
  scope: 'Namespaced',
  schema: 'autoscaling/v1.Scale',
  verbs: ['create'],
  ownName: true,
  ownAge: true,
  columns: [
    text('Name', scale => scale.metadata.name),
    integer('Desired', scale => scale.spec?.replicas),
    integer('Available', scale => scale.status?.replicas),
    age,
  ],
})
