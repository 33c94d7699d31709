import type { Taint, Toleration } from './types/core-v1.ts'

/**
 * Whether one toleration covers a taint. With the operator Exists no key covers every taint; no effect covers every effect.
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
 */
export function covers({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  if (operator === 'Exists') return true
  return !!key && (value ?? '') === (taint.value ?? '')
}

/** Whether any of the tolerations covers a taint. */
export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return tolerations?.some(toleration => covers(toleration, taint)) ?? false
}

/** The first taint that keeps a pod with these tolerations away. */
export function untoleratedTaint(
  taints: readonly Taint[] | undefined,
  tolerations?: readonly Toleration[],
): Taint | undefined {
  return taints?.find(t => (t.effect === 'NoSchedule' || t.effect === 'NoExecute') && !tolerates(tolerations, t))
}

/** Taints that the controllers keep as long as a node's condition of that type is bad, by key. */
export const conditionOfTaint: Readonly<Record<string, string>> = {
  'node.kubernetes.io/not-ready': 'Ready',
  'node.kubernetes.io/unreachable': 'Ready',
  'node.kubernetes.io/memory-pressure': 'MemoryPressure',
  'node.kubernetes.io/disk-pressure': 'DiskPressure',
  'node.kubernetes.io/pid-pressure': 'PIDPressure',
  'node.kubernetes.io/network-unavailable': 'NetworkUnavailable',
}
