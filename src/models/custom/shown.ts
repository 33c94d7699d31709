import { goValue } from '../field-error.ts'

/** A value as an error about a custom resource shows it: objects and lists in Go's notation, the rest as everywhere. */
export function shown(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? goValue(value) : value
}
