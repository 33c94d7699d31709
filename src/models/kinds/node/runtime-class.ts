import { isDns1123Label } from '../../../base/names.ts'
import { duplicate, type FieldError } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type { Toleration } from '../../types/core-v1.ts'
import type * as node from '../../types/node-v1.ts'
import { checkImmutable, checkLabels, texts } from '../checks.ts'
import { text } from '../columns.ts'
import { checkResources } from '../core/resource-validation.ts'
import { checkTolerations } from '../core/scheduling-validation.ts'

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
    ...texts('handler', next.handler, isDns1123Label(next.handler)),
    // The overhead of pods is looked at as if it were the limits of a container.
    ...checkResources('overhead', { limits: next.overhead?.podFixed ?? {} }),
    ...checkLabels('scheduling.nodeSelector', next.scheduling?.nodeSelector),
    ...checkOwnTolerations('scheduling.tolerations', next.scheduling?.tolerations ?? []),
    ...(previous ? checkImmutable('handler', next.handler, previous.handler) : []),
  ],
})

/** Kubernetes names the field twice where it looks at each. */
function checkOwnTolerations(field: string, tolerations: Toleration[]): FieldError[] {
  const seen = new Set<string>()
  const doubled = tolerations.flatMap((toleration, i) => {
    const { key = '', operator = '', value = '', effect = '' } = toleration
    const name = JSON.stringify([key, operator, value, effect])
    const errors = seen.has(name) ? [duplicate(`${field}[${i}]`, toleration)] : []
    seen.add(name)
    return errors
  })
  return [...checkTolerations(`${field}.tolerations`, tolerations), ...doubled]
}
