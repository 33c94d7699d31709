import { type FieldError, invalid, required } from '../../field-error.ts'
import type { PodSecurityContext, PodSpec, SeccompProfile, SecurityContext, Sysctl } from '../../types/core-v1.ts'
import { checkId, checkParts, type PartChecks } from '../checks.ts'

const sysctlSegment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const sysctlForm = `(${sysctlSegment}[\\./])*${sysctlSegment}`
const sysctlPattern = new RegExp(`^${sysctlForm}$`)
const maxSysctlLength = 253

const containerContext: PartChecks<SecurityContext> = {
  runAsUser: checkId,
  runAsGroup: checkId,
  seccompProfile: checkSeccomp,
}

export function checkSecurityContext(field: string, context: SecurityContext): FieldError[] {
  const errors = checkParts(field, context, containerContext, undefined)
  if (context.allowPrivilegeEscalation === false) {
    const conflict = context.privileged
      ? '`privileged` to true'
      : context.capabilities?.add?.includes('CAP_SYS_ADMIN')
        ? '`capabilities.Add` CAP_SYS_ADMIN'
        : undefined
    if (conflict)
      errors.push(invalid(field, context, `cannot set \`allowPrivilegeEscalation\` to false and ${conflict}`))
  }
  return errors
}

export function checkPodSecurityContext(field: string, context: PodSecurityContext, spec: PodSpec): FieldError[] {
  return checkParts(field, context, podContext, spec)
}

const podContext: PartChecks<PodSecurityContext, PodSpec> = {
  fsGroup: checkId,
  runAsUser: checkId,
  runAsGroup: checkId,
  supplementalGroups: (field, groups) => groups.flatMap((id, i) => checkId(`${field}[${i}]`, id)),
  sysctls: checkSysctls,
  seccompProfile: checkSeccomp,
}

function checkSysctls(field: string, sysctls: Sysctl[], spec: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, { name }] of sysctls.entries()) {
    const at = `${field}[${i}].name`
    const dotted = normalSysctl(name)
    if (!name) errors.push(required(at))
    else if (name.length > maxSysctlLength || !sysctlPattern.test(name)) {
      const text = `must have at most ${maxSysctlLength} characters and match regex ${sysctlForm}`
      errors.push(invalid(at, name, text))
    } else if (seen.has(dotted))
      errors.push({ field: at, reason: 'FieldValueDuplicate', message: `Duplicate value: ${JSON.stringify(name)}` })
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

function checkSeccomp(field: string, profile: SeccompProfile): FieldError[] {
  const { type, localhostProfile: path } = profile
  if (!type) return [required(`${field}.type`)]
  if (type !== 'Localhost')
    return path === undefined
      ? []
      : [invalid(`${field}.localhostProfile`, path, 'can only be set when seccomp type is Localhost')]
  if (!path) return [required(`${field}.localhostProfile`, 'must be set when seccomp type is Localhost')]
  return checkRelativePath(`${field}.localhostProfile`, path)
}

/** A path below its root: relative, without `..`. */
export function checkRelativePath(field: string, path: string): FieldError[] {
  return [
    ...(path.startsWith('/') ? [invalid(field, path, 'must be a relative path')] : []),
    ...(path.split('/').includes('..') ? [invalid(field, path, "must not contain '..'")] : []),
  ]
}
