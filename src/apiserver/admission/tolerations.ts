import { sameMeaning } from '../../base/equality.ts'
import type { Toleration } from '../../models/types/core-v1.ts'

/** All of both, but those that another one includes. */
export function mergeTolerations(first: Toleration[], second: Toleration[]): Toleration[] {
  const all = [...first, ...second]
  const merged: Toleration[] = []
  for (const [i, toleration] of all.entries()) {
    if (merged.some(other => includes(other, toleration))) continue
    const later = all.slice(i + 1)
    // Of equal ones the first stays.
    if (later.some(other => !sameMeaning(other, toleration) && includes(other, toleration))) continue
    merged.push({ ...toleration })
  }
  return merged
}

/** Whether `wide` tolerates all that `narrow` does. */
function includes(wide: Toleration, narrow: Toleration): boolean {
  if (sameMeaning(wide, narrow)) return true
  const anyKey = !wide.key && wide.operator === 'Exists'
  if ((wide.key ?? '') !== (narrow.key ?? '') && !anyKey) return false
  if (wide.effect && wide.effect !== narrow.effect) return false
  if (wide.effect === 'NoExecute' && wide.tolerationSeconds !== undefined)
    if (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > wide.tolerationSeconds) return false
  if (wide.operator === 'Exists') return true
  return (narrow.operator ?? 'Equal') === 'Equal' && (wide.value ?? '') === (narrow.value ?? '')
}
