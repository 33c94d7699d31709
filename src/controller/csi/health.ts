import type { Clock } from '../../base/clock.ts'
import type { Reconciler } from '../../client/reconciler.ts'
import { PersistentVolume, PersistentVolumeClaim } from '../../models/kinds/index.ts'
import type { CsiController, VolumeCondition } from '../../plugins/index.ts'

/** How often drivers are asked. */
const everyMs = 60_000

/** Tells people of a claim when the driver says that its volume is not well, and when it is well again. */
export function csiHealthReconciler(name: string, driver: CsiController): Reconciler {
  /** Claims that were told, by uid. */
  const unwell = new Set<string>()
  let conditions: Conditions | undefined
  return {
    name: `csi-health-${name}`,
    primary: PersistentVolume,
    watches: [{ kind: PersistentVolumeClaim, keys: () => [] }],
    writes: [],
    async reconcile(key, { cache, clock, events }) {
      const { spec, status } = cache.get(PersistentVolume, key) ?? {}
      const { claimRef, csi } = spec ?? {}
      if (csi?.driver !== name || status?.phase !== 'Bound' || !claimRef) return
      const claim = cache.get(PersistentVolumeClaim, { namespace: claimRef.namespace!, name: claimRef.name! })
      conditions ??= new Conditions(driver, clock)
      if (!claim || !(await conditions.areTold())) return
      const condition = await conditions.of(csi.volumeHandle)
      const { uid } = claim.metadata
      if (condition?.abnormal) {
        unwell.add(uid)
        events.warning(claim, 'VolumeConditionAbnormal', condition.message)
      } else if (condition && unwell.delete(uid))
        events.normal(claim, 'VolumeConditionNormal', 'The Volume returns to the healthy state')
      return { afterMs: everyMs }
    },
  }
}

/** How a driver's volumes are: of all at once from drivers that list them, else of each. */
class Conditions {
  readonly #driver: CsiController
  readonly #clock: Clock
  #listing: { atMs: number; all: Promise<Map<string, VolumeCondition | null>> } | undefined

  constructor(driver: CsiController, clock: Clock) {
    this.#driver = driver
    this.#clock = clock
  }

  async areTold(): Promise<boolean> {
    if (!(await this.#driver.controllerCan('VOLUME_CONDITION'))) return false
    return (await this.#lists()) || this.#driver.controllerCan('GET_VOLUME')
  }

  async of(handle: string): Promise<VolumeCondition | null | undefined> {
    if (!(await this.#lists())) return (await this.#driver.volume({ volume_id: handle })).status?.volume_condition
    const nowMs = this.#clock.monotonicMs()
    // One list serves all volumes that are asked about in the same round.
    if (!this.#listing || nowMs - this.#listing.atMs > everyMs / 2) this.#listing = { atMs: nowMs, all: this.#list() }
    const { all } = this.#listing
    try {
      return (await all).get(handle)
    } catch (error) {
      if (this.#listing?.all === all) this.#listing = undefined
      throw error
    }
  }

  #lists(): Promise<boolean> {
    return this.#driver.controllerCan('LIST_VOLUMES')
  }

  async #list(): Promise<Map<string, VolumeCondition | null>> {
    const all = new Map<string, VolumeCondition | null>()
    for (let starting_token = ''; ; ) {
      const { entries, next_token } = await this.#driver.volumes({ starting_token })
      for (const { volume, status } of entries) if (volume) all.set(volume.volume_id, status?.volume_condition ?? null)
      if (!next_token) return all
      starting_token = next_token
    }
  }
}
