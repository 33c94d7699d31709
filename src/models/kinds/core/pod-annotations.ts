import { type FieldError, forbidden, invalid } from '../../field-error.ts'
import type { AppArmorProfile, PodSpec, SeccompProfile } from '../../types/core-v1.ts'
import type { ObjectMeta } from '../../types/meta-v1.ts'
import { checkRelativePath } from './path-checks.ts'
import { eachContainer } from './windows-validation.ts'

// Annotations of pods that Kubernetes reads: mirrors of static pods, costs of deletion, and profiles of seccomp and AppArmor
// from before they were fields.

type Annotations = Record<string, string>

export const mirrorKey = 'kubernetes.io/config.mirror'
const deletionCostKey = 'controller.kubernetes.io/pod-deletion-cost'
const podSeccompKey = 'seccomp.security.alpha.kubernetes.io/pod'
const seccompPrefix = 'container.seccomp.security.alpha.kubernetes.io/'
const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/'
const runtimeDefault = 'runtime/default'
const localhost = 'localhost/'

/** @param field `metadata.annotations` */
export function checkPodAnnotations(field: string, annotations: Annotations | undefined, spec: PodSpec): FieldError[] {
  if (!annotations) return []
  const errors: FieldError[] = []
  const mirror = annotations[mirrorKey]
  if (mirror !== undefined && !spec.nodeName)
    errors.push(invalid(`${field}[${mirrorKey}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set'))
  const cost = annotations[deletionCostKey]
  if (cost !== undefined && !isDeletionCost(cost))
    errors.push(invalid(`${field}[${deletionCostKey}]`, cost, 'must be a 32bit integer'))
  for (const [key, profile] of Object.entries(annotations)) {
    if (key === podSeccompKey || key.startsWith(seccompPrefix)) errors.push(...checkSeccomp(`${field}.${key}`, profile))
    if (key.startsWith(appArmorPrefix)) errors.push(...checkAppArmor(`${field}[${key}]`, key, profile, spec))
  }
  return errors
}

function isDeletionCost(text: string): boolean {
  return /^(0|[1-9][0-9]*|-[1-9][0-9]*)$/.test(text) && Math.abs(Number(text) + 0.5) < 2 ** 31
}

function checkSeccomp(field: string, profile: string): FieldError[] {
  if (profile === runtimeDefault || profile === 'docker/default' || profile === 'unconfined') return []
  if (profile.startsWith(localhost)) return checkRelativePath(field, profile.slice(localhost.length))
  return [invalid(field, profile, 'must be a valid seccomp profile')]
}

function checkAppArmor(field: string, key: string, profile: string, spec: PodSpec): FieldError[] {
  const name = key.slice(appArmorPrefix.length)
  const known = eachContainer('', spec).some(([, c]) => c.name === name)
  const errors = known ? [] : [invalid(field, name, 'container not found')]
  if (profile && profile !== runtimeDefault && profile !== 'unconfined' && !profile.startsWith(localhost))
    errors.push(invalid(field, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`))
  return errors
}

/** What only the creator of a pod says of it. */
export function checkAnnotationChanges(
  field: string,
  next: Annotations = {},
  previous: Annotations = {},
): FieldError[] {
  const errors: FieldError[] = []
  for (const key of Object.keys(previous)) {
    if (next[key] === previous[key]) continue
    if (key.startsWith(appArmorPrefix))
      errors.push(forbidden(`${field}[${key}]`, 'may not remove or update AppArmor annotations'))
    if (key === mirrorKey) errors.push(forbidden(`${field}[${key}]`, 'may not remove or update mirror pod annotation'))
  }
  for (const key of Object.keys(next)) {
    if (Object.hasOwn(previous, key)) continue
    if (key.startsWith(appArmorPrefix)) errors.push(forbidden(`${field}[${key}]`, 'may not add AppArmor annotations'))
    if (key === mirrorKey) errors.push(forbidden(`${field}[${key}]`, 'may not add mirror pod annotation'))
  }
  return errors
}

/** An annotation and the field that took its place say the same. @param field of the spec */
export function checkProfilesAgree(field: string, annotations: Annotations | undefined, spec: PodSpec): FieldError[] {
  if (!annotations) return []
  const errors: FieldError[] = []
  const { seccompProfile, appArmorProfile } = spec.securityContext ?? {}
  const seccomp = (at: string, key: string, profile: SeccompProfile | undefined) =>
    errors.push(...disagreement(`${at}.securityContext.seccompProfile`, 'seccomp', annotations[key], profile))
  seccomp(field, podSeccompKey, seccompProfile)
  const containers = eachContainer(field, spec)
  for (const [at, c] of containers) seccomp(at, seccompPrefix + c.name, c.securityContext?.seccompProfile)
  if (spec.os?.name === 'windows') return errors
  for (const [at, c] of containers) {
    const profile = c.securityContext?.appArmorProfile ?? appArmorProfile
    const where = `${at}.securityContext.appArmorProfile`
    errors.push(...disagreement(where, 'apparmor', annotations[appArmorPrefix + c.name], profile))
  }
  return errors
}

type Profile = Pick<SeccompProfile & AppArmorProfile, 'type' | 'localhostProfile'>

function disagreement(field: string, what: string, annotation: string | undefined, profile: Profile | undefined) {
  if (annotation === undefined || !profile) return []
  const type = forbidden(`${field}.type`, `${what} type in annotation and field must match`)
  if (profile.type === 'Unconfined') return annotation === 'unconfined' ? [] : [type]
  if (profile.type === 'RuntimeDefault') {
    const same = annotation === runtimeDefault || (what === 'seccomp' && annotation === 'docker/default')
    return same ? [] : [type]
  }
  if (profile.type !== 'Localhost') return []
  if (!annotation.startsWith(localhost)) return [type]
  return annotation.slice(localhost.length) === profile.localhostProfile
    ? []
    : [forbidden(`${field}.localhostProfile`, `${what} profile in annotation and field must match`)]
}

/**
 * A new pod says its AppArmor profiles in fields and in annotations, whichever its creator used: nodes may know only one of
 * them. Changes `metadata` and `spec`.
 */
export function settleAppArmor(metadata: ObjectMeta, spec: PodSpec): void {
  if (spec.os?.name === 'windows') return
  const ofPod = spec.securityContext?.appArmorProfile
  for (const [, container] of eachContainer('', spec)) {
    const key = appArmorPrefix + container.name
    const said = metadata.annotations?.[key]
    const profile = container.securityContext?.appArmorProfile ?? ofPod
    if (profile && said === undefined) {
      const text = annotationOf(profile)
      if (text !== '') metadata.annotations = { ...metadata.annotations, [key]: text }
    } else if (!profile && said !== undefined) {
      const field = fieldOf(said)
      if (field) container.securityContext = { ...container.securityContext, appArmorProfile: field }
    }
  }
}

function annotationOf({ type, localhostProfile }: AppArmorProfile): string {
  if (type === 'Unconfined') return 'unconfined'
  if (type === 'RuntimeDefault') return runtimeDefault
  return type === 'Localhost' && localhostProfile !== undefined ? localhost + localhostProfile : ''
}

function fieldOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' }
  if (annotation === runtimeDefault) return { type: 'RuntimeDefault' }
  if (!annotation.startsWith(localhost) || annotation === localhost) return undefined
  return { type: 'Localhost', localhostProfile: annotation.slice(localhost.length) }
}
