import { isConfigMapKey, isDns1123Subdomain, isQualifiedName, isRelaxedEnvVarName } from '../../../base/names.ts'
import { type FieldError, invalid, notSupported, required } from '../../field-error.ts'
import type { EnvFromSource, EnvVar, ObjectFieldSelector, ResourceFieldSelector } from '../../types/core-v1.ts'
import { checkName, texts } from '../checks.ts'

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
    ...texts(`${field}.name`, name ?? '', isDns1123Subdomain(name ?? '')),
    ...(key ? texts(`${field}.key`, key, isConfigMapKey(key)) : [required(`${field}.key`)]),
  ]
}

/** A field of the pod itself, in an environment variable or (with `inFiles`) in a downward API volume. */
export function checkFieldReference(field: string, ref: ObjectFieldSelector, paths = variablePaths): FieldError[] {
  const { apiVersion, fieldPath } = ref
  if (!apiVersion) return [required(`${field}.apiVersion`)]
  if (!fieldPath) return [required(`${field}.fieldPath`)]
  if (apiVersion !== 'v1') {
    const text = `error converting fieldPath: unsupported pod version: ${apiVersion}`
    return [invalid(`${field}.fieldPath`, fieldPath, text)]
  }
  const subscript = /^(metadata\.(?:annotations|labels))\['([^']*)'\]$/.exec(fieldPath)
  if (subscript) {
    const key = subscript[2]!
    const name = subscript[1]!.endsWith('labels') ? key : key.toLowerCase()
    return texts(field, name, isQualifiedName(name))
  }
  if (!knownPaths.has(fieldPath))
    return [
      invalid(`${field}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`),
    ]
  return paths.includes(fieldPath) ? [] : [notSupported(`${field}.fieldPath`, fieldPath, paths)]
}

const whatDivided: Record<string, string> = {
  memory: 'memory',
  'ephemeral-storage': 'local ephemeral storage',
  'hugepages-': 'hugepages',
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
    return [
      notSupported(`${field}.resource`, resource, resourcePaths),
      ...(divisor === '0' ? [] : checkDivisor(field, resource, divisor)),
    ]
  return divisor === '0' ? [] : checkDivisor(field, resource, divisor)
}

function checkDivisor(field: string, resource: string, divisor: string): FieldError[] {
  const at = `${field}.divisor`
  if (resource.endsWith('.cpu'))
    return divisor === '1' || divisor === '1m'
      ? []
      : [invalid(at, resource, "only divisor's values 1m and 1 are supported with the cpu resource")]
  if (byteDivisors.includes(divisor)) return []
  const what = /\.(memory|ephemeral-storage|hugepages-)/.exec(resource)?.[1]
  if (!what) return []
  const text = `only divisor's values ${byteDivisors.join(', ')} are supported with the ${whatDivided[what]} resource`
  return [invalid(at, resource, text)]
}

/** A container's `envFrom`. */
export function checkEnvFrom(field: string, sources: EnvFromSource[] = []): FieldError[] {
  return sources.flatMap(({ prefix, configMapRef, secretRef }, i) => {
    const at = `${field}[${i}]`
    const errors = prefix ? texts(`${at}.prefix`, prefix, isRelaxedEnvVarName(prefix)) : []
    // The reference may be the beginning of a name: one dash at its end is no mistake.
    const rule = (name: string) => isDns1123Subdomain(name.replace(/.-$/, 'aa'))
    if (configMapRef) errors.push(...checkName(`${at}.configMapRef.name`, configMapRef.name, rule))
    if (secretRef) errors.push(...checkName(`${at}.secretRef.name`, secretRef.name, rule))
    // Kubernetes does not say which of them it means.
    if (!configMapRef && !secretRef)
      errors.push(invalid(field, '', 'must specify one of: `configMapRef` or `secretRef`'))
    if (configMapRef && secretRef)
      errors.push(invalid(field, '', 'may not have more than one field specified at a time'))
    return errors
  })
}
