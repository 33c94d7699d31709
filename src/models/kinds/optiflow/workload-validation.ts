import { isDns1035Label, isDns1123Label, isDns1123Subdomain, isWildcardDns1123Subdomain } from '../../../base/names.ts'
import { parseQuantity } from '../../../base/quantity.ts'
import { duplicate, type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { Workload, WorkloadHealthCheck, WorkloadSpec, WorkloadVolume } from '../../types/optiflow-v1.ts'
import { checkRollout } from '../apps/rollout-validation.ts'
import {
  checkLabels,
  checkName,
  checkNonNegative,
  checkOptionalName,
  checkPort,
  checkPortReference,
  texts,
} from '../checks.ts'
import { checkEnv, checkEnvFrom } from '../core/env-validation.ts'
import { checkResources } from '../core/resource-validation.ts'
import { checkCanary, checkTask } from './workload-run-validation.ts'

/** Kubernetes would refuse the Deployment later, where nobody looks: the writer of the workload hears it at once. */
export function validateWorkload({ metadata, spec }: Workload): FieldError[] {
  // What is required and missing, the schema tells.
  if (!spec) return []
  const errors = [
    ...checkNonNegative('spec.replicas', spec.replicas),
    ...checkPorts(spec),
    ...checkEnv('spec.env', spec.env),
    ...checkEnvFrom('spec.envFrom', spec.envFrom),
    ...checkResources('spec.resources', spec.resources),
    ...checkExpose(spec),
    ...checkVolumes(spec.volumes),
    ...checkUpdate(spec),
    ...checkAutoscale(spec.autoscale),
    ...checkTask(metadata.name, spec),
    ...(spec.dependsOn ?? []).flatMap((name, i) => checkName(`spec.dependsOn[${i}]`, name, isDns1035Label)),
    ...checkLabels('spec.labels', spec.labels),
    ...checkLabels('spec.nodeSelector', spec.nodeSelector),
    ...checkNonNegative('spec.terminationGracePeriodSeconds', spec.terminationGracePeriodSeconds),
    ...checkOptionalName('spec.serviceAccountName', spec.serviceAccountName, isDns1123Subdomain),
  ]
  if (spec.image && spec.image.trim() !== spec.image)
    errors.push(invalid('spec.image', spec.image, 'must not have leading or trailing whitespace'))
  if (spec.healthCheck) errors.push(...checkHealth('spec.healthCheck', spec.healthCheck, spec))
  return errors
}

function checkPorts({ ports = [] }: WorkloadSpec): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  const seen = new Set<string>()
  for (const [i, { name, port, protocol, targetPort }] of ports.entries()) {
    const at = `spec.ports[${i}]`
    if (ports.length > 1 || name) errors.push(...checkName(`${at}.name`, name, isDns1123Label))
    if (name && names.has(name)) errors.push(duplicate(`${at}.name`, name))
    names.add(name ?? '')
    if (port !== undefined) errors.push(...checkPort(`${at}.port`, port))
    if (targetPort !== undefined) errors.push(...checkPortReference(`${at}.targetPort`, targetPort))
    const key = `${protocol}/${port}`
    if (seen.has(key)) errors.push(duplicate(at, { port, protocol }))
    seen.add(key)
  }
  return errors
}

function checkHealth(field: string, check: WorkloadHealthCheck, { ports }: WorkloadSpec): FieldError[] {
  const ways = (['http', 'tcp', 'exec'] as const).filter(way => check[way])
  const errors = ways
    .slice(1)
    .map(way => forbidden(`${field}.${way}`, 'may not specify more than one of http, tcp and exec'))
  if (!ways.length) errors.push(required(field, 'must specify one of http, tcp and exec'))
  for (const way of ['http', 'tcp'] as const) {
    const probe = check[way]
    if (!probe) continue
    if (probe.port === undefined) {
      if (!ports?.length) errors.push(required(`${field}.${way}.port`, 'the workload has no ports to take it from'))
    } else errors.push(...checkPortReference(`${field}.${way}.port`, probe.port))
  }
  if (check.http?.path && !check.http.path.startsWith('/'))
    errors.push(invalid(`${field}.http.path`, check.http.path, 'must be an absolute path'))
  if (check.exec?.command && !check.exec.command.length) errors.push(required(`${field}.exec.command`))
  for (const name of ['intervalSeconds', 'timeoutSeconds', 'failureThreshold'] as const) {
    const value = check[name]
    if (value !== undefined && value < 1) errors.push(invalid(`${field}.${name}`, value, 'must be greater than 0'))
  }
  return [...errors, ...checkNonNegative(`${field}.startupSeconds`, check.startupSeconds)]
}

