import { isDns1123Label, isPortName } from '../../../base/names.ts'
import { duplicate, type FieldError, forbidden, invalid, notFound, notSupported, required } from '../../field-error.ts'
import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  PodSpec,
  Volume,
  VolumeDevice,
  VolumeMount,
} from '../../types/core-v1.ts'
import { checkName, checkParts, checkPort, type PartChecks, texts } from '../checks.ts'
import { checkEnv, checkEnvFrom } from './env-validation.ts'
import { checkRelativePath } from './path-checks.ts'
import { checkResizePolicies } from './pod-resize.ts'
import { checkLifecycle, checkProbe } from './probe-validation.ts'
import { checkResources } from './resource-validation.ts'
import { checkSecurityContext } from './security-validation.ts'
import { checkPullPolicy } from './volume-validation.ts'

/**
 * All of a pod's containers: regular, init and ephemeral ones, whose names are of one pool.
 * @param volumes the pod's, by name; those alone that are well
 */
export function checkContainers(field: string, spec: PodSpec, volumes: Volumes): FieldError[] {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec
  const errors = containers.length ? [] : [required(`${field}.containers`)]
  const names = new Set<string>()
  const claimName = (at: string, name = '') => {
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
    names.add(name)
  }
  const hostPorts = new Set<string>()
  for (const [i, container] of containers.entries()) {
    const at = `${field}.containers[${i}]`
    errors.push(...checkCommon(at, container, spec, volumes))
    claimName(at, container.name)
    errors.push(...checkRunning(at, container, spec))
    if (container.restartPolicy !== undefined)
      errors.push(forbidden(`${at}.restartPolicy`, 'may not be set for non-init containers'))
  }
  for (const [i, { ports }] of containers.entries())
    errors.push(...checkHostPorts(`${field}.containers[${i}]`, ports, hostPorts))
  if (!initContainers.length && !ephemeralContainers.length) return errors
  const regular = new Set(names)
  for (const [i, container] of initContainers.entries()) {
    const at = `${field}.initContainers[${i}]`
    errors.push(...checkCommon(at, container, spec, volumes), ...checkSidecar(at, container))
    if (container.name || regular.has('')) claimName(at, container.name)
    // Alone in a list, its place is always the first.
    errors.push(...checkHostPorts(`${field}.initContainers[0]`, container.ports, new Set()))
    errors.push(...checkInit(at, container, spec))
  }
  const others = new Set(names)
  for (const [i, container] of ephemeralContainers.entries()) {
    const at = `${field}.ephemeralContainers[${i}]`
    errors.push(...checkCommon(at, container, spec, volumes), ...checkImageSpaces(at, container))
    claimName(at, container.name)
    errors.push(...checkEphemeral(at, container, others))
  }
  return errors
}

type Volumes = ReadonlyMap<string, Volume>

/** Refused in pods alone: templates that are stored may have it. */
export function checkImageSpaces(field: string, { image = '' }: { image?: string }): FieldError[] {
  return image.trim() === image
    ? []
    : [invalid(`${field}.image`, image, 'must not have leading or trailing whitespace')]
}

const messagePolicies = ['File', 'FallbackToLogsOnError']

function checkCommon(
  field: string,
  container: Container | EphemeralContainer,
  spec: PodSpec,
  volumes: Volumes,
): FieldError[] {
  const errors = checkName(`${field}.name`, container.name, isDns1123Label)
  if (!container.image) errors.push(required(`${field}.image`))
  const policy = container.terminationMessagePolicy
  if (!policy) errors.push(required(`${field}.terminationMessagePolicy`))
  else if (!messagePolicies.includes(policy))
    errors.push(notSupported(`${field}.terminationMessagePolicy`, policy, messagePolicies))
  const inPod = { container, spec, volumes }
  errors.push(...checkParts(field, container as Container, firstParts, inPod))
  errors.push(...checkPullPolicy(`${field}.imagePullPolicy`, container.imagePullPolicy))
  errors.push(...checkParts(field, container as Container, lastParts, inPod))
  return errors
}

interface InPod {
  container: Container | EphemeralContainer
  spec: PodSpec
  volumes: Volumes
}

const firstParts: PartChecks<Container, InPod> = {
  ports: checkPorts,
  env: checkEnv,
  envFrom: checkEnvFrom,
  volumeMounts: checkMounts,
  volumeDevices: checkDevices,
}

