import {
  duplicate,
  type FieldError,
  GoText,
  goQuote,
  invalid,
  notSupported,
  required,
  tooLong,
} from '../../field-error.ts'
import type {
  AppArmorProfile,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
  Sysctl,
} from '../../types/core-v1.ts'
import { checkId, checkOneOf, checkParts, type PartChecks } from '../checks.ts'
import { checkRelativePath } from './path-checks.ts'
import { checkWindowsOptions } from './windows-validation.ts'

const sysctlSegment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const sysctlForm = `(${sysctlSegment}[\\./])*${sysctlSegment}`
const sysctlPattern = new RegExp(`^${sysctlForm}$`)
const maxSysctlLength = 253

const procMounts = ['Default', 'Unmasked']

/** @param hostUsers the pod has the users of its node */
export function checkSecurityContext(field: string, context: SecurityContext, hostUsers: boolean): FieldError[] {
  const { procMount } = context
  const errors = [
    ...checkId(`${field}.runAsUser`, context.runAsUser),
    ...checkId(`${field}.runAsGroup`, context.runAsGroup),
  ]
  if (procMount !== undefined && !procMounts.includes(procMount))
    errors.push(notSupported(`${field}.procMount`, procMount, procMounts))
  if (procMount === 'Unmasked' && hostUsers)
    errors.push(invalid(`${field}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`'))
  if (context.seccompProfile) errors.push(...checkSeccomp(`${field}.seccompProfile`, context.seccompProfile))
  if (context.allowPrivilegeEscalation === false) {
    const conflict = (with_: string) =>
      errors.push(invalid(field, context, `cannot set \`allowPrivilegeEscalation\` to false and ${with_}`))
    if (context.privileged) conflict('`privileged` to true')
    for (const capability of context.capabilities?.add ?? [])
      if (capability === 'CAP_SYS_ADMIN') conflict('`capabilities.Add` CAP_SYS_ADMIN')
  }
  return [...errors, ...checkParts(field, context, otherSystems, undefined)]
}

const otherSystems: PartChecks<Pick<SecurityContext, 'windowsOptions' | 'appArmorProfile'>> = {
  windowsOptions: checkWindowsOptions,
  appArmorProfile: checkAppArmor,
}

export function checkPodSecurityContext(field: string, context: PodSecurityContext, spec: PodSpec): FieldError[] {
  return [
    ...checkParts(field, context, podIds, spec),
    ...(spec.shareProcessNamespace && spec.hostPID
      ? [invalid(`${field}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled')]
      : []),
    ...checkParts(field, context, podContext, spec),
  ]
}

const podIds: PartChecks<PodSecurityContext, PodSpec> = {
  fsGroup: checkId,
  runAsUser: checkId,
  runAsGroup: checkId,
  supplementalGroups: (field, groups) => groups.flatMap((id, i) => checkId(`${field}[${i}]`, id)),
}

const ownershipPolicies = ['Always', 'OnRootMismatch']
const groupPolicies = ['Merge', 'Strict']

const podContext: PartChecks<PodSecurityContext, PodSpec> = {
  sysctls: checkSysctls,
  fsGroupChangePolicy: (field, policy) => checkOneOf(field, policy, ownershipPolicies),
  seccompProfile: checkSeccomp,
  windowsOptions: checkWindowsOptions,
  appArmorProfile: checkAppArmor,
  supplementalGroupsPolicy: (field, policy) => checkOneOf(field, policy, groupPolicies),
}

function checkSysctls(field: string, sysctls: Sysctl[], spec: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, { name }] of sysctls.entries()) {
    const at = `${field}[${i}].name`
    const dotted = normalSysctl(name)
    if (!name) errors.push(required(at))
    else if (name.length > maxSysctlLength || !sysctlPattern.test(name)) {
      const text = `must have at most ${maxSysctlLength} characters and match regex ^${sysctlForm}$`
      errors.push(invalid(at, name, text))
    } else if (seen.has(dotted)) errors.push(duplicate(at, name))
    if (spec.hostNetwork && dotted.startsWith('net.'))
      errors.push(invalid(at, name, "may not be specified when 'hostNetwork' is true"))
    const ofIpc = dotted.startsWith('kernel.shm') || dotted.startsWith('kernel.msg') || dotted === 'kernel.sem'
    if (spec.hostIPC && (ofIpc || dotted.startsWith('fs.mqueue.')))
      errors.push(invalid(at, name, "may not be specified when 'hostIPC' is true"))
    seen.add(dotted)
  }
  return errors
}

/** `net/ipv4/ip_forward` and `net.ipv4.ip_forward` are one: the first separator tells which form it is. */
function normalSysctl(name: string): string {
  const first = name.search(/[./]/)
  if (first < 0 || name[first] === '.') return name
  return name.replace(/[./]/g, c => (c === '/' ? '.' : '/'))
}

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined']

/** Shown of a profile with a path that its type does not take. */
const goSeccomp = (type: string) => new GoText(`core.SeccompProfile{Type:${goQuote(type)}, LocalhostProfile:(*string)}`)

function checkSeccomp(field: string, { type, localhostProfile: path }: SeccompProfile): FieldError[] {
  const errors: FieldError[] = []
  if (!type) errors.push(required(`${field}.type`, 'type is required when seccompProfile is set'))
  else if (!profileTypes.includes(type)) errors.push(notSupported(`${field}.type`, type, profileTypes))
  const at = `${field}.localhostProfile`
  if (type !== 'Localhost')
    return path === undefined
      ? errors
      : [...errors, invalid(at, goSeccomp(type ?? ''), 'can only be set when seccomp type is Localhost')]
  if (path === undefined) return [...errors, required(at, 'must be set when seccomp type is Localhost')]
  return [...errors, ...checkRelativePath(at, path)]
}

const longestProfile = 4095

function checkAppArmor(field: string, { type, localhostProfile: name }: AppArmorProfile): FieldError[] {
  const at = `${field}.localhostProfile`
  if (!type) return [required(`${field}.type`, 'type is required when appArmorProfile is set')]
  if (!profileTypes.includes(type)) return [notSupported(`${field}.type`, type, profileTypes)]
  if (type !== 'Localhost')
    return name === undefined ? [] : [invalid(at, name, 'can only be set when AppArmor type is Localhost')]
  if (name === undefined) return [required(at, 'must be set when AppArmor type is Localhost')]
  const errors: FieldError[] = []
  if (name.trim() !== name) errors.push(invalid(at, name, 'must not be padded with whitespace'))
  else if (!name) errors.push(required(at, 'must be set when AppArmor type is Localhost'))
  if (name.length > longestProfile) errors.push(tooLong(at, longestProfile))
  return errors
}
