import { addQuantities, quantityToFloat } from '../../base/quantity.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { EvictionSignal } from '../metrics/label-classes.ts'

/** Of one pod, what its own limits speak of, in bytes. */
export interface LocalUse {
  /** By volume name. */
  emptyDirs: ReadonlyMap<string, number>
  /** Writable layer and logs, by container name. */
  containers: ReadonlyMap<string, number>
}

/** Why a pod must go: counted by the signal, told by the message. */
export interface EvictionReason {
  signal: EvictionSignal
  message: string
}

const storage = 'ephemeral-storage'

/** True when the pod sets itself limits of local storage: only then it is worth measuring. */
export function hasLocalLimits({ spec }: Pod): boolean {
  return (
    spec.containers.some(c => c.resources?.limits?.[storage] !== undefined) ||
    (spec.volumes ?? []).some(volume => volume.emptyDir?.sizeLimit !== undefined)
  )
}

/** Why the pod must end: it uses more local storage than it said it would. Undefined: it does not. Pure. */
export function localLimitProblem({ spec }: Pod, use: LocalUse): EvictionReason | undefined {
  for (const { name, emptyDir } of spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit
    if (limit !== undefined && positive(limit) && (use.emptyDirs.get(name) ?? 0) > quantityToFloat(limit))
      return {
        signal: 'emptydirfs.limit',
        message: `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `,
      }
  }
  const limits = spec.containers.flatMap(({ name, resources }) => {
    const limit = resources?.limits?.[storage]
    return limit === undefined || !positive(limit) ? [] : [{ name, limit }]
  })
  if (!limits.length) return undefined
  const allowed = limits.map(({ limit }) => limit).reduce(addQuantities)
  if (sum(use.containers.values()) + sum(use.emptyDirs.values()) > quantityToFloat(allowed))
    return {
      signal: 'ephemeralpodfs.limit',
      message: `Pod ephemeral local storage usage exceeds the total limit of containers ${allowed}. `,
    }
  const over = limits.find(({ name, limit }) => (use.containers.get(name) ?? 0) > quantityToFloat(limit))
  return (
    over && {
      signal: 'ephemeralcontainerfs.limit',
      message: `Container ${over.name} exceeded its local ephemeral storage limit "${over.limit}". `,
    }
  )
}

const positive = (quantity: string) => quantityToFloat(quantity) > 0

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const n of numbers) total += n
  return total
}