const lastParts: PartChecks<Container, InPod> = {
  resources: (field, resources, { spec }) => checkResources(field, resources, spec.resourceClaims),
  resizePolicy: (field, policies, { spec }) => checkResizePolicies(field, policies, spec),
  securityContext: (field, context, { spec }) => checkSecurityContext(field, context, spec.hostUsers ?? true),
}

function checkRunning(field: string, container: Container, spec: PodSpec): FieldError[] {
  return checkParts(field, container, runningParts, spec)
}

const runningParts: PartChecks<Container, PodSpec> = {
  lifecycle: (field, lifecycle, spec) => checkLifecycle(field, lifecycle, spec.terminationGracePeriodSeconds),
  livenessProbe: (field, probe) => checkProbe(field, probe, 'liveness'),
  readinessProbe: (field, probe) => checkProbe(field, probe, 'readiness'),
  startupProbe: (field, probe) => checkProbe(field, probe, 'startup'),
}

const runningOnly = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const

function checkSidecar(field: string, { restartPolicy }: Container): FieldError[] {
  const known = restartPolicy === undefined || restartPolicy === 'Always'
  return known ? [] : [notSupported(`${field}.restartPolicy`, restartPolicy, ['Always'])]
}

function checkInit(field: string, container: Container, spec: PodSpec): FieldError[] {
  if (container.restartPolicy === 'Always') return checkRunning(field, container, spec)
  return runningOnly.flatMap(name =>
    container[name]
      ? [forbidden(`${field}.${name}`, 'may not be set for init containers without restartPolicy=Always')]
      : [],
  )
}

const notEphemeral = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const

function checkEphemeral(field: string, container: EphemeralContainer, others: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = []
  const never = 'cannot be set for an Ephemeral Container'
  const target = container.targetContainerName
  if (target && !others.has(target)) errors.push(notFound(`${field}.targetContainerName`, target))
  for (const name of notEphemeral) {
    const value = container[name]
    const said = typeof value === 'object' && name !== 'resources' ? true : hasParts(value)
    if (said) errors.push(forbidden(`${field}.${name}`, never))
  }
  for (const [i, { subPath, subPathExpr }] of (container.volumeMounts ?? []).entries()) {
    if (subPath) errors.push(forbidden(`${field}.volumeMounts[${i}].subPath`, never))
    if (subPathExpr) errors.push(forbidden(`${field}.volumeMounts[${i}].subPathExpr`, never))
  }
  return errors
}

function hasParts(value: unknown): boolean {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value)
}

const protocols = ['SCTP', 'TCP', 'UDP']

