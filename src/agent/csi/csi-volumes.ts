import { dirname, join } from 'node:path'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { Turns } from '../../base/turns.ts'
import { VolumeAttachment } from '../../models/kinds/storage/volume-attachment.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { CSIDriverSpec } from '../../models/types/storage-v1.ts'
import { attachmentName, type CsiDriver, capabilityOf, PluginRefused, uniqueVolumeName } from '../../plugins/index.ts'
import type { ReferencedObjects } from '../objects.ts'
import { type ChangePolicy, giveToGroup } from '../volume/file-group.ts'
import type { ServiceAccountTokens } from '../volume/service-account-tokens.ts'
import type { VolumeGrowth } from '../volume/volume-growth.ts'
import type { VolumeUse } from '../volume/volume-use.ts'
import type { CsiDrivers } from './csi-drivers.ts'
import { csiPlaces } from './csi-places.ts'
import { CsiRecords, type PublishedRecord } from './csi-records.ts'
import { type CsiUse, driverSpec, publishContext, type ReadyVolume, secretsOf, wantsGroup } from './csi-use.ts'

export interface CsiVolumesOptions {
  nodeName: string
  kubeletFolder: string
  drivers: CsiDrivers
  objects: ReferencedObjects
  growth: VolumeGrowth
  tokens: ServiceAccountTokens
  disk: Disk
  clock: Clock
  log: Logger
  /** Resolves when the node's status says that these volumes are in use here. */
  announce(inUse: string[]): Promise<void>
}

const attachPatienceMs = 10_000

/**
 * Volumes of CSI drivers: attached by others, staged once per node, published once per pod. What is published is recorded
 * on the disk before the driver is asked, so whoever takes a pod down finds all of it, whatever has happened in between.
 */
export class CsiVolumes {
  readonly #options: CsiVolumesOptions
  readonly #places
  readonly #records: CsiRecords
  /** Work on one volume, one thing after the other. */
  readonly #turns = new Turns()
  /** Attached volumes in use here, by their names in the node's status. */
  readonly #inUse = new Set<string>()

  constructor(options: CsiVolumesOptions) {
    this.#options = options
    this.#places = csiPlaces(options.kubeletFolder)
    this.#records = new CsiRecords(options.disk, this.#places)
  }