function checkExpose({ expose, ports }: WorkloadSpec): FieldError[] {
  if (!expose) return []
  const errors: FieldError[] = []
  if (!ports?.length) errors.push(required('spec.ports', 'spec.expose needs a port to expose'))
  if (expose.nodePort !== undefined) {
    errors.push(...checkPort('spec.expose.nodePort', expose.nodePort))
    if (expose.type !== 'NodePort')
      errors.push(forbidden('spec.expose.nodePort', "may only be used when `type` is 'NodePort'"))
  }
  if (expose.host) {
    const rule = expose.host.startsWith('*') ? isWildcardDns1123Subdomain : isDns1123Subdomain
    errors.push(...texts('spec.expose.host', expose.host, rule(expose.host)))
  }
  return errors
}

const volumeSources = ['size', 'emptyDir', 'hostPath', 'configMap', 'secret', 'claim'] as const

function checkVolumes(volumes: WorkloadVolume[] = []): FieldError[] {
  const names = new Set<string>()
  const paths = new Set<string>()
  return volumes.flatMap((volume, i) => {
    const at = `spec.volumes[${i}]`
    const errors = checkOptionalName(`${at}.name`, volume.name, isDns1123Label)
    if (names.has(volume.name)) errors.push(duplicate(`${at}.name`, volume.name))
    names.add(volume.name)
    const path = volume.mountPath
    if (path && !path.startsWith('/')) errors.push(invalid(`${at}.mountPath`, path, 'must be an absolute path'))
    if (path && paths.has(path)) errors.push(invalid(`${at}.mountPath`, path, 'must be unique'))
    paths.add(path)
    const sources = volumeSources.filter(source => volume[source])
    for (const source of sources.slice(1))
      errors.push(forbidden(`${at}.${source}`, 'may not specify more than 1 volume type'))
    return [...errors, ...checkSource(at, volume)]
  })
}

function checkSource(field: string, volume: WorkloadVolume): FieldError[] {
  const { hostPath, configMap, secret, claim, size, storageClassName } = volume
  const errors: FieldError[] = []
  if (size !== undefined && parseQuantity(size).nano <= 0n)
    errors.push(invalid(`${field}.size`, size, 'must be greater than zero'))
  if (storageClassName !== undefined && size === undefined)
    errors.push(forbidden(`${field}.storageClassName`, 'may only be used together with `size`'))
  if (hostPath && !hostPath.path) errors.push(required(`${field}.hostPath.path`))
  if (configMap && !configMap.name) errors.push(required(`${field}.configMap.name`))
  if (secret && !secret.secretName) errors.push(required(`${field}.secret.secretName`))
  if (claim && !claim.claimName) errors.push(required(`${field}.claim.claimName`))
  return errors
}

function checkAutoscale(autoscale: WorkloadSpec['autoscale']): FieldError[] {
  if (!autoscale) return []
  const { minReplicas = 1, maxReplicas } = autoscale
  const errors = (['minReplicas', 'maxReplicas', 'cpuPercent', 'memoryPercent'] as const).flatMap(name => {
    const value = autoscale[name]
    return value !== undefined && value < 1 ? [invalid(`spec.autoscale.${name}`, value, 'must be greater than 0')] : []
  })
  if (maxReplicas < minReplicas)
    errors.push(invalid('spec.autoscale.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  return errors
}

function checkUpdate(spec: WorkloadSpec): FieldError[] {
  const { update } = spec
  if (!update) return []
  if (update.readyWithinSeconds !== undefined && update.readyWithinSeconds < 1)
    return [invalid('spec.update.readyWithinSeconds', update.readyWithinSeconds, 'must be greater than 0')]
  const errors = [
    ...checkNonNegative('spec.update.watchSeconds', update.watchSeconds),
    ...checkNonNegative('spec.update.maxErrorPercent', update.maxErrorPercent),
    ...checkCanary(spec),
  ]
  const counts = ['maxSurge', 'maxUnavailable', 'canary'] as const
  if (update.strategy === 'Recreate')
    return counts
      .filter(name => update[name] !== undefined)
      .map(name => forbidden(`spec.update.${name}`, "may not be specified when strategy is 'Recreate'"))
  return [...errors, ...checkRollout('spec.update', update)]
}
