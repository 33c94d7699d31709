import type { Pod, SecurityContext } from '../../models/types/core-v1.ts'
import type { ContainerSecurity, ImageInfo } from '../../runtime/runtime.ts'
import { ContainerConfigInvalid } from './config-invalid.ts'
import type { PodContainer } from './records.ts'

const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/**
 * The container's security settings over the pod's.
 * @param seccompDefault false: without a word of seccomp there is none; else it is RuntimeDefault
 */
export function containerSecurity(pod: Pod, container: PodContainer, seccompDefault = true): ContainerSecurity {
  const shared = pod.spec.securityContext ?? {}
  const own: SecurityContext = container.securityContext ?? {}
  const privileged = own.privileged ?? false
  const runAsUser = own.runAsUser ?? shared.runAsUser
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup
  const groups = [...(shared.supplementalGroups ?? []), ...(shared.fsGroup === undefined ? [] : [shared.fsGroup])]
  const open = privileged || own.procMount === 'Unmasked'
  const seccomp = own.seccompProfile ?? shared.seccompProfile
  const appArmor = own.appArmorProfile ?? shared.appArmorProfile
  const seLinux = own.seLinuxOptions ?? shared.seLinuxOptions
  return {
    privileged,
    readOnlyRoot: own.readOnlyRootFilesystem ?? false,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    supplementalGroups: [...new Set(groups)],
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    seccomp: privileged || (!seccomp && !seccompDefault) ? 'Unconfined' : profile(seccomp),
    ...(appArmor ? { apparmor: profile(appArmor) } : {}),
    ...(seLinux
      ? {
          seLinux: {
            user: seLinux.user ?? '',
            role: seLinux.role ?? '',
            type: seLinux.type ?? '',
            level: seLinux.level ?? '',
          },
        }
      : {}),
    ...(open ? { maskedPaths: [], readonlyPaths: [] } : { maskedPaths, readonlyPaths }),
  }
}

function profile(chosen: { type: string; localhostProfile?: string } | undefined): ContainerSecurity['seccomp'] {
  if (chosen?.type === 'Localhost') return { localhost: chosen.localhostProfile ?? '' }
  return chosen?.type === 'Unconfined' ? 'Unconfined' : 'RuntimeDefault'
}

export function mustNotBeRoot(pod: Pod, container: PodContainer): boolean {
  return container.securityContext?.runAsNonRoot ?? pod.spec.securityContext?.runAsNonRoot ?? false
}

/** @throws ContainerConfigInvalid when runAsNonRoot is asked for and the user would be root, or cannot be known. */
export function checkNonRoot(pod: Pod, container: PodContainer, image: ImageInfo | undefined): void {
  if (!mustNotBeRoot(pod, container)) return
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`
  const user = container.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser
  if (user !== undefined) {
    if (user === 0) throw new ContainerConfigInvalid(`container's runAsUser breaks non-root policy ${where}`)
    return
  }
  const fromImage = (image?.user ?? '').split(':')[0]!
  if (fromImage === '' || fromImage === '0' || fromImage === 'root')
    throw new ContainerConfigInvalid(`container has runAsNonRoot and image will run as root ${where}`)
  if (!/^\d+$/.test(fromImage))
    throw new ContainerConfigInvalid(
      `container has runAsNonRoot and image has non-numeric user (${fromImage}), cannot verify user is non-root ${where}`,
    )
}
