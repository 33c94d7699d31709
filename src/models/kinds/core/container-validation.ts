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
import { checkIP, checkName, checkPort, texts } from '../checks.ts'
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
  return [
    ...errors,
    ...checkPorts(`${field}.ports`, container.ports, spec),
    ...checkEnv(`${field}.env`, container.env),
    ...checkEnvFrom(`${field}.envFrom`, container.envFrom),
    ...checkMounts(`${field}.volumeMounts`, container, spec),
    ...checkDevices(`${field}.volumeDevices`, container.volumeDevices, spec),
    ...checkResources(`${field}.resources`, container.resources),
    ...checkSecurityContext(`${field}.securityContext`, container.securityContext),
  ]
}

function checkRunning(field: string, container: Container, spec: PodSpec): FieldError[] {
  return [
    ...checkResizePolicies(`${field}.resizePolicy`, container, spec),
    ...checkLifecycle(`${field}.lifecycle`, container.lifecycle, spec.terminationGracePeriodSeconds),
    ...checkProbe(`${field}.livenessProbe`, container.livenessProbe, 'liveness'),
    ...checkProbe(`${field}.readinessProbe`, container.readinessProbe, 'readiness'),
    ...checkProbe(`${field}.startupProbe`, container.startupProbe, 'startup'),
  ]
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

function checkPorts(field: string, ports: ContainerPort[] = [], { hostNetwork }: PodSpec): FieldError[] {
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
function checkHostPorts(field: string, ports: ContainerPort[] = [], taken: Set<string>): FieldError[] {
  return ports.flatMap(({ protocol, hostIP = '', hostPort }, i) => {
    if (!hostPort) return []
    const key = `${protocol}/${hostIP}/${hostPort}`
    if (taken.has(key)) return [duplicate(`${field}.ports[${i}].hostPort`, key)]
    taken.add(key)
    return []
  })
}

function checkMounts(field: string, container: Container | EphemeralContainer, spec: PodSpec): FieldError[] {
  const paths = new Set<string>()
  return (container.volumeMounts ?? []).flatMap((mount, i) => {
    const at = `${field}[${i}]`
    const errors: FieldError[] = []
    if (!mount.name) errors.push(required(`${at}.name`))
    else if (!spec.volumes?.some(v => v.name === mount.name)) errors.push(notFound(`${at}.name`, mount.name))
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`))
    else if (paths.has(mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'))
    paths.add(mount.mountPath)
    return [
      ...errors,
      ...checkSubPaths(
        at,
        mount,
        spec.volumes?.find(v => v.name === mount.name),
      ),
      ...checkPropagation(at, mount, container),
    ]
  })
}

function checkSubPaths(field: string, { subPath, subPathExpr }: VolumeMount, volume?: Volume): FieldError[] {
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

function checkDevices(field: string, devices: VolumeDevice[] = [], spec: PodSpec): FieldError[] {
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
