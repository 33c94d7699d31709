import { compareQuantities } from '../../base/quantity.ts'
import { bestVolume, classOf, isFor, mismatchOf, satisfies } from '../../controller/volume-match.ts'
import { CSIDriver, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../models/kinds/index.ts'
import type { Asking } from '../asking.ts'
import { type Explainer, type Finding, stops, unknown, waits, well } from '../explanation.ts'

const defaultClass = 'storageclass.kubernetes.io/is-default-class'
const selectedNode = 'volume.kubernetes.io/selected-node'
const byHand = 'kubernetes.io/no-provisioner'
const namesShown = 3

export const persistentVolumeClaim: Explainer<PersistentVolumeClaim> = {
  kind: PersistentVolumeClaim,
  summary({ spec, status }) {
    const phase = status?.phase ?? 'Pending'
    return phase === 'Bound' ? `it is bound to volume ${spec.volumeName}` : `it is ${phase}`
  },
  async findings(object, ask) {
    const found = object.metadata.deletionTimestamp ? await usersOf(object, ask) : []
    if (object.status?.phase === 'Lost')
      return [
        ...found,
        stops(
          `its volume ${object.spec.volumeName} is gone, and its data with it`,
          'Delete the claim and create it anew; restore the data from a backup.',
        ),
      ]
    if (object.status?.phase === 'Bound') return [...found, ...resizing(object)]
    return [...found, ...(object.spec.volumeName ? await named(object, ask) : await searching(object, ask))]
  },
}

/** A claim that is being deleted stays for those that use it. */
async function usersOf({ metadata }: PersistentVolumeClaim, ask: Asking): Promise<Finding[]> {
  const pods = await ask.list(Pod, { namespace: metadata.namespace! })
  const users = pods.filter(
    ({ spec, status }) =>
      status?.phase !== 'Succeeded' &&
      status?.phase !== 'Failed' &&
      spec.volumes?.some(v => v.persistentVolumeClaim?.claimName === metadata.name),
  )
  if (!users.length) return []
  const names = users.slice(0, namesShown).map(pod => pod.metadata.name)
  return [
    stops(`it stays until the pods that use it are gone: ${names.join(', ')}${users.length > namesShown ? ', …' : ''}`),
  ]
}

function resizing({ status, spec }: PersistentVolumeClaim): Finding[] {
  const [asked, has] = [spec.resources?.requests?.['storage'], status?.capacity?.['storage']]
  if (!asked || !has || compareQuantities(asked, has) <= 0) return []
  return [waits(`it is asked to grow from ${has} to ${asked}: its driver, then its node, enlarge it`)]
}

/** spec.volumeName asks for one volume. */
async function named(claim: PersistentVolumeClaim, ask: Asking): Promise<Finding[]> {
  const { spec } = claim
  const volume = await ask.get(PersistentVolume, { name: spec.volumeName! })
  if (volume === 'hidden') return []
  if (volume === 'missing') return [stops(`there is no PersistentVolume ${spec.volumeName} (spec.volumeName)`)]
  const { claimRef } = volume.spec ?? {}
  if (claimRef && !isFor(volume, claim))
    return [stops(`PersistentVolume ${spec.volumeName} is that of claim ${claimRef.namespace}/${claimRef.name}`)]
  const mismatch = mismatchOf(volume, claim)
  if (mismatch) return [stops(`it asks for PersistentVolume ${spec.volumeName} (spec.volumeName), but ${mismatch}`)]
  return [waits(`it is about to be bound to PersistentVolume ${spec.volumeName}`)]
}

async function searching(claim: PersistentVolumeClaim, ask: Asking): Promise<Finding[]> {
  const { spec, metadata } = claim
  const classes = await ask.list(StorageClass)
  if (ask.hidden.has('storageclasses')) return []
  const byDefault = classes.find(c => c.metadata.annotations?.[defaultClass] === 'true')
  if (spec.storageClassName === undefined)
    return [
      ...(byDefault
        ? [waits(`it is about to get the default StorageClass ${byDefault.metadata.name}`)]
        : [
            stops(
              'it names no StorageClass, and none is the default',
              `Set spec.storageClassName, or annotate one with ${defaultClass}: "true".`,
            ),
          ]),
      ...(await volumes(claim, ask)),
    ]
  const known = classes.find(c => c.metadata.name === spec.storageClassName)
  if (!known) {
    if (spec.storageClassName === '')
      return [well('spec.storageClassName is "": only a volume made by hand fits'), ...(await volumes(claim, ask))]
    const names = classes.map(c => c.metadata.name).join(', ')
    return [
      stops(
        `there is no StorageClass ${spec.storageClassName} (spec.storageClassName)`,
        names ? `There are: ${names}.` : 'Create it, or a volume of that class.',
      ),
      ...(await volumes(claim, ask)),
    ]
  }
  if (known.volumeBindingMode === 'WaitForFirstConsumer' && !metadata.annotations?.[selectedNode]) {
    const pods = (await ask.list(Pod, { namespace: metadata.namespace! })).filter(pod =>
      pod.spec.volumes?.some(v => v.persistentVolumeClaim?.claimName === metadata.name),
    )
    const waiting = pods.find(pod => !pod.spec.nodeName)
    if (!pods.length)
      return [
        waits(
          `StorageClass ${spec.storageClassName} waits for the first pod that uses the claim (volumeBindingMode), and there is none`,
        ),
      ]
    if (waiting)
      return [
        stops(
          `pod ${waiting.metadata.name}, which uses it, has no node yet`,
          `optiflow why pod/${waiting.metadata.name} -n ${metadata.namespace}`,
        ),
      ]
  }
  if (known.provisioner === byHand) return volumes(claim, ask)
  const driver = await ask.get(CSIDriver, { name: known.provisioner })
  const text = `${known.provisioner}, the provisioner of StorageClass ${spec.storageClassName}, has not made a volume yet`
  return [
    driver === 'missing'
      ? unknown(`${text}, and no CSIDriver of that name is registered`, 'See whether its pods run, and what they log.')
      : waits(text, 'If it stays so, see what its pods log.'),
  ]
}

/** Why none of the volumes that are there fits. */
async function volumes(claim: PersistentVolumeClaim, ask: Asking): Promise<Finding[]> {
  const all = await ask.list(PersistentVolume)
  if (ask.hidden.has('persistentvolumes')) return []
  if (!all.length)
    return [stops('there is no PersistentVolume at all', 'Create one of that class, size and access mode.')]
  const best = bestVolume(claim, all)
  if (best) return [waits(`PersistentVolume ${best.metadata.name} fits, and is about to be bound`)]
  const reasons = new Map<string, string[]>()
  for (const volume of all) {
    const reason = misfit(volume, claim)
    reasons.set(reason, [...(reasons.get(reason) ?? []), volume.metadata.name])
  }
  return [...reasons].map(([reason, names]) =>
    stops(
      `${names.length === 1 ? `PersistentVolume ${names[0]}` : `${names.length} PersistentVolumes, such as ${names[0]},`} cannot be its: ${reason}`,
    ),
  )
}

/** In figures what the binder, which decides, has only words for. */
function misfit(volume: PersistentVolume, claim: PersistentVolumeClaim): string {
  const { spec, status } = volume
  const asked = claim.spec
  if (spec?.claimRef && !isFor(volume, claim))
    return status?.phase === 'Released'
      ? 'released, but kept with the data of its last claim'
      : 'bound to another claim'
  if (classOf(volume) !== classOf(claim)) return `its class is "${classOf(volume)}", not "${classOf(claim)}"`
  const [has, wants] = [spec?.capacity?.['storage'] ?? '0', asked.resources?.requests?.['storage'] ?? '0']
  if (compareQuantities(has, wants) < 0) return `it has ${has}, not ${wants}`
  const lacking = asked.accessModes?.find(mode => !spec?.accessModes?.includes(mode))
  if (lacking) return `it cannot be mounted ${lacking}`
  const rest = mismatchOf(volume, claim)
  if (rest) return rest
  return satisfies(volume, claim) ? `it is ${status?.phase}` : 'spec.selector does not match its labels'
}
