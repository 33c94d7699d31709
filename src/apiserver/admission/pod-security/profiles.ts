import type { SELinuxOptions, SecurityContext } from '../../../models/types/core-v1.ts'
import { containersOf, namesWhere, type PodLike, plural, quoted, setters, sorted, type Violation } from './check.ts'

// AppArmor, SELinux and seccomp: confinement that pods may choose, but not leave.

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/'

export function appArmor(pod: PodLike): Violation | undefined {
  const types = new Set<string>()
  const bad = (context: Pick<SecurityContext, 'appArmorProfile'> | undefined) => {
    const type = context?.appArmorProfile?.type
    if (type === undefined || type === 'RuntimeDefault' || type === 'Localhost') return false
    types.add(type)
    return true
  }
  const who = setters(
    bad(pod.spec.securityContext),
    namesWhere(pod, c => bad(c.securityContext)),
  )
  const annotations = Object.entries(pod.metadata.annotations ?? {})
    .filter(([key, value]) => key.startsWith(appArmorPrefix) && !/^($|runtime\/default$|localhost\/)/.test(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort()
  if (annotations.length) who.push(plural(annotations.length, 'annotation'))
  if (!who.length) return undefined
  const values = [...sorted(types), ...annotations]
  return {
    reason: plural(values.length, 'forbidden AppArmor profile'),
    detail: `${who.join(' and ')} must not set AppArmor profile type to ${quoted(values)}`,
  }
}

export const seLinux =
  (allowed: string[]) =>
  (pod: PodLike): Violation | undefined => {
    const types = new Set<string>()
    let user = false
    let role = false
    const bad = (options: SELinuxOptions | undefined): boolean => {
      if (!options) return false
      const strange = Boolean(options.type) && !allowed.includes(options.type!)
      if (strange) types.add(options.type!)
      user ||= Boolean(options.user)
      role ||= Boolean(options.role)
      return strange || Boolean(options.user) || Boolean(options.role)
    }
    const who = setters(
      bad(pod.spec.securityContext?.seLinuxOptions),
      namesWhere(pod, c => bad(c.securityContext?.seLinuxOptions)),
    )
    if (!who.length) return undefined
    const what = [
      ...(types.size ? [`${plural(types.size, 'type')} ${quoted(sorted(types))}`] : []),
      ...(user ? ['user may not be set'] : []),
      ...(role ? ['role may not be set'] : []),
    ]
    const detail = `${who.join(' and ')} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}`
    return { reason: 'seLinuxOptions', detail }
  }

/** Before v1.19 annotations said what the field says now. */
export function seccompAnnotations(pod: PodLike): Violation | undefined {
  const annotations = pod.metadata.annotations ?? {}
  const keys = [
    'seccomp.security.alpha.kubernetes.io/pod',
    ...containersOf(pod).map(c => `container.seccomp.security.alpha.kubernetes.io/${c.name}`),
  ]
  const bad = sorted(keys)
    .filter(key => annotations[key] !== undefined)
    .filter(key => !/^(runtime\/default$|docker\/default$|localhost\/)/.test(annotations[key]!))
  if (!bad.length) return undefined
  const texts = bad.map(key => `${key}=${JSON.stringify(annotations[key])}`)
  return { reason: 'seccompProfile', detail: `forbidden ${plural(bad.length, 'annotation')} ${texts.join(', ')}` }
}

const confines = (type: string | undefined) => type === 'RuntimeDefault' || type === 'Localhost'

/** No profile but one that confines. */
export function seccompValues(pod: PodLike): Violation | undefined {
  const types = new Set<string>()
  const bad = (context: Pick<SecurityContext, 'seccompProfile'> | undefined) => {
    const type = context?.seccompProfile?.type
    if (!context?.seccompProfile || confines(type)) return false
    types.add(type ?? '')
    return true
  }
  const who = setters(
    bad(pod.spec.securityContext),
    namesWhere(pod, c => bad(c.securityContext)),
  )
  if (!who.length) return undefined
  const detail = `${who.join(' and ')} must not set securityContext.seccompProfile.type to ${quoted(sorted(types))}`
  return { reason: 'seccompProfile', detail }
}

/** A profile for every container, its own or the pod's. */
export function seccompRequired(pod: PodLike): Violation | undefined {
  const wrong = seccompValues(pod)
  if (wrong || pod.spec.securityContext?.seccompProfile) return wrong
  const lacking = namesWhere(pod, c => !c.securityContext?.seccompProfile)
  if (!lacking.length) return undefined
  return {
    reason: 'seccompProfile',
    detail: `pod or ${plural(lacking.length, 'container')} ${quoted(lacking)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  }
}
