import { put } from '../own-property.ts'
import type { ScalarName } from '../schema/data.ts'
import type { Type } from '../schema/types.ts'

/**
 * A value with the integers that its type has no room for as Go's conversions leave them. Kubernetes puts what is applied, and
 * what a strategic merge patch makes, straight into the object instead of writing and reading JSON: an int32 keeps the lower
 * half of the number, and what is beyond 64 bits becomes the least int64.
 * @returns `value` itself if all of them fit
 */
export function wrapIntegers(type: Type, value: unknown): unknown {
  if (value === null || value === undefined) return value
  switch (type.form) {
    case 'scalar':
      return wrapped(type.scalar, value)
    case 'list':
      return Array.isArray(value) ? changedItems(value, item => wrapIntegers(type.of, item)) : value
    case 'map':
      return isRecord(value) ? changedMembers(value, item => wrapIntegers(type.of, item)) : value
    case 'object':
      if (!isRecord(value)) return value
      return changedMembers(value, (item, name) => {
        const field = type.fields.get(name)
        return field ? wrapIntegers(field.type, item) : item
      })
  }
}

const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n]

function wrapped(scalar: ScalarName, value: unknown): unknown {
  if (scalar !== 'int32' && scalar !== 'int64') return value
  if (typeof value !== 'bigint' && !Number.isInteger(value)) return value
  const whole = BigInt(value as number | bigint)
  const int64 = whole < least || whole > most ? least : whole
  const kept = scalar === 'int32' ? BigInt.asIntN(32, int64) : int64
  if (kept === whole) return value
  return Number.isSafeInteger(Number(kept)) ? Number(kept) : kept
}

function changedItems(list: unknown[], change: (item: unknown) => unknown): unknown[] {
  const changed = list.map(change)
  return changed.every((item, i) => item === list[i]) ? list : changed
}

function changedMembers(record: Record<string, unknown>, change: (item: unknown, name: string) => unknown): object {
  let out: Record<string, unknown> | undefined
  for (const name of Object.keys(record)) {
    const changed = change(record[name], name)
    if (changed !== record[name]) put((out ??= { ...record }), name, changed)
  }
  return out ?? record
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
