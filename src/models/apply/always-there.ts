import { FieldSet } from './field-set.ts'

/**
 * Of the fields that go, those that do go. Where owners name fields by several versions Kubernetes takes the object through
 * each of them, and a field that an object of its kind always has comes back with the value that it had.
 * @param without the object when they are gone
 * @param completed the same with everything that such an object always has
 */
export function withoutReturning(gone: FieldSet, without: unknown, completed: unknown): FieldSet {
  const out = new FieldSet()
  const returns = (element: string) => fieldAt(completed, element) !== undefined
  for (const m of gone.members) if (fieldAt(without, m) !== undefined || !returns(m)) out.members.add(m)
  for (const [element, child] of gone.children) {
    const [left, whole] = [fieldAt(without, element), fieldAt(completed, element)]
    // A reference and its like comes back as one: another version may know it as one value.
    if (isEmpty(left) && isFlat(whole)) continue
    const below = isRecord(whole) ? withoutReturning(child, left, whole) : child
    if (!below.isEmpty) out.children.set(element, below)
  }
  return out
}

const fieldAt = (value: unknown, element: string): unknown =>
  isRecord(value) && element.startsWith('f:') ? value[element.slice(2)] : undefined

const isEmpty = (value: unknown) =>
  value === undefined || value === null || (isRecord(value) && Object.keys(value).length === 0)
const isFlat = (value: unknown) =>
  isRecord(value) && Object.keys(value).length > 0 && Object.values(value).every(part => typeof part !== 'object')
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
