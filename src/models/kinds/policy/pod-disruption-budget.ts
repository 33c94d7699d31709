import { type FieldError, invalid } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as policy from '../../types/policy-v1.ts'
import { checkCountOrPercent, checkNonNegative, checkNotMoreThanAll, checkOneOf } from '../checks.ts'
import { integer, text } from '../columns.ts'
import { checkConditions } from '../condition-validation.ts'
import { checkSelector } from '../selector-checks.ts'

export type PodDisruptionBudget = policy.PodDisruptionBudget

function validateBudget({ spec }: policy.PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector } = spec
  const policy = spec.unhealthyPodEvictionPolicy
  const errors = [
    ...checkCountOrPercent('spec.minAvailable', minAvailable),
    ...checkNotMoreThanAll('spec.minAvailable', minAvailable),
    ...checkCountOrPercent('spec.maxUnavailable', maxUnavailable),
    ...checkNotMoreThanAll('spec.maxUnavailable', maxUnavailable),
    ...checkSelector('spec.selector', selector),
  ]
  if (minAvailable !== undefined && maxUnavailable !== undefined)
    errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'))
  if (policy === undefined) return errors
  return [...errors, ...checkOneOf('spec.unhealthyPodEvictionPolicy', policy, ['AlwaysAllow', 'IfHealthyBudget'])]
}

const counts = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const

function checkBudgetStatus({ status }: policy.PodDisruptionBudget): FieldError[] {
  return [
    ...checkConditions('status.conditions', status?.conditions),
    ...counts.flatMap(name => checkNonNegative(`status.${name}`, status?.[name])),
  ]
}

export const PodDisruptionBudget = defineKind<policy.PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  scope: 'Namespaced',
  schema: 'policy/v1.PodDisruptionBudget',
  subresources: ['status'],
  columns: [
    text('Min Available', budget => String(budget.spec.minAvailable ?? 'N/A')),
    text('Max Unavailable', budget => String(budget.spec.maxUnavailable ?? 'N/A')),
    integer('Allowed Disruptions', budget => budget.status?.disruptionsAllowed),
  ],
  // Kubernetes looks at the names of budgets no closer than a path needs.
  validName: () => [],
  validate: validateBudget,
  validatePart: (_, next) => checkBudgetStatus(next),
})
