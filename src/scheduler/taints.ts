import type { Taint, Toleration } from '../models/types/core-v1.ts'

export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return tolerations?.some(t => toleratesOne(t, taint)) ?? false
}

function toleratesOne(t: Toleration, taint: Taint): boolean {
  if (t.effect && t.effect !== taint.effect) return false
  if (t.key && t.key !== taint.key) return false
  // Without a key only Exists means something: everything.
  if (!t.key && t.operator !== 'Exists') return false
  return t.operator === 'Exists' || (t.value ?? '') === (taint.value ?? '')
}

/** The first taint that keeps a pod with these tolerations away. */
export function untoleratedTaint(
  taints: readonly Taint[] | undefined,
  tolerations?: readonly Toleration[],
): Taint | undefined {
  return taints?.find(t => (t.effect === 'NoSchedule' || t.effect === 'NoExecute') && !tolerates(tolerations, t))
}
