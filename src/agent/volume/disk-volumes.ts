import { join, normalize } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Commands } from '../../base/commands.ts'
import { codeOf, explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Random } from '../../base/random.ts'
import { Turns } from '../../base/turns.ts'
import { ServerUnreachable } from '../../client/index.ts'
import { claimNameOf } from '../../models/claim-name.ts'
import type { NFSVolumeSource, Pod, Volume, VolumeMount } from '../../models/types/core-v1.ts'
import type { ImageRef, Mount } from '../../runtime/runtime.ts'
import { type CsiUse, claimedUse, inlineUse, type ReadyVolume } from '../csi/csi-use.ts'
import type { CsiVolumes } from '../csi/csi-volumes.ts'
import type { AgentMetrics } from '../metrics/agent-metrics.ts'
import type { ReferencedObjects } from '../objects.ts'
import { ContainerConfigInvalid } from '../pod/config-invalid.ts'
import type { PodFacts } from '../pod/downward.ts'
import { StepFailed } from '../pod/step-failed.ts'
import { writeAtomicFolder } from './atomic-folder.ts'
import { type ClaimedVolume, claimedVolume } from './claimed-volume.ts'
import { makeEmptyDir } from './empty-dir.ts'
import { type ChangePolicy, giveToGroup } from './file-group.ts'
import { filesOf, isSecret, isWritten, referencesOf } from './files.ts'
import { checkHostPath } from './host-path.ts'
import { type ImageVolumesOptions, releaseImageVolumes, setUpImageVolume } from './image-volumes.ts'
import { growFileSystem, mountDevice } from './local-device.ts'
import { makeLocalVolume } from './local-volumes.ts'
import { MountFailed } from './mount-failed.ts'
import { mountNfs } from './nfs-volume.ts'
import { pluginOf } from './plugin-name.ts'
import type { ServiceAccountTokens } from './service-account-tokens.ts'
import { pinSubPath, unmountBelow } from './sub-path.ts'
import { usedVolumes } from './used-volumes.ts'
import type { GrowingVolume, VolumeGrowth } from './volume-growth.ts'
import { volumeUses } from './volume-use.ts'
import type { Volumes } from './volumes.ts'

export interface DiskVolumesOptions extends ImageVolumesOptions {
  /** `<folder>/pods/<uid>/…` */
  folder: string
  /** On tmpfs where there is one: secrets and tokens live here, as `<secretFolder>/<uid>/…`. */
  secretFolder: string
  objects: ReferencedObjects
  tokens: ServiceAccountTokens
  growth: VolumeGrowth
  /** Absent: volumes of CSI drivers are refused. */
  csi?: CsiVolumes
  commands: Commands
  clock: Clock
  random: Random
  log: Logger
  metrics?: AgentMetrics
}

/** What comes of the volumes of one pod. */
interface MadeReady {
  /** Host path by volume name. */
  paths: Map<string, string>
  /** Of those that the runtime mounts itself, by volume name. */
  images: Map<string, ImageRef>
  /** Those of CSI drivers, which are looked after. */
  drivers: ReadyVolume[]
  /** Others that may grow. */
  growing: GrowingVolume[]
}

interface SettingUp extends MadeReady {
  signal: AbortSignal
}

interface Live extends MadeReady {
  facts: PodFacts
  stopFollowing: (() => void)[]
  /** Writes of this pod's files, one after the other. */
  writing: Promise<void>
}

/** How often files are looked over for what no event tells: tokens near their end. */
export const refreshPeriodMs = 60_000

