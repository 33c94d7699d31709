import { isDns1123Label } from '../../../base/names.ts'
import { defineKind } from '../../kind.ts'
import type * as node from '../../types/node-v1.ts'
import { checkImmutable, checkName } from '../checks.ts'
import { text } from '../columns.ts'

export type RuntimeClass = node.RuntimeClass

export const RuntimeClass = defineKind<node.RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  scope: 'Cluster',
  schema: 'node/v1.RuntimeClass',
  noGeneration: true,
  columns: [text('Handler', c => c.handler)],
  validate: (next, previous) => [
    ...checkName('handler', next.handler, isDns1123Label),
    ...(previous ? checkImmutable('handler', next.handler, previous.handler) : []),
  ],
})
