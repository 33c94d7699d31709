import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { explain, OptiFlowError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { Turns } from '../../base/turns.ts'
import { ResourceClaim } from '../../models/kinds/resource/resource-claim.ts'
import type { Container, Pod, PodResourceClaim } from '../../models/types/core-v1.ts'
import type { ResourceClaim as Claim } from '../../models/types/resource-v1beta1.ts'
import { type DraClaim, DraPlugin } from '../../plugins/index.ts'
import type { ReferencedObjects } from '../objects.ts'
import type { PluginKind, RegisteredPlugin } from '../plugin/plugin-watcher.ts'
import { type ClaimRecord, ClaimRecords } from './claim-records.ts'

export interface DeviceClaimsOptions {
  kubeletFolder: string
  objects: ReferencedObjects
  disk: Disk
  clock: Clock
  log: Logger
}

/** A claim that a container uses, and what of it is the container's. */
export interface ReadyClaim {
  namespace: string
  name: string
  devices: { driver: string; cdiDevices: readonly string[] }[]
}

const asked =
  (request: string | undefined) =>
  ({ request_names }: { request_names: readonly string[] }): boolean =>
    !request || !request_names.length || request_names.includes(request)

/** Of the object behind a pod's entry. */
function claimNameOf({ spec, status }: Pod, entry: string): string | undefined {
  const made = status?.resourceClaimStatuses?.find(({ name }) => name === entry)
  return spec.resourceClaims?.find(({ name }) => name === entry)?.resourceClaimName ?? made?.resourceClaimName
}

/** A claim of a pod cannot be made ready (yet). */
export class ClaimUnavailable extends OptiFlowError {}

/**
 * Devices that pods claim (DRA): drivers make them ready before a pod's first container starts, and take them back when the
 * last pod that uses the claim has ended. What a driver named for a claim is given to the containers that ask for it.
 */
export class DeviceClaims implements PluginKind {
  readonly type = 'DRAPlugin'
  readonly #options: DeviceClaimsOptions
  readonly #records: ClaimRecords
  readonly #plugins = new Map<string, { endpoint: string; plugin: DraPlugin }>()
  /** One claim, one thing at a time: pods that share it start and end as they like. */
  readonly #turns = new Turns()

  constructor(options: DeviceClaimsOptions) {
    this.#options = options
    this.#records = new ClaimRecords(options.disk, join(options.kubeletFolder, 'optiflow-device-claims.json'))
  }

  restore(): Promise<void> {
    return this.#records.read()
  }

  async register({ name, endpoint }: RegisteredPlugin): Promise<void> {
    this.#plugins.get(name)?.plugin[Symbol.dispose]()
    this.#plugins.set(name, { endpoint, plugin: new DraPlugin(endpoint, this.#options.clock) })
  }

  deregister({ name, endpoint }: RegisteredPlugin): void {
    const known = this.#plugins.get(name)
    // During an update the new driver's socket is there before the old one's is gone.
    if (known?.endpoint !== endpoint) return
    known.plugin[Symbol.dispose]()
    this.#plugins.delete(name)
  }

  /** Makes all that the pod claims ready; again for what is ready is cheap. @throws ClaimUnavailable, PluginAway, PluginRefused */
  async prepare(pod: Pod): Promise<void> {
    for (const entry of pod.spec.resourceClaims ?? []) {
      const claim = await this.#claimOf(pod, entry)
      if (!claim) continue
      await this.#turns.take(claim.metadata.uid!, () => this.#prepare(pod.metadata.uid!, claim))
    }
  }

  async #claimOf(pod: Pod, entry: PodResourceClaim): Promise<Claim | undefined> {
    const made = pod.status?.resourceClaimStatuses?.find(({ name }) => name === entry.name)
    if (!entry.resourceClaimName && !made)
      throw new ClaimUnavailable(`the ResourceClaim for "${entry.name}" of the pod has not been made yet`)
    const name = entry.resourceClaimName ?? made?.resourceClaimName
    // The template's claim was not needed.
    if (!name) return undefined
    const { namespace, uid } = pod.metadata
    const claim = await this.#options.objects.get(ResourceClaim, { namespace: namespace!, name })
    if (!claim) throw new ClaimUnavailable(`ResourceClaim "${name}" not found`)
    if (
      !entry.resourceClaimName &&
      !claim.metadata.ownerReferences?.some(owner => owner.controller && owner.uid === uid)
    )
      throw new ClaimUnavailable(`ResourceClaim "${name}" was not made for this pod`)
    if (!claim.status?.reservedFor?.some(user => user.uid === uid))
      throw new ClaimUnavailable(`ResourceClaim "${name}" is not reserved for this pod`)
    if (!claim.status.allocation) throw new ClaimUnavailable(`ResourceClaim "${name}" is not allocated`)
    return claim
  }

  async #prepare(podUid: string, { metadata, status }: Claim): Promise<void> {
    const claim: DraClaim = { namespace: metadata.namespace!, uid: metadata.uid!, name: metadata.name }
    const drivers = new Set((status?.allocation?.devices?.results ?? []).map(({ driver }) => driver))
    // All must be there before one is asked: a pod that fails here can go without anybody being told.
    const plugins = [...drivers].map(name => [name, this.#plugin(name)] as const)
    const known = this.#records.find(claim.namespace, claim.name)
    if (known && known.claim.uid !== claim.uid)
      throw new ClaimUnavailable(`an older ResourceClaim "${claim.name}" is still in use on this node`)
    let record: ClaimRecord = {
      claim,
      podUids: [...new Set([...(known?.podUids ?? []), podUid])],
      drivers: known?.drivers ?? Object.fromEntries(plugins.map(([name]) => [name, null])),
    }
    await this.#records.put(record)
    for (const [name, plugin] of plugins) {
      if (record.drivers[name]) continue
      const answer = (await plugin.prepare([claim]))[claim.uid]
      if (!answer) throw new ClaimUnavailable(`driver ${name} said nothing of ResourceClaim "${claim.name}"`)
      if (answer.error)
        throw new ClaimUnavailable(
          `NodePrepareResources failed for claim ${claim.namespace}/${claim.name}: ${answer.error}`,
        )
      const devices = answer.devices.map(({ request_names, cdi_device_ids }) => ({ request_names, cdi_device_ids }))
      record = { ...record, drivers: { ...record.drivers, [name]: devices } }
      await this.#records.put(record)
    }
  }

  #plugin(driver: string): DraPlugin {
    const known = this.#plugins.get(driver)
    if (known) return known.plugin
    throw new ClaimUnavailable(`DRA driver ${driver} is not registered`, {
      hint: "See whether the driver's pod runs on this node.",
    })
  }

  /** CDI names of the devices that a container asks for. @throws ClaimUnavailable */
  cdiDevices(pod: Pod, container: Container): string[] {
    const records = this.#records.of(pod.metadata.uid!)
    const names = (container.resources?.claims ?? []).flatMap(({ name, request }) => {
      const claimName = claimNameOf(pod, name)
      if (!claimName) return []
      const record = records.find(({ claim }) => claim.name === claimName)
      const devices = record && Object.values(record.drivers)
      if (!devices || devices.includes(null))
        throw new ClaimUnavailable(`the devices of ResourceClaim "${claimName}" are not ready`)
      return devices
        .flatMap(some => some!)
        .filter(asked(request))
        .flatMap(({ cdi_device_ids }) => cdi_device_ids)
    })
    return [...new Set(names)]
  }

  /** What was made ready for a container, by claim and driver, as far as it is known. */
  readyFor(pod: Pod, container: Container): ReadyClaim[] {
    const records = this.#records.of(pod.metadata.uid!)
    return (container.resources?.claims ?? []).flatMap(({ name, request }) => {
      const record = records.find(({ claim }) => claim.name === claimNameOf(pod, name))
      if (!record) return []
      const devices = Object.entries(record.drivers).flatMap(([driver, some]) =>
        (some ?? []).filter(asked(request)).map(({ cdi_device_ids }) => ({ driver, cdiDevices: cdi_device_ids })),
      )
      return [{ namespace: record.claim.namespace, name: record.claim.name, devices }]
    })
  }

  /** The pod has ended: drivers take back what nobody else uses. @throws ClaimUnavailable, PluginAway, PluginRefused */
  async unprepare(podUid: string): Promise<void> {
    for (const { claim } of this.#records.of(podUid))
      await this.#turns.take(claim.uid, async () => {
        const record = this.#records.of(podUid).find(known => known.claim.uid === claim.uid)
        if (!record) return
        const others = record.podUids.filter(uid => uid !== podUid)
        if (others.length) await this.#records.put({ ...record, podUids: others })
        else await this.#unprepare(record)
      })
  }

  async #unprepare({ claim, drivers }: ClaimRecord): Promise<void> {
    for (const driver of Object.keys(drivers)) {
      const answer = (await this.#plugin(driver).unprepare([claim]))[claim.uid]
      if (answer?.error)
        throw new ClaimUnavailable(
          `NodeUnprepareResources failed for claim ${claim.namespace}/${claim.name}: ${answer.error}`,
        )
    }
    await this.#records.remove(claim.uid)
  }

  /** Pods that went while nobody looked: what they used is given back. @param active uids of all pods that run or will */
  async forgetOthers(active: ReadonlySet<string>): Promise<void> {
    const gone = new Set(this.#records.all.flatMap(({ podUids }) => podUids).filter(uid => !active.has(uid)))
    for (const uid of gone)
      await this.unprepare(uid).catch(error =>
        this.#options.log.warn({ pod: uid, error: explain(error) }, 'claimed devices not given back yet'),
      )
  }

  [Symbol.dispose]() {
    for (const { plugin } of this.#plugins.values()) plugin[Symbol.dispose]()
  }
}
