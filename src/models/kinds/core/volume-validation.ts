import { isConfigMapKey, isDns1123Label, isDns1123Subdomain } from '../../../base/names.ts'
import { parseQuantity } from '../../../base/quantity.ts'
import { duplicate, type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type {
  ConfigMapProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  ProjectedVolumeSource,
  SecretProjection,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from '../../types/core-v1.ts'
import { checkName, checkParts, type PartChecks, texts } from '../checks.ts'
import { checkClaimSpec } from './claim-validation.ts'
import { checkFileFieldReference, checkResourceReference } from './env-validation.ts'
import { checkRelativePath } from './security-validation.ts'

/** A pod's volumes: each with a name of its own and one source. */
export function checkVolumes(field: string, volumes: Volume[]): FieldError[] {
  const seen = new Set<string>()
  return volumes.flatMap((volume, i) => {
    const at = `${field}[${i}]`
    const errors = checkName(`${at}.name`, volume.name, isDns1123Label)
    if (volume.name && seen.has(volume.name)) errors.push(duplicate(`${at}.name`, volume.name))
    seen.add(volume.name)
    errors.push(...checkSource(at, volume))
    return errors
  })
}

function checkSource(field: string, volume: Volume): FieldError[] {
  const kinds = Object.keys(volume).filter(key => key !== 'name' && volume[key as keyof Volume] !== undefined)
  const [kind, ...more] = kinds
  if (kind === undefined) return [required(field, 'must specify a volume type')]
  const errors = sourceChecks[kind]?.(`${field}.${kind}`, volume) ?? []
  for (const other of more) errors.push(forbidden(`${field}.${other}`, 'may not specify more than 1 volume type'))
  return errors
}

/** What each kind of source asks for; the others are their drivers' business. */
const sourceChecks: Record<string, (field: string, volume: Volume) => FieldError[]> = {
  emptyDir: (field, { emptyDir }) =>
    emptyDir?.sizeLimit !== undefined && parseQuantity(emptyDir.sizeLimit).nano < 0n
      ? [forbidden(`${field}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')]
      : [],
  hostPath(field, { hostPath }) {
    if (!hostPath?.path) return [required(`${field}.path`)]
    return [
      ...(hostPath.path.split('/').includes('..')
        ? [invalid(`${field}.path`, hostPath.path, "must not contain '..'")]
        : []),
    ]
  },
  secret: (field, { secret }) => [
    ...(secret?.secretName ? [] : [required(`${field}.secretName`)]),
    ...checkMode(`${field}.defaultMode`, secret?.defaultMode),
    ...checkItems(`${field}.items`, secret?.items),
  ],
  configMap: (field, { configMap }) => [
    ...(configMap?.name ? [] : [required(`${field}.name`)]),
    ...checkMode(`${field}.defaultMode`, configMap?.defaultMode),
    ...checkItems(`${field}.items`, configMap?.items),
  ],
  persistentVolumeClaim: (field, { persistentVolumeClaim }) =>
    persistentVolumeClaim?.claimName ? [] : [required(`${field}.claimName`)],
  downwardAPI: (field, { downwardAPI }) => [
    ...checkMode(`${field}.defaultMode`, downwardAPI?.defaultMode),
    ...checkDownwardItems(field, downwardAPI?.items),
  ],
  projected: (field, { projected }) => (projected && !well.has(projected) ? checkProjected(field, projected) : []),
  nfs(field, { nfs }) {
    const errors = nfs?.server ? [] : [required(`${field}.server`)]
    if (!nfs?.path) errors.push(required(`${field}.path`))
    else if (!nfs.path.startsWith('/')) errors.push(invalid(`${field}.path`, nfs.path, 'must be an absolute path'))
    return errors
  },
  csi: (field, { csi }) => checkName(`${field}.driver`, csi?.driver, isDns1123Subdomain),
  ephemeral: (field, { ephemeral }) =>
    ephemeral?.volumeClaimTemplate
      ? checkClaimSpec(`${field}.volumeClaimTemplate.spec`, ephemeral.volumeClaimTemplate.spec)
      : [required(`${field}.volumeClaimTemplate`)],
  gitRepo: (field, { gitRepo }) => (gitRepo?.repository ? [] : [required(`${field}.repository`)]),
  image: (field, { image }) => (image?.reference ? [] : [required(`${field}.reference`)]),
}

const modeText = 'must be a number between 0 and 0777 (octal), both inclusive'

function checkMode(field: string, mode: number | undefined): FieldError[] {
  return mode !== undefined && (mode < 0 || mode > 0o777) ? [invalid(field, mode, modeText)] : []
}

function checkItems(field: string, items: KeyToPath[] | undefined): FieldError[] {
  if (!items) return []
  return items.flatMap(({ key, path, mode }, i) => [
    ...(key ? texts(`${field}[${i}].key`, key, isConfigMapKey(key)) : [required(`${field}[${i}].key`)]),
    ...(path ? checkFilePath(`${field}[${i}].path`, path) : [required(`${field}[${i}].path`)]),
    ...checkMode(`${field}[${i}].mode`, mode),
  ])
}

/** A path inside a volume whose own files begin with `..`. */
function checkFilePath(field: string, path: string): FieldError[] {
  const errors = checkRelativePath(field, path)
  if (path.startsWith('..') && !path.startsWith('../') && path !== '..')
    errors.push(invalid(field, path, "must not start with '..'"))
  return errors
}

function checkDownwardItems(field: string, items: DownwardAPIVolumeFile[] = []): FieldError[] {
  return items.flatMap((item, i) => {
    const at = field
    const errors = item.path ? checkFilePath(`${at}.path`, item.path) : [required(`${at}.path`)]
    if (item.fieldRef) {
      errors.push(...checkFileFieldReference(`${at}.fieldRef`, item.fieldRef))
      if (item.resourceFieldRef)
        errors.push(invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
    } else if (item.resourceFieldRef)
      errors.push(...checkResourceReference(`${at}.resourceFieldRef`, item.resourceFieldRef, true))
    else errors.push(required(`${at}.fieldRef`, 'one of fieldRef and resourceFieldRef is required'))
    return [...errors, ...checkMode(`${at}.items[${i}].mode`, item.mode)]
  })
}

/** Those that nobody can change any more, and that were well: the token volume is one for all pods. */
const well = new WeakSet<ProjectedVolumeSource>()

function checkProjected(field: string, source: ProjectedVolumeSource): FieldError[] {
  const errors = checkSources(field, source)
  if (!errors.length && Object.isFrozen(source)) well.add(source)
  return errors
}

function checkSources(field: string, { defaultMode, sources = [] }: ProjectedVolumeSource): FieldError[] {
  const errors = checkMode(`${field}.defaultMode`, defaultMode)
  const paths = new Set<string>()
  const claimPath = (path: string | undefined) => {
    if (path && paths.has(path)) errors.push(invalid(field, path, 'conflicting duplicate paths'))
    if (path) paths.add(path)
  }
  for (const [i, source] of sources.entries()) {
    const at = `${field}.sources[${i}]`
    if (!Object.values(source).some(Boolean)) errors.push(required(at, 'must specify a projection type'))
    errors.push(...checkParts(at, source, projections, undefined))
    const { configMap, secret, downwardAPI, serviceAccountToken } = source
    for (const part of [configMap, secret, downwardAPI]) for (const item of part?.items ?? []) claimPath(item.path)
    claimPath(serviceAccountToken?.path)
  }
  return errors
}

const projections: PartChecks<VolumeProjection> = {
  configMap: checkKeys,
  secret: checkKeys,
  downwardAPI: (field, { items }) => checkDownwardItems(field, items),
  serviceAccountToken: checkToken,
}

function checkKeys(field: string, { name, items }: ConfigMapProjection | SecretProjection): FieldError[] {
  return [...(name ? [] : [required(`${field}.name`)]), ...checkItems(`${field}.items`, items)]
}

function checkToken(field: string, { expirationSeconds = 3600, path }: ServiceAccountTokenProjection): FieldError[] {
  const errors: FieldError[] = []
  const wrong = (detail: string) => errors.push(invalid(`${field}.expirationSeconds`, expirationSeconds, detail))
  if (expirationSeconds < 600) wrong('may not specify a duration less than 10 minutes')
  if (expirationSeconds > 2 ** 32) wrong('may not specify a duration larger than 2^32 seconds')
  errors.push(...(path ? checkFilePath(`${field}.path`, path) : [required(`${field}.path`)]))
  return errors
}
