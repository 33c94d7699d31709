import { OptiFlowError } from '../../../base/errors.ts'
import type { Client } from '../../../client/index.ts'
import { isNotFound } from '../../../models/api-error.ts'
import { DaemonSet } from '../../../models/kinds/index.ts'
import type { AnyObject } from '../../../models/object.ts'
import { type CalicoDatastore, CalicoInvalid, createChecked } from '../datastore/datastore.ts'
import { IpPool } from '../kinds/index.ts'
import { ObjectWriter } from './apply-objects.ts'
import { type CalicoManifest, containerOf, versionOf } from './manifest.ts'
import { type ManifestSettings, poolModes } from './manifest-settings.ts'
import { moveStrayPods, strayPods } from './move-pods.ts'
import { orderObjects } from './order.ts'
import { patchManifest } from './patch-manifest.ts'
import { type Progress, step, waitUntil } from './progress.ts'
import { missingDefinitions, missingNodes, missingReplicas } from './waits.ts'

export interface InstallOptions {
  client: Client
  datastore: CalicoDatastore
  manifest: CalicoManifest
  settings: ManifestSettings
  progress: Progress
  /** Pods of the built-in network are evicted, so that they come back with addresses of Calico's. */
  movePods: boolean
}

/** Another Calico is there; nothing was done. */
export class OtherVersion extends OptiFlowError {}

export const calicoNode = { namespace: 'kube-system', name: 'calico-node' }
const controllers = { namespace: 'kube-system', name: 'calico-kube-controllers' }
const firstPool = 'default-ipv4-ippool'

/**
 * Installs Calico, or brings a half done installation to its end: every step looks first at what is there. All that can be refused is
 * refused before the first write.
 * @throws BadManifest, OtherVersion, CalicoInvalid: nothing was done; StepTimedOut: run it again
 */
export async function install(options: InstallOptions): Promise<void> {
  const installed = await installedVersion(options.client)
  if (installed && installed !== options.manifest.version)
    throw new OtherVersion(`Calico ${installed} is installed, the manifest is ${options.manifest.version}`, {
      hint: 'Use "optiflow calico upgrade".',
    })
  await roll(options)
}

/** Writes the manifest and waits until all of it works: the common part of install and upgrade. */
export async function roll({
  client,
  datastore,
  manifest,
  settings,
  progress,
  movePods,
}: InstallOptions): Promise<void> {
  const objects = patchManifest(manifest, settings)
  checkFirstPool(settings)
  const { definitions, foundations, workloads } = orderObjects(objects)
  const writer = new ObjectWriter(client)
  const applyAll = async (all: readonly AnyObject[]) => {
    for (const object of all) {
      progress.signal.throwIfAborted()
      await writer.apply(object)
    }
  }
  await step(progress, 'definitions', async tell => {
    await applyAll(definitions)
    await waitUntil(progress, 'definitions', () => missingDefinitions(client, definitions), tell)
    return [undefined, `${definitions.length} served`]
  })
  await step(progress, 'pool', async () => [undefined, await ensureFirstPool(datastore, settings)])
  await step(progress, 'foundations', async () => {
    await applyAll(foundations)
    return [undefined, `${foundations.length} objects`]
  })
  await step(progress, 'calico-node', async tell => {
    await applyAll(workloads)
    await waitUntil(progress, 'calico-node', () => missingNodes(client, calicoNode), tell)
    return [undefined, `ready on every node, ${manifest.version}`]
  })
  await step(progress, 'controllers', async tell => {
    await waitUntil(progress, 'controllers', () => missingReplicas(client, controllers), tell)
    return [undefined, 'ready']
  })
  await step(progress, 'pods', async () => [
    undefined,
    await settlePods(client, datastore, movePods ? progress.signal : undefined),
  ])
}

/** `v3.32.1`; undefined when Calico is not there. */
export async function installedVersion(client: Client): Promise<string | undefined> {
  try {
    const daemon = await client.get(DaemonSet, calicoNode)
    return versionOf(containerOf(daemon as unknown as AnyObject)?.image)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

const poolOf = ({ podCidr, encapsulation }: ManifestSettings) => ({
  metadata: { name: firstPool },
  spec: { cidr: podCidr, natOutgoing: true, nodeSelector: 'all()', ...poolModes(encapsulation) },
})

function checkFirstPool(settings: ManifestSettings): void {
  const faults = IpPool.check!(poolOf(settings), [])
  if (faults.length) throw new CalicoInvalid(IpPool, firstPool, faults)
}

/** Before calico-node, which would make one from its environment: so it is held to the rules. */
async function ensureFirstPool(datastore: CalicoDatastore, settings: ManifestSettings): Promise<string> {
  const pools = await datastore.list(IpPool)
  if (!pools.length) {
    await createChecked(datastore, IpPool, poolOf(settings))
    return `${firstPool}, ${settings.podCidr}`
  }
  if (!pools.some(pool => pool.spec.cidr === settings.podCidr))
    throw new CalicoInvalid(
      IpPool,
      pools[0]!.metadata.name,
      [`spec.cidr: ${pools.map(p => p.spec.cidr).join(', ')} is there already, not ${settings.podCidr}`],
      'Say --pod-cidr as it is, and add pools with "optiflow calico ippool create".',
    )
  return `${pools.map(p => `${p.metadata.name}, ${p.spec.cidr}`).join('; ')}: as it was`
}

/** @param signal undefined: pods stay where they are */
async function settlePods(
  client: Client,
  datastore: CalicoDatastore,
  signal: AbortSignal | undefined,
): Promise<string> {
  const stray = await strayPods(client, await datastore.list(IpPool))
  if (!stray.length) return 'all have addresses of the pools, or none yet'
  if (!signal) {
    const names = stray.slice(0, 3).map(p => `${p.metadata.namespace}/${p.metadata.name}`)
    return `${stray.length} still in another network (${names.join(', ')}${stray.length > 3 ? ', …' : ''}): delete them, or run it again with --move-pods`
  }
  const { moved, refused } = await moveStrayPods(client, stray, signal)
  return `${moved} evicted from their old network${refused.length ? `; not yet, for their disruption budgets: ${refused.join(', ')}` : ''}`
}
