import { type FieldError, forbidden } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as scheduling from '../../types/scheduling-v1.ts'
import { checkImmutable, checkOneOf } from '../checks.ts'
import { age, boolean, integer, text } from '../columns.ts'

export type PriorityClass = scheduling.PriorityClass

const highest = 1_000_000_000
const system: Record<string, number> = {
  'system-cluster-critical': 2 * highest,
  'system-node-critical': 2 * highest + 1000,
}

function validateClass(next: scheduling.PriorityClass, previous?: scheduling.PriorityClass): FieldError[] {
  const { name } = next.metadata
  const errors: FieldError[] = []
  if (!previous && name?.startsWith('system-')) {
    const wrong = systemProblem(next)
    if (wrong)
      errors.push(
        forbidden(
          'metadata.name',
          `priority class names with 'system-' prefix are reserved for system use only. error: ${wrong}`,
        ),
      )
  } else if (!previous && next.value > highest)
    errors.push(forbidden('value', `maximum allowed value of a user defined priority is ${highest}`))
  if (!previous)
    return [...errors, ...checkOneOf('preemptionPolicy', next.preemptionPolicy, ['PreemptLowerPriority', 'Never'])]
  if (next.value !== previous.value) errors.push(forbidden('value', 'may not be changed in an update.'))
  return [...errors, ...checkImmutable('preemptionPolicy', next.preemptionPolicy, previous.preemptionPolicy)]
}

/** How a class differs from the one of the system that has its name. */
function systemProblem({ metadata, value, globalDefault }: scheduling.PriorityClass): string | undefined {
  const { name } = metadata
  const known = system[name!]
  if (known === undefined) return `${name} is not a known system priority class`
  if (known !== value) return `value of ${name} PriorityClass must be ${known}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}

export const PriorityClass = defineKind<scheduling.PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  scope: 'Cluster',
  schema: 'scheduling/v1.PriorityClass',
  unconditionalUpdate: true,
  generationChanged: () => false,
  columns: [
    integer('Value', c => c.value),
    boolean('Global-Default', c => c.globalDefault),
    age,
    text('PreemptionPolicy', c => c.preemptionPolicy ?? ''),
  ],
  ownAge: true,
  defaults: c => {
    c.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  validate: validateClass,
})
