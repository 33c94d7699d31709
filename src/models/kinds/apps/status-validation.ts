import { type FieldError, invalid } from '../../field-error.ts'
import { checkNonNegative } from '../checks.ts'

type Numbers = Record<string, unknown>

const numberOf = (status: Numbers, name: string) => (typeof status[name] === 'number' ? status[name] : 0)

/** Numbers of a status that may not be below zero, in the order in which they are told. */
export function checkCounts(status: object | undefined, names: readonly string[]): FieldError[] {
  return names.flatMap(name => checkNonNegative(`status.${name}`, numberOf((status ?? {}) as Numbers, name)))
}

/** Numbers of a status that are parts of its replicas. */
export function checkPartsOfReplicas(status: object | undefined, names: readonly string[]): FieldError[] {
  const numbers = (status ?? {}) as Numbers
  return names
    .filter(name => numberOf(numbers, name) > numberOf(numbers, 'replicas'))
    .map(name => invalid(`status.${name}`, numberOf(numbers, name), 'cannot be greater than status.replicas'))
}

/** What is available is ready. */
export function checkAvailable(
  status: object | undefined,
  text = 'cannot be greater than readyReplicas',
): FieldError[] {
  const numbers = (status ?? {}) as Numbers
  const available = numberOf(numbers, 'availableReplicas')
  return available > numberOf(numbers, 'readyReplicas') ? [invalid('status.availableReplicas', available, text)] : []
}

interface Counting {
  status?: { collisionCount?: number }
}

/** Names that were taken stay counted. */
export function checkCollisions({ status: next }: Counting, { status: previous }: Counting): FieldError[] {
  const before = previous?.collisionCount
  const count = next?.collisionCount ?? 0
  return before !== undefined && (next?.collisionCount === undefined || count < before)
    ? [invalid('status.collisionCount', count, 'cannot be decremented')]
    : []
}
