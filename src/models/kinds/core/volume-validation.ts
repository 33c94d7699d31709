import { isDns1123Label, isDns1123Subdomain } from '../../../base/names.ts'
import { parseQuantity } from '../../../base/quantity.ts'
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { CSIVolumeSource, EphemeralVolumeSource, ImageVolumeSource, Volume } from '../../types/core-v1.ts'
import type { ObjectMeta } from '../../types/meta-v1.ts'
import { checkName, texts } from '../checks.ts'
import { checkClaimSpec } from './claim-validation.ts'
import { checkRelativePath } from './path-checks.ts'
import { checkDownwardItem, checkItems, checkMode, checkProjected } from './projected-validation.ts'
import { validateTemplateMeta } from './template-meta.ts'
import { checkCsiDriver, iscsiTooLong, iscsiTooLongText, need, sharedSources } from './volume-sources.ts'

/** A pod's metadata; undefined in a template, of which no pod is named yet. */
export type PodMeta = ObjectMeta | undefined

/**
 * A pod's volumes: each with a name of its own and one source.
 * @returns those that are well, by name: what containers may mount
 */
export function checkVolumes(field: string, volumes: Volume[], pod: PodMeta, errors: FieldError[]) {
  const good = new Map<string, Volume>()
  const made = new Set(pod?.name ? volumes.flatMap(v => (v.ephemeral ? [`${pod.name}-${v.name}`] : [])) : [])
  for (const [i, volume] of volumes.entries()) {
    const at = `${field}[${i}]`
    const wrong = checkSource(at, volume, pod)
    wrong.push(...checkName(`${at}.name`, volume.name, isDns1123Label))
    if (good.has(volume.name)) wrong.push(duplicate(`${at}.name`, volume.name))
    if (wrong.length) errors.push(...wrong)
    else good.set(volume.name, volume)
    const claim = volume.persistentVolumeClaim?.claimName
    if (claim !== undefined && made.has(claim))
      errors.push(
        invalid(
          `${at}.persistentVolumeClaim.claimName`,
          claim,
          'must not reference a PVC that gets created for an ephemeral volume',
        ),
      )
  }
  return good
}

/** In the order in which Kubernetes looks for them: the first one counts. */
const kinds =
  'emptyDir hostPath gitRepo gcePersistentDisk awsElasticBlockStore secret nfs iscsi glusterfs flocker persistentVolumeClaim rbd cinder cephfs quobyte downwardAPI fc flexVolume configMap azureFile vsphereVolume photonPersistentDisk portworxVolume azureDisk storageos projected scaleIO csi ephemeral image'.split(
    ' ',
  ) as (keyof Volume & string)[]
const kindNames = new Set<keyof Volume>(kinds)

/** Mostly one: it is not looked for among thirty. */
function kindsOf(volume: Volume): readonly (keyof Volume & string)[] {
  let only: keyof Volume | undefined
  for (const name in volume) {
    if (name === 'name') continue
    if (only) return kinds
    only = name as keyof Volume
  }
  return only && kindNames.has(only) ? [only] : kinds
}

/** Two that messages of Kubernetes spell in another way. */
const spelt: Partial<Record<string, string>> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' }

function checkSource(field: string, volume: Volume, pod: PodMeta): FieldError[] {
  const errors: FieldError[] = []
  let found = false
  for (const kind of kindsOf(volume)) {
    const source = volume[kind]
    if (source === undefined) continue
    if (found) errors.push(forbidden(`${field}.${spelt[kind] ?? kind}`, 'may not specify more than 1 volume type'))
    else errors.push(...(ownSources[kind] ?? sharedSources[kind])!(`${field}.${kind}`, source, pod))
    if (kind === 'iscsi' && iscsiTooLong(volume.name, volume.iscsi!))
      errors.push(invalid(`${field}.name`, volume.name, iscsiTooLongText))
    if (kind === 'ephemeral' && !found) errors.push(...checkClaimName(`${field}.name`, volume.name, pod))
    found = true
  }
  return found ? errors : [required(field, 'must specify a volume type')]
}

/** Sources that only pods have. */
const ownSources: Record<string, (field: string, source: any, pod: PodMeta) => FieldError[]> = {
  emptyDir: (field, { sizeLimit }) =>
    sizeLimit !== undefined && parseQuantity(sizeLimit).nano < 0n
      ? [forbidden(`${field}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')]
      : [],
  gitRepo: (field, { repository, directory = '' }) => [
    ...need(`${field}.repository`, repository),
    ...checkRelativePath(`${field}.directory`, directory),
  ],
  secret: (field, source) => [...need(`${field}.secretName`, source.secretName), ...checkFiles(field, source)],
  configMap: (field, source) => [...need(`${field}.name`, source.name), ...checkFiles(field, source)],
  downwardAPI: (field, { defaultMode, items = [] }) => [
    ...checkMode(`${field}.defaultMode`, defaultMode),
    ...items.flatMap((item: any) => checkDownwardItem(field, item)),
  ],
  projected: checkProjected,
  csi: checkCsi,
  ephemeral: checkEphemeral,
  image: checkImage,
}

function checkFiles(field: string, { defaultMode, items }: { defaultMode?: number; items?: any[] }): FieldError[] {
  return [...checkMode(`${field}.defaultMode`, defaultMode), ...checkItems(`${field}.items`, items)]
}

function checkCsi(field: string, { driver, nodePublishSecretRef: secret }: CSIVolumeSource): FieldError[] {
  const errors = checkCsiDriver(`${field}.driver`, driver)
  if (!secret) return errors
  if (!secret.name) return [...errors, required(`${field}.nodePublishSecretRef.name`)]
  return [...errors, ...texts(`${field}.name`, secret.name, isDns1123Subdomain(secret.name))]
}

function checkEphemeral(field: string, { volumeClaimTemplate: template }: EphemeralVolumeSource): FieldError[] {
  const at = `${field}.volumeClaimTemplate`
  if (!template) return [required(at)]
  return [...validateTemplateMeta(`${at}.metadata`, template.metadata), ...checkClaimSpec(`${at}.spec`, template.spec)]
}

/** The claim of an ephemeral volume gets the pod's name and the volume's. */
function checkClaimName(field: string, volume: string, pod: PodMeta): FieldError[] {
  if (!pod?.name || !volume) return []
  const name = `${pod.name}-${volume}`
  return isDns1123Subdomain(name).map(text => invalid(field, volume, `PVC name ${JSON.stringify(name)}: ${text}`))
}

const pullPolicies = ['Always', 'IfNotPresent', 'Never']

export function checkPullPolicy(field: string, policy: string | undefined): FieldError[] {
  if (!policy) return [required(field)]
  return pullPolicies.includes(policy) ? [] : [notSupported(field, policy, pullPolicies)]
}

function checkImage(field: string, { reference, pullPolicy }: ImageVolumeSource, pod: PodMeta): FieldError[] {
  const missing = pod ? need(`${field}.reference`, reference) : []
  return [...missing, ...checkPullPolicy(`${field}.pullPolicy`, pullPolicy)]
}
