import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type {
  ConfigMapProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  ProjectedVolumeSource,
  SecretProjection,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '../../types/core-v1.ts'
import { checkFileFieldReference, checkResourceReference } from './env-validation.ts'
import { checkFilePath } from './path-checks.ts'

const modeText = 'must be a number between 0 and 0777 (octal), both inclusive'

export function checkMode(field: string, mode: number | undefined): FieldError[] {
  return mode !== undefined && (mode < 0 || mode > 0o777) ? [invalid(field, mode, modeText)] : []
}

export function checkItems(field: string, items: KeyToPath[] = []): FieldError[] {
  return items.flatMap((item, i) => checkItem(`${field}[${i}]`, item))
}

function checkItem(field: string, { key, path = '', mode }: KeyToPath): FieldError[] {
  return [
    ...(key ? [] : [required(`${field}.key`)]),
    ...(path ? [] : [required(`${field}.path`)]),
    ...checkFilePath(`${field}.path`, path),
    ...checkMode(`${field}.mode`, mode),
  ]
}

/** Files of the downward API. Kubernetes does not say which of them it means. */
export function checkDownwardItem(field: string, item: DownwardAPIVolumeFile): FieldError[] {
  const { path = '', fieldRef, resourceFieldRef } = item
  const errors = [...(path ? [] : [required(`${field}.path`)]), ...checkFilePath(`${field}.path`, path)]
  if (fieldRef) {
    errors.push(...checkFileFieldReference(`${field}.fieldRef`, fieldRef))
    if (resourceFieldRef)
      errors.push(invalid(field, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
  } else if (resourceFieldRef)
    errors.push(...checkResourceReference(`${field}.resourceFieldRef`, resourceFieldRef, true))
  else errors.push(required(field, 'one of fieldRef and resourceFieldRef is required'))
  return [...errors, ...checkMode(`${field}.mode`, item.mode)]
}

/** Those that nobody can change any more, and that were well: the token volume is one for all pods. */
const well = new WeakSet<ProjectedVolumeSource>()

export function checkProjected(field: string, source: ProjectedVolumeSource): FieldError[] {
  if (well.has(source)) return []
  const errors = checkSources(field, source)
  if (!errors.length && Object.isFrozen(source)) well.add(source)
  return errors
}

function checkSources(field: string, { defaultMode, sources }: ProjectedVolumeSource): FieldError[] {
  const errors = checkMode(`${field}.defaultMode`, defaultMode)
  const paths = new Set<string>()
  /** @param shown what a refusal shows of it */
  const claim = (path: string | undefined, shown = path) => {
    if (!path) return
    if (paths.has(path)) errors.push(invalid(field, shown, 'conflicting duplicate paths'))
    paths.add(path)
  }
  for (const [i, source] of (sources ?? []).entries()) {
    const at = `${field}.sources[${i}]`
    for (const kind of ['secret', 'configMap'] as const) checkKeys(`${at}.${kind}`, source[kind], errors, claim)
    for (const file of source.downwardAPI?.items ?? []) {
      errors.push(...checkDownwardItem(`${at}.downwardAPI`, file))
      claim(file.path)
    }
    if (source.serviceAccountToken)
      errors.push(...checkToken(field, `${at}.serviceAccountToken`, source.serviceAccountToken))
    if (source.clusterTrustBundle) {
      errors.push(...checkBundle(`${at}.clusterTrustBundle`, source))
      claim(source.clusterTrustBundle.path)
    }
    if (Object.values(source).filter(Boolean).length > 1)
      errors.push(forbidden(at, 'may not specify more than 1 volume type per source'))
  }
  return errors
}

function checkKeys(
  field: string,
  source: ConfigMapProjection | SecretProjection | undefined,
  errors: FieldError[],
  claim: (path: string | undefined, shown: string) => void,
): void {
  if (!source) return
  const { name = '', items = [] } = source
  if (!name) errors.push(required(`${field}.name`))
  for (const [i, item] of items.entries()) {
    errors.push(...checkItem(`${field}.items[${i}]`, item))
    claim(item.path, name)
  }
}

/** @param whole the projected volume: what Kubernetes says of a token's path it says of that */
function checkToken(whole: string, field: string, source: ServiceAccountTokenProjection): FieldError[] {
  const { expirationSeconds = 3600, path } = source
  const errors: FieldError[] = []
  const wrong = (detail: string) => errors.push(invalid(`${field}.expirationSeconds`, expirationSeconds, detail))
  if (expirationSeconds < 600) wrong('may not specify a duration less than 10 minutes')
  if (expirationSeconds > 2 ** 32) wrong('may not specify a duration larger than 2^32 seconds')
  return [...errors, ...(path ? checkFilePath(`${whole}.path`, path) : [required(`${whole}.path`)])]
}

function checkBundle(field: string, { clusterTrustBundle: bundle }: VolumeProjection): FieldError[] {
  const { name, signerName, labelSelector, path = '' } = bundle!
  const errors: FieldError[] = []
  if (name !== undefined && signerName !== undefined)
    errors.push(invalid(field, bundle, 'only one of name and signerName may be used'))
  else if (name !== undefined) {
    if (!name) errors.push(required(`${field}.name`, 'must be a valid object name'))
    if (labelSelector)
      errors.push(invalid(`${field}.labelSelector`, labelSelector, 'labelSelector must be unset if name is specified'))
  } else if (signerName === undefined) errors.push(required(field, 'either name or signerName must be specified'))
  else if (!signerName) errors.push(required(`${field}.signerName`, 'must be a valid signer name'))
  return [...errors, ...(path ? [] : [required(`${field}.path`)]), ...checkFilePath(`${field}.path`, path)]
}
