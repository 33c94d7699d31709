import type { ScalarName } from '../schema/data.ts'
import type { ObjectType, Type } from '../schema/types.ts'
import { goKind } from './go-print.ts'

/**
 * Why what a strategic merge patch makes is no object of its type, in the words of Kubernetes, which puts the maps and lists
 * straight into the object instead of writing and reading JSON: `cannot restore map from string`.
 * @returns undefined if all that is wrong, if anything, is the form of a value that has a form of its own, such as a time
 */
export function restoreProblem(type: ObjectType, value: unknown): string | undefined {
  return problemOf(type, value)
}

function problemOf(type: Type, value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  const kind = goKind(value)
  switch (type.form) {
    case 'scalar':
      return scalarProblem(type.scalar, kind)
    case 'list':
      if (kind !== 'slice') return `cannot restore slice from ${kind}`
      return first(value as unknown[], item => problemOf(type.of, item))
    case 'map':
      if (kind !== 'map') return `cannot restore map from ${kind}`
      return first(Object.values(value as object), item => problemOf(type.of, item))
    case 'object': {
      if (kind !== 'map') return type.open ? undefined : `cannot restore struct from: ${kind}`
      const members = value as Record<string, unknown>
      return first([...type.fields.values()], field =>
        Object.hasOwn(members, field.name) ? problemOf(field.type, members[field.name]) : undefined,
      )
    }
  }
}

function first<T>(items: readonly T[], problem: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = problem(item)
    if (found !== undefined) return found
  }
  return undefined
}

/** Numbers turn into each other, and Go would turn a whole number into a character: that alone is "cannot convert". */
function scalarProblem(scalar: ScalarName, kind: string): string | undefined {
  switch (scalar) {
    case 'string':
      if (kind === 'string') return undefined
      return kind === 'int64' ? 'cannot convert int64 to string' : 'unrecognized type: string'
    case 'bool':
      return kind === 'bool' ? undefined : 'unrecognized type: bool'
    case 'int32':
    case 'int64':
      if (kind === 'int64') return undefined
      return kind === 'float64' ? `cannot convert float64 to ${scalar}` : `unrecognized type: ${scalar}`
    case 'double':
      return kind === 'int64' || kind === 'float64' ? undefined : 'unrecognized type: float64'
    default:
      return undefined
  }
}
