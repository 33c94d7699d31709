import { OptiFlowError } from '../../base/errors.ts'
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  parseQuantity,
  quantityOf,
  quantityToFloat,
  subtractQuantities,
} from '../../base/quantity.ts'
import { type EvictionSettings, parseThresholds, type Threshold } from '../eviction/thresholds.ts'

/** Kept from pods: taken off capacity to give allocatable. */
export type Reservation = Record<string, string>

export const defaultReservation: Reservation = { cpu: '100m', memory: '256Mi' }

export interface Reserved {
  /** For the system. */
  reserved?: Reservation
  /** For the programs that make the machine a node. */
  kubeReserved?: Reservation
}

/** All that is kept for others than pods. */
export function reservationOf({ reserved = defaultReservation, kubeReserved = {} }: Reserved): Reservation {
  return sum(reserved, kubeReserved)
}

/** More is kept from pods than the machine has. */
export class ReservedTooMuch extends OptiFlowError {}

/** All that pods may not request. @throws BadThreshold, ReservedTooMuch */
export function keptFromPods(
  options: Reserved & { eviction?: EvictionSettings },
  capacity: Record<string, string>,
): Reservation {
  const threshold = evictionReservation(parseThresholds(options.eviction ?? {}), capacity)
  const kept = sum(reservationOf(options), threshold)
  const { reserved = defaultReservation, kubeReserved = {} } = options
  const shares = { '--system-reserved': reserved, '--kube-reserved': kubeReserved, '--eviction-hard': threshold }
  for (const [name, has] of Object.entries(capacity)) {
    const all = kept[name]
    if (all === undefined || compareQuantities(all, has) <= 0) continue
    const said = Object.entries(shares).flatMap(([flag, amounts]) =>
      amounts[name] ? [`${amounts[name]} by ${flag}`] : [],
    )
    throw new ReservedTooMuch(
      `${canonicalQuantity(all)} of ${name} is kept from pods (${said.join(', ')}), and this machine has ${has}`,
      { hint: `Let them be less than ${has} together: what is left is for pods.` },
    )
  }
  return kept
}

/** Capacity less what is reserved, never less than nothing. */
export function allocatable(capacity: Record<string, string>, reserved: Reservation): Record<string, string> {
  return Object.fromEntries(
    Object.entries(capacity).map(([name, amount]) => {
      const taken = reserved[name]
      return [name, taken ? less(amount, taken) : amount]
    }),
  )
}

/** What pods may request: memory that is kept as huge pages is not to be had as memory. Pure. */
export function allocatableToPods(capacity: Record<string, string>, reserved: Reservation): Record<string, string> {
  const left = allocatable(capacity, reserved)
  for (const [name, amount] of Object.entries(capacity))
    if (name.startsWith('hugepages-') && left['memory'] !== undefined) left['memory'] = less(left['memory'], amount)
  return left
}

/**
 * What pods may not request since the node ends some of them before it has so little left: hard thresholds of memory and of
 * the node's own disk. Only bounds of single pods know of it, the group of all pods does not. Pure.
 * @see https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/#eviction-thresholds
 */
export function evictionReservation(thresholds: readonly Threshold[], capacity: Record<string, string>): Reservation {
  const out: Reservation = {}
  for (const { signal, below, hard } of thresholds) {
    const name = resourceOf[signal]
    const has = name && capacity[name]
    if (!hard || !has) continue
    // A share is a number of single precision, as upstream's.
    const units = 'share' in below ? quantityToFloat(has) * Math.fround(below.share) : below.units
    out[name] = quantityOf(Math.trunc(units), 'BinarySI')
  }
  return out
}

const resourceOf: Partial<Record<Threshold['signal'], string>> = {
  'memory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
}

function sum(one: Reservation, other: Reservation): Reservation {
  const out = { ...one }
  for (const [name, amount] of Object.entries(other))
    out[name] = out[name] === undefined ? amount : addQuantities(out[name], amount)
  return out
}

function less(amount: string, taken: string): string {
  const left = subtractQuantities(amount, taken)
  return parseQuantity(left).nano < 0n ? '0' : left
}