  /**
   * Takes up what an agent before us has left: volumes in use, and staged ones that no pod uses any more. The folders of
   * pods and plugins are there before any volume is: the manifests of drivers mount them.
   */
  async start(): Promise<void> {
    const { disk, kubeletFolder } = this.#options
    for (const folder of [this.#places.pods, join(kubeletFolder, 'plugins')])
      await disk.makeFolder(folder, { mode: 0o750 })
    for (const record of await this.#records.all())
      if (record.attached) this.#inUse.add(uniqueVolumeName(record.driverName, record.volumeHandle))
  }

  get inUse(): string[] {
    return [...this.#inUse].sort()
  }

  pods(): Promise<string[]> {
    return this.#records.pods()
  }

  /** @throws the reason why the volume is not ready; asked again later */
  async setUp(pod: Pod, use: CsiUse): Promise<ReadyVolume> {
    const { drivers, objects } = this.#options
    const driver = drivers.get(use.driver)
    const about = await driverSpec(objects, use)
    const attach = about.attachRequired !== false && !use.ephemeral
    const fromAttacher = attach ? await this.#attached(use) : {}
    return this.#turns.take(`${use.driver}^${use.handle}`, async () => {
      if (attach) await this.#announce(uniqueVolumeName(use.driver, use.handle))
      return this.#publish(driver, pod, use, about, fromAttacher)
    })
  }

  /** What the attacher said of the volume, once it is attached to this node. */
  async #attached({ driver, handle }: CsiUse): Promise<Record<string, string>> {
    const { objects, nodeName, clock } = this.#options
    const name = attachmentName(handle, driver, nodeName)
    const end = clock.monotonicMs() + attachPatienceMs
    for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, 1_000)) {
      // A node may not see that there is none yet: the answer is then Forbidden.
      const found = await objects.get(VolumeAttachment, { name }).catch(() => undefined)
      if (found?.status?.attached && !found.metadata.deletionTimestamp) return found.status.attachmentMetadata ?? {}
      if (clock.monotonicMs() >= end) {
        const why = found?.status?.attachError?.message
        throw new Error(`volume ${handle} is not attached to this node yet${why ? `: ${why}` : ''}`)
      }
      await sleep(clock, waitMs)
    }
  }

  async #announce(name: string): Promise<void> {
    if (this.#inUse.has(name)) return
    this.#inUse.add(name)
    await this.#options.announce(this.inUse)
  }

  async #publish(
    driver: CsiDriver,
    pod: Pod,
    use: CsiUse,
    about: CSIDriverSpec,
    publish_context: Record<string, string>,
  ): Promise<ReadyVolume> {
    const { disk, objects, tokens } = this.#options
    const uid = pod.metadata.uid!
    const group = pod.spec.securityContext?.fsGroup
    const mountGroup = group !== undefined && (await driver.nodeCan('VOLUME_MOUNT_GROUP'))
    const capability = capabilityOf({
      modes: use.modes,
      single: await driver.nodeCan('SINGLE_NODE_MULTI_WRITER'),
      block: use.block,
      fsType: use.fsType,
      mountFlags: use.mountFlags,
      mountGroup: mountGroup ? String(group) : undefined,
    })
    const stages = !use.ephemeral && (await driver.nodeCan('STAGE_UNSTAGE_VOLUME'))
    const stagingPath = stages ? this.#stagingPath(use) : ''
    const targetPath = use.block
      ? this.#places.blockPublished(use.spec, uid)
      : `${this.#places.published(uid, use.spec)}/mount`
    await this.#records.write({
      driverName: use.driver,
      volumeHandle: use.handle,
      specVolID: use.spec,
      podUID: uid,
      targetPath,
      ...(stages ? { stagingPath } : {}),
      volumeLifecycleMode: use.ephemeral ? 'Ephemeral' : 'Persistent',
      attached: about.attachRequired !== false && !use.ephemeral,
    })
    const common = { volume_id: use.handle, publish_context, volume_capability: capability }
    if (stages) {
      await disk.makeFolder(stagingPath, { mode: 0o750 })
      await driver.stage({
        ...common,
        staging_target_path: stagingPath,
        secrets: await secretsOf(objects, use.stageSecret),
        volume_context: use.context,
      })
    }
    await disk.makeFolder(dirname(targetPath), { mode: 0o750 })
    await driver.publish({
      ...common,
      staging_target_path: stagingPath,
      target_path: targetPath,
      readonly: use.readOnly,
      secrets: await secretsOf(objects, use.publishSecret),
      volume_context: await publishContext(pod, use, about, tokens),
    })
    if (group !== undefined && !mountGroup && wantsGroup(use, about.fsGroupPolicy))
      await giveToGroup(disk, targetPath, group, pod.spec.securityContext?.fsGroupChangePolicy as ChangePolicy)
    const ready = { use, path: targetPath, stagingPath, capability }
    await this.#grow(driver, ready)
    return ready
  }

  async #grow(driver: CsiDriver, { use, path, stagingPath, capability }: ReadyVolume): Promise<void> {
    const { growth, objects } = this.#options
    const { claimed, readOnly, handle, expandSecret } = use
    if (!claimed) return
    await growth.look({
      claimed,
      readOnly,
      grow: async bytes => {
        if (!(await driver.nodeCan('EXPAND_VOLUME'))) return
        await driver.expandOnNode({
          volume_id: handle,
          volume_path: path,
          staging_target_path: stagingPath,
          volume_capability: capability,
          capacity_range: { required_bytes: bytes },
          secrets: await secretsOf(objects, expandSecret),
        })
      },
    })
  }

  #stagingPath(use: CsiUse): string {
    if (use.block) return this.#places.blockStaged(use.spec)
    return `${this.#places.stagedFolder(use.driver, use.handle)}/globalmount`
  }

  /** Now and then, while the pod runs: new tokens for drivers that want them, and room that the volume has gained. */
  async lookAfter(pod: Pod, ready: ReadyVolume): Promise<void> {
    const { objects, drivers } = this.#options
    const { use } = ready
    if ((await driverSpec(objects, use)).requiresRepublish) await this.setUp(pod, use)
    if (use.claimed) await this.#grow(drivers.get(use.driver), ready)
  }

  /** How full a volume is; nothing from drivers that do not tell. @throws PluginAway, PluginRefused */
  async use({ use, path, stagingPath }: ReadyVolume): Promise<Omit<VolumeUse, 'name' | 'claim'>> {
    const driver = this.#options.drivers.get(use.driver)
    if (!(await driver.nodeCan('GET_VOLUME_STATS'))) return {}
    const { usage } = await driver.stats({ volume_id: use.handle, volume_path: path, staging_target_path: stagingPath })
    const bytes = usage.find(({ unit }) => unit === 'BYTES')
    const inodes = usage.find(({ unit }) => unit === 'INODES')
    return {
      ...(bytes && { capacityBytes: bytes.total, availableBytes: bytes.available, usedBytes: bytes.used }),
      ...(inodes && { inodes: inodes.total, inodesFree: inodes.available, inodesUsed: inodes.used }),
    }
  }

  /** Takes down every volume of the pod. Nothing there is fine. @throws when a driver is away or refuses */
  async tearDown(uid: string): Promise<void> {
    for (const record of await this.#records.ofPod(uid))
      await this.#turns.take(`${record.driverName}^${record.volumeHandle}`, () => this.#takeDown(record))
  }

  async #takeDown(record: PublishedRecord): Promise<void> {
    const driver = this.#options.drivers.get(record.driverName)
    await unlessGone(driver.unpublish({ volume_id: record.volumeHandle, target_path: record.targetPath }))
    const others = (await this.#records.all()).filter(
      r => r.driverName === record.driverName && r.volumeHandle === record.volumeHandle && r.podUID !== record.podUID,
    )
    // The record goes last: an agent that dies in between finds the staged volume by it.
    if (!others.length) await this.#unstage(driver, record)
    await this.#records.remove(record)
    if (others.length) return
    this.#options.growth.released(record.specVolID)
    this.#inUse.delete(uniqueVolumeName(record.driverName, record.volumeHandle))
    await this.#options
      .announce(this.inUse)
      .catch(error => this.#options.log.warn({ error: explain(error) }, 'volumes in use not reported'))
  }

  async #unstage(driver: CsiDriver, { volumeHandle, stagingPath }: PublishedRecord): Promise<void> {
    if (!stagingPath) return
    await unlessGone(driver.unstage({ volume_id: volumeHandle, staging_target_path: stagingPath }))
    await this.#options.disk.removeEmpty(stagingPath)
    await this.#options.disk.removeEmpty(dirname(stagingPath))
  }
}

async function unlessGone(call: Promise<object>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!(error instanceof PluginRefused && error.notFound)) throw error
  }
}
