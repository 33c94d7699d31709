import { join } from 'node:path'
import { quantityToMillis, quantityToNumber } from '../../base/quantity.ts'
import { hostPortsOf } from '../../models/host-ports.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type {
  ContainerResources,
  ContainerSecurity,
  ContainerSpec,
  ImageRef,
  Mount,
  SandboxSpec,
} from '../../runtime/runtime.ts'
import { ownCpus } from '../cpu/cpu-manager.ts'
import { containerHash, hashAnnotation } from './container-hash.ts'
import type { Environment } from './environment.ts'
import { expand } from './expansion.ts'
import type { DnsSettings } from './name-resolution.ts'
import type { PodContainer } from './records.ts'
import { startedWith } from './resize.ts'
import { cpuQuota, cpuShares, periodMicros } from './resources.ts'

/** Labels by which every CRI tool recognises what belongs to which pod. */
export function podLabels({ metadata }: Pod): Record<string, string> {
  return {
    'io.kubernetes.pod.name': metadata.name,
    'io.kubernetes.pod.namespace': metadata.namespace!,
    'io.kubernetes.pod.uid': metadata.uid!,
  }
}

/** `<logs>/<namespace>_<name>_<uid>` */
export function logFolderOf({ metadata }: Pod, logs: string): string {
  return join(logs, `${metadata.namespace}_${metadata.name}_${metadata.uid}`)
}

export interface SandboxParts {
  attempt: number
  hostname: string
  dns: DnsSettings | undefined
  logFolder: string
  runtimeHandler: string
  cgroupParent: string
}

export function sandboxSpec(pod: Pod, parts: SandboxParts): SandboxSpec {
  const { spec, metadata } = pod
  const all = [...spec.containers, ...(spec.initContainers ?? [])]
  return {
    uid: metadata.uid!,
    name: metadata.name,
    namespace: metadata.namespace!,
    labels: { ...metadata.labels, ...podLabels(pod) },
    annotations: { ...metadata.annotations },
    hostNetwork: spec.hostNetwork ?? false,
    hostPid: spec.hostPID ?? false,
    hostIpc: spec.hostIPC ?? false,
    shareProcessNamespace: spec.shareProcessNamespace ?? false,
    portMappings: hostPortsOf(pod),
    sysctls: Object.fromEntries((spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])),
    privileged: all.some(container => container.securityContext?.privileged),
    ...(spec.overhead ? { overhead: overheadOf(spec.overhead) } : {}),
    ...parts,
  }
}

/** What a RuntimeClass says that a sandbox takes itself: runtimes that make machines of pods reckon with it. */
function overheadOf({ cpu = '0', memory = '0' }: Record<string, string>): ContainerResources {
  const millis = quantityToMillis(cpu)
  const bytes = quantityToNumber(memory)
  return {
    cpuShares: cpuShares(millis),
    ...(millis ? { cpuQuotaMicros: cpuQuota(millis), cpuPeriodMicros: periodMicros } : {}),
    ...(bytes ? { memoryLimitBytes: bytes } : {}),
  }
}

export interface ContainerParts {
  attempt: number
  imageRef: ImageRef
  env: Environment
  mounts: Mount[]
  resources: ContainerResources
  security: ContainerSecurity
  /** Processors that it has for itself, to be remembered. */
  ownCpus?: string | undefined
  /** Beside our own. */
  annotations?: Record<string, string>
  devices?: NonNullable<ContainerSpec['devices']>
  cdiDevices?: string[]
  processNamespaceOf?: string
}

export function containerSpec(
  pod: Pod,
  container: PodContainer,
  { ownCpus: cpus, annotations, ...parts }: ContainerParts,
): ContainerSpec {
  const values = new Map(parts.env.map(({ name, value }) => [name, value]))
  const filled = (texts: string[] | undefined) => (texts ?? []).map(text => expand(text, name => values.get(name)))
  return {
    name: container.name,
    image: container.image ?? '',
    command: filled(container.command),
    args: filled(container.args),
    workingDir: container.workingDir ?? '',
    labels: { ...podLabels(pod), 'io.kubernetes.container.name': container.name },
    annotations: {
      ...annotations,
      [hashAnnotation]: containerHash(container),
      'io.kubernetes.container.restartCount': String(parts.attempt),
      'io.kubernetes.container.terminationMessagePath': container.terminationMessagePath ?? defaultMessagePath,
      'io.kubernetes.container.terminationMessagePolicy': container.terminationMessagePolicy ?? 'File',
      ...(cpus ? { [ownCpus]: cpus } : {}),
      ...('resources' in container && container.resources
        ? { [startedWith]: JSON.stringify(container.resources) }
        : {}),
      'io.kubernetes.pod.terminationGracePeriod': String(pod.spec.terminationGracePeriodSeconds ?? 30),
    },
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    ...(isInit(pod, container) ? { runsToEnd: true } : {}),
    ...parts,
  }
}

const isInit = (pod: Pod, { name, restartPolicy }: PodContainer) =>
  restartPolicy !== 'Always' && (pod.spec.initContainers ?? []).some(init => init.name === name)

export const defaultMessagePath = '/dev/termination-log'
