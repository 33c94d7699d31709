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
import { checkIP, checkName, checkParts, checkPort, type PartChecks, texts } from '../checks.ts'
import { checkEnv, checkEnvFrom } from './env-validation.ts'
import { checkResizePolicies } from './pod-resize.ts'
import { checkLifecycle, checkProbe } from './probe-validation.ts'
import { checkResources } from './resource-validation.ts'
import { checkRelativePath, checkSecurityContext } from './security-validation.ts'

/** All of a pod's containers: regular, init and ephemeral ones, whose names are of one pool. */
export function checkContainers(field: string, spec: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  const claimName = (at: string, name: string) => {
    if (name && names.has(name)) errors.push(duplicate(`${at}.name`, name))
    names.add(name)
  }
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec
  if (!containers.length) errors.push(required(`${field}.containers`))
  const hostPorts = new Set<string>()
  for (const [i, container] of containers.entries()) {
    const at = `${field}.containers[${i}]`
    errors.push(...checkCommon(at, container, spec), ...checkRunning(at, container, spec))
    if (container.restartPolicy) errors.push(forbidden(`${at}.restartPolicy`, 'may not be set for non-init containers'))
    claimName(at, container.name)
    errors.push(...checkHostPorts(at, container.ports, hostPorts))
  }
  for (const [i, container] of initContainers.entries()) {
    const at = `${field}.initContainers[${i}]`
    errors.push(...checkCommon(at, container, spec), ...checkInit(at, container, spec))
    claimName(at, container.name)
    errors.push(...checkHostPorts(at, container.ports, new Set(container.restartPolicy ? hostPorts : [])))
  }
  for (const [i, container] of ephemeralContainers.entries()) {
    const at = `${field}.ephemeralContainers[${i}]`
    errors.push(...checkCommon(at, container, spec), ...checkEphemeral(at, container, spec))
    claimName(at, container.name)
  }
  return errors
}

function checkCommon(field: string, container: Container | EphemeralContainer, spec: PodSpec): FieldError[] {
  const errors = checkName(`${field}.name`, container.name, isDns1123Label)
  if (!container.image) errors.push(required(`${field}.image`))
  else if (container.image.trim() !== container.image)
    errors.push(invalid(`${field}.image`, container.image, 'must not have leading or trailing whitespace'))
  if (!container.terminationMessagePolicy) errors.push(required(`${field}.terminationMessagePolicy`))
  if (!container.imagePullPolicy) errors.push(required(`${field}.imagePullPolicy`))
  errors.push(...checkParts(field, container as Container, commonParts, { container, spec }))
  return errors
}

interface InPod {
  container: Container | EphemeralContainer
  spec: PodSpec
}

const commonParts: PartChecks<Container, InPod> = {
  ports: checkPorts,
  env: checkEnv,
  envFrom: checkEnvFrom,
  volumeMounts: checkMounts,
  volumeDevices: checkDevices,
  resources: checkResources,
  securityContext: checkSecurityContext,
}

function checkRunning(field: string, container: Container, spec: PodSpec): FieldError[] {
  return checkParts(field, container, runningParts, spec)
}

const runningParts: PartChecks<Container, PodSpec> = {
  resizePolicy: checkResizePolicies,
  lifecycle: (field, lifecycle, spec) => checkLifecycle(field, lifecycle, spec.terminationGracePeriodSeconds),
  livenessProbe: (field, probe) => checkProbe(field, probe, 'liveness'),
  readinessProbe: (field, probe) => checkProbe(field, probe, 'readiness'),
  startupProbe: (field, probe) => checkProbe(field, probe, 'startup'),
}

const runningOnly = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const

function checkInit(field: string, container: Container, spec: PodSpec): FieldError[] {
  const { restartPolicy } = container
  if (restartPolicy === 'Always') return checkRunning(field, container, spec)
  const errors: FieldError[] = restartPolicy ? [notSupported(`${field}.restartPolicy`, restartPolicy, ['Always'])] : []
  for (const name of runningOnly)
    if (container[name])
      errors.push(forbidden(`${field}.${name}`, 'may not be set for init containers without restartPolicy=Always'))
  return errors
}

