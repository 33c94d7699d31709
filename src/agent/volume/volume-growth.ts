import { type Clock, timestamp } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { compareQuantities, quantityToNumber } from '../../base/quantity.ts'
import type { Client } from '../../client/index.ts'
import { withCondition } from '../../models/conditions.ts'
import { PersistentVolume } from '../../models/kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../models/kinds/core/persistent-volume-claim.ts'
import { keyOf } from '../../models/object.ts'
import { PluginAway, PluginRefused } from '../../plugins/index.ts'
import type { ReferencedObjects } from '../objects.ts'
import type { ClaimedVolume } from './claimed-volume.ts'

export interface VolumeGrowthOptions {
  client: Client
  objects: ReferencedObjects
  clock: Clock
}

/** A volume that is in use here, and may be smaller than it has become elsewhere. */
export interface GrowingVolume {
  claimed: ClaimedVolume
  readOnly: boolean
  /** Makes what is of it on this node so large: its file system, mostly. @throws PluginRefused, PluginAway, or what a tool says */
  grow(bytes: number): Promise<void>
}

const resizeConditions = /^(FileSystemResizePending|Resizing|ControllerResizeError|NodeResizeError)$/
/** Of a claim whose growing is the node's to do; absent: whoever grew the volume does not tell. */
const ours = new Set<string | undefined>([undefined, 'NodeResizePending', 'NodeResizeInProgress'])
/** gRPC's InvalidArgument, NotFound and OutOfRange. */
const impossible = new Set([3, 5, 11])
/** gRPC's Canceled, DeadlineExceeded, ResourceExhausted, Aborted and Unavailable: it may be under way still. */
const unsettled = new Set([1, 4, 8, 10, 14])
/** gRPC's FailedPrecondition. */
const cannotNow = 9

/** Volumes that have become larger than their claims say are grown on the node, and the claims told how far that has come. */
export class VolumeGrowth {
  readonly #options: VolumeGrowthOptions
  /** Volumes whose last try has failed for good, by name. */
  readonly #failed = new Set<string>()
  /** Volumes that cannot be grown while they are in use, by name: not tried again before they are taken down. */
  readonly #stuck = new Set<string>()

  constructor(options: VolumeGrowthOptions) {
    this.#options = options
  }

  /** @throws why a volume that should be larger is not, and so must not be used yet */
  async look({ claimed, readOnly, grow }: GrowingVolume): Promise<void> {
    const { objects } = this.#options
    const { name } = claimed.volume.metadata
    const claim = await objects.get(PersistentVolumeClaim, keyOf(claimed.claim))
    const volume = await objects.get(PersistentVolume, keyOf(claimed.volume))
    const wanted = volume?.spec.capacity?.['storage']
    const has = claim?.status?.capacity?.['storage']
    if (!claim || !wanted || !has || compareQuantities(wanted, has) <= 0) return
    const phase = claim.status?.allocatedResourceStatuses?.['storage']
    if (readOnly || !ours.has(phase) || this.#stuck.has(name)) return
    const seen = phase === 'NodeResizePending' ? await this.#tell(claim, inPhase('NodeResizeInProgress')) : claim
    try {
      await grow(quantityToNumber(wanted))
    } catch (error) {
      if (!isFinal(error)) throw error
      if (phase) await this.#tellFailure(seen, { name, wanted, error })
      this.#failed.add(name)
      if (!(error instanceof PluginRefused && error.code === cannotNow)) throw error
      this.#stuck.add(name)
      return
    }
    this.#failed.delete(name)
    const conditions = (claim.status?.conditions ?? []).filter(c => !resizeConditions.test(c.type))
    // What a resizer has noted of the growth is over too.
    await this.#tell(seen, { capacity: { storage: wanted }, conditions, ...(phase ? inPhase(null) : {}) })
  }

  /** Nobody on this node uses the volume any more. */
  released(name: string): void {
    this.#stuck.delete(name)
  }

  /**
   * What is impossible is the controller's to decide: people may ask for less. So is what has failed before, once the claim
   * asks for something else.
   */
  async #tellFailure(
    claim: PersistentVolumeClaim,
    { name, wanted, error }: { name: string; wanted: string; error: unknown },
  ): Promise<void> {
    const condition = {
      type: 'NodeResizeError',
      status: 'True',
      message: `failed to expand pvc with ${explain(error)}`,
      lastTransitionTime: timestamp(this.#options.clock),
    }
    const asked = claim.spec.resources?.requests?.['storage']
    const isElse = asked !== undefined && compareQuantities(asked, wanted) !== 0
    const isImpossible = error instanceof PluginRefused && impossible.has(error.code)
    const infeasible = isImpossible || (isElse && this.#failed.has(name))
    await this.#tell(claim, {
      conditions: withCondition(claim.status?.conditions, condition),
      ...(infeasible ? inPhase('NodeResizeInfeasible') : {}),
    })
  }

  #tell(claim: PersistentVolumeClaim, status: object): Promise<PersistentVolumeClaim> {
    const body = { metadata: { resourceVersion: claim.metadata.resourceVersion }, status }
    const patch = { type: 'merge', body } as const
    return this.#options.client.patch(PersistentVolumeClaim, keyOf(claim), patch, { subresource: 'status' })
  }
}

const inPhase = (storage: string | null) => ({ allocatedResourceStatuses: { storage } })

const isFinal = (error: unknown): boolean =>
  !(error instanceof PluginAway || (error instanceof PluginRefused && unsettled.has(error.code)))