/** Volumes as folders below the agent's own, which containers get as bind mounts. */
export function createDiskVolumes(options: DiskVolumesOptions): Volumes {
  const { folder, secretFolder, objects, disk, commands, clock, random, log, metrics } = options
  const live = new Map<string, Live>()
  /** By pod uid: volumes that are being made ready. */
  const waited = new Map<string, Set<string>>()
  const podFolder = (uid: string) => join(folder, 'pods', uid)
  /** An empty device is formatted once, however many pods want it. */
  const devices = new Turns()

  const written = (uid: string, volume: Volume) =>
    isSecret(volume) ? join(secretFolder, uid, volume.name) : join(podFolder(uid), 'volumes', 'files', volume.name)

  async function write(volume: Volume, facts: PodFacts): Promise<string> {
    const uid = facts.pod.metadata.uid!
    const target = written(uid, volume)
    let files: Awaited<ReturnType<typeof filesOf>>
    try {
      files = await filesOf(volume, facts, options)
    } catch (error) {
      // Taken over from an agent before us while the server is away: what is written will do until it returns.
      if (error instanceof ServerUnreachable && (await disk.exists(join(target, '..data')))) return target
      throw error
    }
    await disk.makeFolder(target)
    const group = facts.pod.spec.securityContext?.fsGroup
    await writeAtomicFolder(disk, random, target, files, group)
    return target
  }

  async function setUpOne(volume: Volume, facts: PodFacts, being: SettingUp): Promise<string> {
    const { pod } = facts
    const use = async (use: CsiUse) => {
      if (!options.csi) throw new Error('this node takes no CSI drivers')
      const ready = await options.csi.setUp(pod, use)
      being.drivers.push(ready)
      return ready.path
    }
    if (volume.csi) return use(inlineUse(pod, volume))
    if (isWritten(volume)) return write(volume, facts)
    if (volume.hostPath) {
      await checkHostPath(disk, volume.hostPath)
      return volume.hostPath.path
    }
    if (volume.emptyDir) return makeEmptyDir(options, volume, pod)
    if (volume.nfs) return nfs(volume.name, volume.nfs, pod)
    if (claimNameOf(pod, volume)) {
      const found = await claimedVolume(objects, pod, volume)
      const { csi, nfs: exported, mountOptions } = found.volume.spec
      if (csi) return use(claimedUse(found, volume))
      return exported && found.volume.spec.volumeMode !== 'Block'
        ? nfs(volume.name, exported, pod, mountOptions)
        : claimed(found, pod, volume, being)
    }
    if (volume.image) return fromImage(volume, pod, being)
    const type = Object.keys(volume).find(key => key !== 'name') ?? 'nothing'
    throw new Error(
      `volumes of type ${type} are not supported by this node; use configMap, secret, downwardAPI, projected, emptyDir, hostPath, image, nfs, csi, ephemeral or a persistentVolumeClaim`,
    )
  }

  async function fromImage(volume: Volume, pod: Pod, { images, signal }: SettingUp): Promise<string> {
    const made = await setUpImageVolume(options, pod, volume, podFolder(pod.metadata.uid!), signal)
    if ('path' in made) return made.path
    images.set(volume.name, made.image)
    return ''
  }

  async function nfs(name: string, source: NFSVolumeSource, pod: Pod, mountOptions?: string[]): Promise<string> {
    const target = join(podFolder(pod.metadata.uid!), 'volumes', 'nfs', name)
    await mountNfs(options, target, source, mountOptions)
    return target
  }

  async function claimed(of: ClaimedVolume, pod: Pod, volume: Volume, { growing }: SettingUp): Promise<string> {
    const found = of.volume
    const { hostPath, local, volumeMode, mountOptions } = found.spec
    if (hostPath && volumeMode !== 'Block') {
      await checkHostPath(disk, hostPath)
      return hostPath.path
    }
    if (local) {
      await makeLocalVolume(disk, folder, found)
      if (!(await disk.exists(local.path))) throw new Error(`path "${local.path}" does not exist`)
      const isDevice = (await disk.stat(local.path)).isBlockDevice()
      if (volumeMode === 'Block') {
        if (isDevice) return local.path
        throw new Error(`path "${local.path}" of a volume with volumeMode Block is not a block device`)
      }
      const path = isDevice ? join(podFolder(pod.metadata.uid!), 'volumes', 'local', volume.name) : local.path
      const about = { device: local.path, fsType: local.fsType, options: mountOptions }
      if (isDevice) await devices.take(local.path, () => mountDevice(options, path, about))
      // A folder has the room of its file system, whatever its volume says.
      const grow = async () => (isDevice ? growFileSystem(options, local.path, path) : undefined)
      const one = { claimed: of, readOnly: Boolean(volume.persistentVolumeClaim?.readOnly), grow }
      await options.growth.look(one)
      growing.push(one)
      await giveToPod(path, pod)
      return path
    }
    throw new Error(
      volumeMode === 'Block'
        ? `persistentvolume "${found.metadata.name}" has volumeMode Block, which only local volumes and CSI drivers can be`
        : `persistentvolume "${found.metadata.name}" is neither of a CSI driver nor nfs, local or hostPath, which is what this node can mount`,
    )
  }

  async function giveToPod(path: string, { spec }: Pod): Promise<void> {
    const { fsGroup, fsGroupChangePolicy } = spec.securityContext ?? {}
    if (fsGroup === undefined) return
    await giveToGroup(disk, path, fsGroup, fsGroupChangePolicy as ChangePolicy)
  }

  function rewrite(uid: string): void {
    const entry = live.get(uid)
    if (!entry) return
    entry.writing = entry.writing.then(async () => {
      for (const volume of usedVolumes(entry.facts.pod)) {
        if (!isWritten(volume) || live.get(uid) !== entry) continue
        await write(volume, entry.facts).catch(error =>
          log.debug({ error: explain(error), volume: volume.name, pod: uid }, 'volume not refreshed'),
        )
      }
    })
  }

  function follow(entry: Live): void {
    for (const stop of entry.stopFollowing.splice(0)) stop()
    const { pod } = entry.facts
    for (const volume of usedVolumes(pod))
      for (const { kind, namespace, name } of referencesOf(pod, volume))
        if (name) entry.stopFollowing.push(objects.follow(kind, { namespace, name }, () => rewrite(pod.metadata.uid!)))
  }

  return {
    async setUp(facts, signal) {
      const { pod } = facts
      const uid = pod.metadata.uid!
      await disk.makeFolder(podFolder(uid), { mode: 0o750 })
      const ready: MadeReady = { paths: new Map(), images: new Map(), drivers: [], growing: [] }
      const waiting = new Set<string>()
      waited.set(uid, waiting)
      // To their ends, though one fails: who tries again must not meet those that are still written.
      const outcomes = await Promise.allSettled(
        usedVolumes(pod).map(async volume => {
          const began = clock.monotonicMs()
          waiting.add(volume.name)
          const tell = (failed: boolean) =>
            metrics?.volumeMade(pluginOf(volume), (clock.monotonicMs() - began) / 1000, failed)
          try {
            ready.paths.set(volume.name, await setUpOne(volume, facts, { ...ready, signal }))
            tell(false)
          } catch (cause) {
            signal.throwIfAborted()
            tell(true)
            throw cause instanceof MountFailed || cause instanceof StepFailed
              ? cause
              : new MountFailed(volume.name, explain(cause))
          } finally {
            waiting.delete(volume.name)
          }
        }),
      )
      waited.delete(uid)
      const missing = new Map<string, StepFailed>()
      for (const { reason } of outcomes.filter(outcome => outcome.status === 'rejected'))
        if (reason instanceof StepFailed && reason.volume !== undefined) missing.set(reason.volume, reason)
        else throw reason
      const entry = live.get(uid)
      if (entry) {
        Object.assign(entry, ready, { facts })
        follow(entry)
        return missing
      }
      const fresh: Live = { ...ready, facts, stopFollowing: [], writing: Promise.resolve() }
      live.set(uid, fresh)
      follow(fresh)
      return missing
    },

    waitedFor: uid => [...(waited.get(uid) ?? [])],

    async mounts(pod, container, expandEnv) {
      const uid = pod.metadata.uid!
      const { paths, images } = live.get(uid) ?? {}
      const out: Mount[] = []
      for (const mount of container.volumeMounts ?? []) {
        const path = paths?.get(mount.name)
        const image = images?.get(mount.name)
        if (!path && !image)
          throw new ContainerConfigInvalid(
            `container ${container.name} mounts volume "${mount.name}", which the pod does not have or which is not ready`,
          )
        const volume = pod.spec.volumes?.find(v => v.name === mount.name)
        const readOnly = Boolean(
          mount.readOnly || volume?.persistentVolumeClaim?.readOnly || volume?.image || (volume && isWritten(volume)),
        )
        out.push({
          hostPath: path ? await inside(path, mount, { uid, container: container.name, expandEnv, readOnly }) : '',
          ...(image ? { image } : {}),
          containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
          readOnly,
          propagation:
            mount.mountPropagation === 'Bidirectional'
              ? 'bidirectional'
              : mount.mountPropagation === 'HostToContainer'
                ? 'hostToContainer'
                : 'private',
          ...(mount.recursiveReadOnly === 'Enabled' ? { recursiveReadOnly: true } : {}),
        })
      }
      return out
    },

    devices(pod, container) {
      const paths = live.get(pod.metadata.uid!)?.paths
      return (container.volumeDevices ?? []).map(({ name, devicePath }) => {
        const hostPath = paths?.get(name)
        if (!hostPath)
          throw new ContainerConfigInvalid(
            `container ${container.name} wants volume "${name}" as a device, which the pod does not have or which is not ready`,
          )
        const volume = pod.spec.volumes?.find(v => v.name === name)
        return {
          hostPath,
          containerPath: devicePath,
          permissions: volume?.persistentVolumeClaim?.readOnly ? 'r' : 'mrw',
        }
      })
    },

    async refresh(facts) {
      const uid = facts.pod.metadata.uid!
      const entry = live.get(uid)
      if (!entry) return
      entry.facts = facts
      rewrite(uid)
      await entry.writing
      const tell = (volume: string) => (error: unknown) =>
        log.warn({ error: explain(error), volume, pod: uid }, 'volume not looked after')
      for (const ready of entry.drivers) await options.csi?.lookAfter(facts.pod, ready).catch(tell(ready.use.spec))
      for (const growing of entry.growing)
        await options.growth.look(growing).catch(tell(growing.claimed.volume.metadata.name))
    },

    async uses(pod) {
      const entry = live.get(pod.metadata.uid!)
      return entry ? volumeUses(pod, entry, options) : []
    },

    async tearDown(uid) {
      const entry = live.get(uid)
      live.delete(uid)
      for (const stop of entry?.stopFollowing ?? []) stop()
      options.tokens.forget(uid)
      await entry?.writing
      // Before a driver is asked to take a volume down, nothing of ours may hold it.
      const pins = join(podFolder(uid), 'volume-subpaths')
      if (await disk.exists(pins)) await unmountBelow({ disk, commands }, pins)
      await options.csi?.tearDown(uid)
      await unmountBelow({ disk, commands }, podFolder(uid))
      await releaseImageVolumes(options, podFolder(uid))
      await disk.remove(podFolder(uid))
      await disk.remove(join(secretFolder, uid))
    },

    async left() {
      const names = new Set<string>()
      for (const place of [join(folder, 'pods'), secretFolder])
        for (const entry of await disk.list(place).catch(error => {
          if (codeOf(error) === 'ENOENT') return []
          throw error
        }))
          names.add(entry.name)
      for (const uid of (await options.csi?.pods()) ?? []) names.add(uid)
      return [...names]
    },

    async [Symbol.asyncDispose]() {
      for (const entry of live.values()) for (const stop of entry.stopFollowing) stop()
      await Promise.all([...live.values()].map(entry => entry.writing))
      live.clear()
    },
  }

  async function inside(
    root: string,
    mount: VolumeMount,
    about: { uid: string; container: string; expandEnv: (text: string) => string; readOnly: boolean },
  ): Promise<string> {
    const sub = mount.subPathExpr ? about.expandEnv(mount.subPathExpr) : mount.subPath
    if (!sub) return root
    const clean = normalize(sub)
    if (clean.startsWith('/') || clean === '..' || clean.startsWith('../'))
      throw new ContainerConfigInvalid(`subPath "${sub}" of volume "${mount.name}" must stay inside the volume`)
    const index = `${mount.name}-${Buffer.from(mount.mountPath).toString('hex').slice(-40)}`
    const pin = join(podFolder(about.uid), 'volume-subpaths', about.container, index)
    return pinSubPath({ disk, commands }, root, clean, pin)
  }
}
