import { isConfigMapKey, isQualifiedName, isRelaxedEnvVarName } from '../../../base/names.ts'
import { type FieldError, invalid, notSupported, required } from '../../field-error.ts'
import type { EnvFromSource, EnvVar, ObjectFieldSelector, ResourceFieldSelector } from '../../types/core-v1.ts'
import { texts } from '../checks.ts'

const variablePaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]
const filePaths = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid']
const knownPaths = new Set([...variablePaths, ...filePaths, 'spec.restartPolicy', 'spec.schedulerName', 'status.phase'])
const resourcePaths = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]
const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']

/** A container's `env`. */
export function checkEnv(field: string, env: EnvVar[] = []): FieldError[] {
  return env.flatMap((variable, i) => {
    const at = `${field}[${i}]`
    const name = variable.name
      ? texts(`${at}.name`, variable.name, isRelaxedEnvVarName(variable.name))
      : [required(`${at}.name`)]
    return [...name, ...checkValueFrom(`${at}.valueFrom`, variable)]
  })
}

function checkValueFrom(field: string, { value, valueFrom }: EnvVar): FieldError[] {
  if (!valueFrom) return []
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom
  const errors: FieldError[] = []
  if (fieldRef) errors.push(...checkFieldReference(`${field}.fieldRef`, fieldRef, variablePaths))
  if (resourceFieldRef) errors.push(...checkResourceReference(`${field}.resourceFieldRef`, resourceFieldRef, false))
  for (const [kind, reference] of Object.entries({ configMapKeyRef, secretKeyRef }))
    if (reference) errors.push(...checkKeyReference(`${field}.${kind}`, reference))
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef].filter(Boolean).length
  if (!sources)
    errors.push(
      invalid(field, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'),
    )
  else if (value) errors.push(invalid(field, '', 'may not be specified when `value` is not empty'))
  else if (sources > 1) errors.push(invalid(field, '', 'may not have more than one field specified at a time'))
  return errors
}

function checkKeyReference(field: string, { name, key }: { name?: string; key: string }): FieldError[] {
  return [
    ...(name ? [] : [required(`${field}.name`)]),
    ...(key ? texts(`${field}.key`, key, isConfigMapKey(key)) : [required(`${field}.key`)]),
  ]
}

/** A field of the pod itself, in an environment variable or (with `inFiles`) in a downward API volume. */
export function checkFieldReference(field: string, ref: ObjectFieldSelector, paths = variablePaths): FieldError[] {
  const { apiVersion, fieldPath } = ref
  if (!apiVersion) return [required(`${field}.apiVersion`)]
  if (!fieldPath) return [required(`${field}.fieldPath`)]
  const subscript = /^(metadata\.(?:annotations|labels))\['([^']*)'\]$/.exec(fieldPath)
  if (subscript) {
    const key = subscript[2]!
    return texts(`${field}.fieldPath`, key, isQualifiedName(subscript[1]!.endsWith('labels') ? key : key.toLowerCase()))
  }
  if (!knownPaths.has(fieldPath))
    return [
      invalid(`${field}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`),
    ]
  return paths.includes(fieldPath) ? [] : [notSupported(`${field}.fieldPath`, fieldPath, paths)]
}

/** The same in a file. */
export const checkFileFieldReference = (field: string, ref: ObjectFieldSelector) =>
  checkFieldReference(field, ref, filePaths)

/** A container's requests or limits. */
export function checkResourceReference(field: string, ref: ResourceFieldSelector, inFile: boolean): FieldError[] {
  const { containerName, resource, divisor = '0' } = ref
  if (inFile && !containerName) return [required(`${field}.containerName`)]
  if (!resource) return [required(`${field}.resource`)]
  const hugePages = /^(limits|requests)\.hugepages-/.test(resource)
  if (!resourcePaths.includes(resource) && !hugePages)
    return [notSupported(`${field}.resource`, resource, resourcePaths)]
  if (divisor === '0') return []
  if (resource.endsWith('.cpu'))
    return divisor === '1' || divisor === '1m'
      ? []
      : [invalid('divisor', divisor, "only divisor's values 1m and 1 are supported with the cpu resource")]
  if (byteDivisors.includes(divisor)) return []
  const what = resource.endsWith('.memory') ? 'memory' : hugePages ? 'hugepages' : 'local ephemeral storage'
  const text = `only divisor's values ${byteDivisors.join(', ')} are supported with the ${what} resource`
  return [invalid('divisor', divisor, text)]
}

/** A container's `envFrom`. */
export function checkEnvFrom(field: string, sources: EnvFromSource[] = []): FieldError[] {
  return sources.flatMap(({ prefix, configMapRef, secretRef }, i) => {
    const at = `${field}[${i}]`
    const errors = prefix ? texts(`${at}.prefix`, prefix, isRelaxedEnvVarName(prefix)) : []
    if (configMapRef && !configMapRef.name) errors.push(required(`${at}.configMapRef.name`))
    if (secretRef && !secretRef.name) errors.push(required(`${at}.secretRef.name`))
    if (!configMapRef && !secretRef) errors.push(invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`'))
    if (configMapRef && secretRef) errors.push(invalid(at, '', 'may not have more than one field specified at a time'))
    return errors
  })
}
