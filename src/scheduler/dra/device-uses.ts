import type {
  AllocationResult,
  DeviceRequestAllocationResult,
  ResourceClaim,
} from '../../models/types/resource-v1beta1.ts'
import { ObjectTable } from '../object-table.ts'

export const poolId = ({ driver, pool }: Pick<DeviceRequestAllocationResult, 'driver' | 'pool'>) => `${driver}/${pool}`

export const deviceId = ({ driver, pool, device }: Pick<DeviceRequestAllocationResult, 'driver' | 'pool' | 'device'>) =>
  `${driver}/${pool}/${device}`

/** Which devices somebody has. */
export interface DevicesInUse {
  /** @param id of a device */
  has(id: string): boolean
  /**
   * A number for who has what of a pool: as long as it is the same, so is that; of no two tables are numbers alike, but 0: nobody
   * ever had any. Undefined where that cannot be told.
   * @param id of a pool
   */
  stateOf?(id: string): number | undefined
}

/** What of an allocation nobody else may have: who only administers a device does not have it. */
function* takenBy(allocation: AllocationResult | undefined): Iterable<DeviceRequestAllocationResult> {
  for (const result of allocation?.devices?.results ?? []) if (!result.adminAccess) yield result
}

let changes = 0

/** Claims, and the devices that they have, counted as claims come and go. */
export class ClaimTable extends ObjectTable<ResourceClaim> {
  readonly #uses = new Map<string, number>()
  /** By pool. */
  readonly #changes = new Map<string, number>()

  override set(claim: ResourceClaim): ResourceClaim | undefined {
    const old = super.set(claim)
    this.#count(old, -1)
    this.#count(claim, 1)
    return old
  }

  override delete(claim: ResourceClaim): ResourceClaim | undefined {
    const old = super.delete(claim)
    this.#count(old, -1)
    return old
  }

  /** @param promised what claims are about to get */
  inUse(promised: Iterable<AllocationResult>): DevicesInUse {
    const soon = new Set<string>()
    const soonPools = new Set<string>()
    for (const allocation of promised)
      for (const result of takenBy(allocation)) {
        soon.add(deviceId(result))
        soonPools.add(poolId(result))
      }
    return {
      has: id => this.#uses.has(id) || soon.has(id),
      stateOf: id => (soonPools.has(id) ? undefined : (this.#changes.get(id) ?? 0)),
    }
  }

  #count(claim: ResourceClaim | undefined, by: number): void {
    for (const result of takenBy(claim?.status?.allocation)) {
      const id = deviceId(result)
      const uses = (this.#uses.get(id) ?? 0) + by
      if (uses) this.#uses.set(id, uses)
      else this.#uses.delete(id)
      this.#changes.set(poolId(result), ++changes)
    }
  }
}