function checkPorts(field: string, ports: ContainerPort[]): FieldError[] {
  const names = new Set<string>()
  return ports.flatMap((port, i) => {
    const at = `${field}[${i}]`
    const errors: FieldError[] = []
    if (port.name) {
      const wrong = isPortName(port.name)
      if (wrong.length) errors.push(...texts(`${at}.name`, port.name, wrong))
      else if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name))
      else names.add(port.name)
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`))
    else errors.push(...checkPort(`${at}.containerPort`, port.containerPort))
    if (port.hostPort) errors.push(...checkPort(`${at}.hostPort`, port.hostPort))
    if (!port.protocol) errors.push(required(`${at}.protocol`))
    else if (!protocols.includes(port.protocol)) errors.push(notSupported(`${at}.protocol`, port.protocol, protocols))
    return errors
  })
}

/** One port of the node for one container. */
function checkHostPorts(field: string, ports: ContainerPort[] | undefined, taken: Set<string>): FieldError[] {
  if (!ports) return []
  return ports.flatMap(({ protocol, hostIP = '', hostPort }, i) => {
    if (!hostPort) return []
    const key = `${protocol}/${hostIP}/${hostPort}`
    if (taken.has(key)) return [duplicate(`${field}.ports[${i}].hostPort`, key)]
    taken.add(key)
    return []
  })
}

function checkMounts(field: string, mounts: VolumeMount[], { container, volumes }: InPod): FieldError[] {
  const paths = new Set<string>()
  const devices = container.volumeDevices ?? []
  return mounts.flatMap((mount, i) => {
    const at = `${field}[${i}]`
    const { name = '', mountPath = '' } = mount
    const errors: FieldError[] = []
    if (!name) errors.push(required(`${at}.name`))
    if (!volumes.has(name)) errors.push(notFound(`${at}.name`, name))
    if (!mountPath) errors.push(required(`${at}.mountPath`))
    if (paths.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, 'must be unique'))
    paths.add(mountPath)
    if (devices.some(d => d.name === name))
      errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeDevices'))
    if (devices.some(d => d.devicePath === mountPath))
      errors.push(invalid(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'))
    // Of what follows, Kubernetes does not say which of the mounts it means.
    errors.push(...checkSubPaths(field, at, mount, volumes.get(name)))
    errors.push(...checkPropagation(`${field}.mountPropagation`, mount, container))
    errors.push(...checkRecursion(`${field}.recursiveReadOnly`, mount))
    return errors
  })
}

function checkSubPaths(all: string, field: string, mount: VolumeMount, volume: Volume | undefined): FieldError[] {
  const { subPath, subPathExpr } = mount
  if (!subPath && !subPathExpr) return []
  const whole = (name: string, path: string | undefined) =>
    volume?.image && path ? [invalid(`${field}.${name}`, path, 'not allowed in image volume sources')] : []
  return [
    ...whole('subPath', subPath),
    ...whole('subPathExpr', subPathExpr),
    ...(subPath ? checkRelativePath(`${all}.subPath`, subPath) : []),
    ...(subPath && subPathExpr
      ? [invalid(`${field}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive')]
      : []),
    ...(subPathExpr ? checkRelativePath(`${all}.subPathExpr`, subPathExpr) : []),
  ]
}

const propagations = ['Bidirectional', 'HostToContainer', 'None']

function checkPropagation(
  field: string,
  { mountPropagation: mode }: VolumeMount,
  container: Container | EphemeralContainer,
): FieldError[] {
  if (mode === undefined) return []
  if (!propagations.includes(mode)) return [notSupported(field, mode, propagations)]
  if (mode !== 'Bidirectional' || container.securityContext?.privileged) return []
  return [forbidden(field, 'Bidirectional mount propagation is available only to privileged containers')]
}

const recursions = ['Disabled', 'Enabled', 'IfPossible']

function checkRecursion(field: string, mount: VolumeMount): FieldError[] {
  const { recursiveReadOnly: mode, readOnly, mountPropagation } = mount
  if (mode === undefined || mode === 'Disabled') return []
  if (!recursions.includes(mode)) return [notSupported(field, mode, recursions)]
  const errors: FieldError[] = []
  if (!readOnly) errors.push(forbidden(field, 'may only be specified when readOnly is true'))
  if (mountPropagation !== undefined && mountPropagation !== 'None')
    errors.push(forbidden(field, 'may only be specified when mountPropagation is None or not specified'))
  return errors
}

function checkDevices(field: string, devices: VolumeDevice[], { container, volumes }: InPod): FieldError[] {
  const names = new Set<string>()
  const paths = new Set<string>()
  const mounts = container.volumeMounts ?? []
  return devices.flatMap(({ name = '', devicePath = '' }, i) => {
    const at = `${field}[${i}]`
    const volume = volumes.get(name)
    const errors: FieldError[] = []
    const wrongName = (text: string) => errors.push(invalid(`${at}.name`, name, text))
    const wrongPath = (text: string) => errors.push(invalid(`${at}.devicePath`, devicePath, text))
    if (!name) errors.push(required(`${at}.name`))
    if (names.has(name)) wrongName('must be unique')
    if (!volume) errors.push(notFound(`${at}.name`, name))
    else if (!volume.persistentVolumeClaim && !volume.ephemeral)
      wrongName('can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode')
    if (!devicePath) errors.push(required(`${at}.devicePath`))
    if (paths.has(devicePath)) wrongPath('must be unique')
    if (devicePath.split('/').includes('..')) wrongPath("can not contain backsteps ('..')")
    else paths.add(devicePath)
    if (mounts.some(m => m.name === name)) wrongName('must not already exist in volumeMounts')
    if (mounts.some(m => m.mountPath === devicePath)) wrongPath('must not already exist as a path in volumeMounts')
    if (name) names.add(name)
    return errors
  })
}