function checkEphemeral(field: string, container: EphemeralContainer, spec: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  for (const name of [...runningOnly, 'ports', 'resizePolicy', 'restartPolicy'] as const) {
    const value = container[name]
    if (Array.isArray(value) ? value.length : value)
      errors.push(forbidden(`${field}.${name}`, 'cannot be set for an Ephemeral Container'))
  }
  if (container.resources && Object.values(container.resources).some(list => Object.keys(list ?? {}).length))
    errors.push(forbidden(`${field}.resources`, 'cannot be set for an Ephemeral Container'))
  const target = container.targetContainerName
  const targets = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  if (target && !targets.some(c => c.name === target)) errors.push(notFound(`${field}.targetContainerName`, target))
  return errors
}

function checkPorts(field: string, ports: ContainerPort[], { spec: { hostNetwork } }: InPod): FieldError[] {
  const names = new Set<string>()
  return ports.flatMap((port, i) => {
    const at = `${field}[${i}]`
    const errors: FieldError[] = []
    if (port.name) {
      const wrong = isPortName(port.name)
      if (wrong.length) errors.push(...texts(`${at}.name`, port.name, wrong))
      else if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name))
      names.add(port.name)
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`))
    else errors.push(...checkPort(`${at}.containerPort`, port.containerPort))
    if (port.hostPort) errors.push(...checkPort(`${at}.hostPort`, port.hostPort))
    if (hostNetwork && port.hostPort && port.hostPort !== port.containerPort)
      errors.push(
        invalid(`${at}.containerPort`, port.containerPort, 'must match `hostPort` when `hostNetwork` is true'),
      )
    if (port.hostIP) errors.push(...checkIP(`${at}.hostIP`, port.hostIP))
    if (!port.protocol) errors.push(required(`${at}.protocol`))
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

function checkMounts(field: string, mounts: VolumeMount[], { container, spec }: InPod): FieldError[] {
  const paths = new Set<string>()
  return mounts.flatMap((mount, i) => {
    const at = `${field}[${i}]`
    const volume = spec.volumes?.find(v => v.name === mount.name)
    const errors: FieldError[] = []
    if (!mount.name) errors.push(required(`${at}.name`))
    else if (!volume) errors.push(notFound(`${at}.name`, mount.name))
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`))
    else if (paths.has(mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'))
    paths.add(mount.mountPath)
    errors.push(...checkSubPaths(at, mount, volume), ...checkPropagation(at, mount, container))
    return errors
  })
}

function checkSubPaths(field: string, { subPath, subPathExpr }: VolumeMount, volume?: Volume): FieldError[] {
  if (!subPath && !subPathExpr) return []
  const whole = (name: string, path: string | undefined) =>
    volume?.image && path ? [invalid(`${field}.${name}`, path, 'not allowed in image volume sources')] : []
  return [
    ...whole('subPath', subPath),
    ...whole('subPathExpr', subPathExpr),
    ...(subPath ? checkRelativePath(`${field}.subPath`, subPath) : []),
    ...(subPathExpr ? checkRelativePath(`${field}.subPathExpr`, subPathExpr) : []),
    ...(subPath && subPathExpr
      ? [invalid(`${field}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive')]
      : []),
  ]
}

function checkPropagation(field: string, mount: VolumeMount, container: Container | EphemeralContainer): FieldError[] {
  return mount.mountPropagation === 'Bidirectional' && !container.securityContext?.privileged
    ? [
        forbidden(
          `${field}.mountPropagation`,
          'Bidirectional mount propagation is available only to privileged containers',
        ),
      ]
    : []
}

function checkDevices(field: string, devices: VolumeDevice[], { spec }: InPod): FieldError[] {
  return devices.flatMap(({ name, devicePath }, i) => {
    const at = `${field}[${i}]`
    const volume = spec.volumes?.find(v => v.name === name)
    return [
      ...(!name ? [required(`${at}.name`)] : volume ? [] : [notFound(`${at}.name`, name)]),
      ...(volume && !volume.persistentVolumeClaim && !volume.ephemeral
        ? [
            invalid(
              `${at}.name`,
              name,
              'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
            ),
          ]
        : []),
      ...(devicePath ? [] : [required(`${at}.devicePath`)]),
    ]
  })
}
