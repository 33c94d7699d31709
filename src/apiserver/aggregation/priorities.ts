import { compareVersions } from '../../models/registry.ts'

/** The numbers under which a Kubernetes API server registers its own versions. */
const special: Record<string, number> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
  'admissionregistration.k8s.io/v1beta1': 12,
}

/** Place of a version in its group, higher first, of those that we serve ourselves: an APIService's versionPriority. */
export function versionPriority(group: string, version: string, custom: boolean): number {
  if (custom) return 100
  const id = `${group}/${version}`
  if (Object.hasOwn(special, id)) return special[id]!
  return version.includes('alpha') ? 1 : version.includes('beta') ? 9 : 15
}

/** The better version first. */
export function byPriority(a: { version: string; priority: number }, b: { version: string; priority: number }): number {
  return b.priority - a.priority || compareVersions(a.version, b.version)
}
