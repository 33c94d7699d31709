import { sameMeaning } from '../../base/equality.ts'
import { type FieldError, invalid } from '../../models/field-error.ts'
import type { Service, ServiceSpec } from '../../models/types/core-v1.ts'

export type Family = 'IPv4' | 'IPv6'

export const familyOf = (ip: string): Family => (ip.includes(':') ? 'IPv6' : 'IPv4')
const otherThan = (family: string): Family => (family === 'IPv4' ? 'IPv6' : 'IPv4')

/**
 * Settles which families a Service has, in place: what its writer said by policy, families or addresses, and what the cluster
 * has. A Service goes from one family to two, or back, only if somebody says so.
 * @param configured the cluster's families, the main one first
 * @returns what cannot be; nothing is left half-done then that would be stored
 * @see https://kubernetes.io/docs/concepts/services-networking/dual-stack/
 */
export function settleFamilies(spec: ServiceSpec, old: ServiceSpec | undefined, configured: Family[]): FieldError[] {
  if (old && isUnchangedPreference(spec, old)) return []
  const withoutPods = isHeadless(spec) && !Object.keys(spec.selector ?? {}).length
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (withoutPods ? 'RequireDualStack' : 'SingleStack')
  const errors = [...(old ? followChange(spec, old) : []), ...contradictions(spec), ...inferFamilies(spec, configured)]
  if (errors.length) return errors
  if (withoutPods) {
    // Nobody allocates anything for it: also what the cluster has not may be named.
    addFamilies(spec, configured[0]!, ['IPv4', 'IPv6'])
    return []
  }
  const impossible = notConfigured(spec, configured)
  if (!impossible.length) addFamilies(spec, configured[0]!, configured)
  return impossible
}

const isHeadless = ({ clusterIP, clusterIPs }: ServiceSpec) => (clusterIP || clusterIPs?.[0]) === 'None'
const policyAt = 'spec.ipFamilyPolicy'

/** A cluster that becomes dual-stack changes no Service that only prefers it. */
function isUnchangedPreference(spec: ServiceSpec, old: ServiceSpec): boolean {
  return (
    spec.type === old.type &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    old.ipFamilyPolicy === 'PreferDualStack' &&
    sameMeaning(spec.clusterIPs, old.clusterIPs) &&
    sameMeaning(spec.ipFamilies, old.ipFamilies)
  )
}

/** To be SingleStack from now on is to give back the second one; to leave it out without saying so is a mistake. */
function followChange(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (sameMeaning(spec.clusterIPs, old.clusterIPs)) spec.clusterIPs = spec.clusterIPs?.slice(0, 1)
    if (sameMeaning(spec.ipFamilies, old.ipFamilies)) spec.ipFamilies = spec.ipFamilies?.slice(0, 1)
    return []
  }
  const reduced = (now: string[] | undefined, before: string[] | undefined) =>
    now?.length === 1 && before?.length === 2 && now[0] === before[0]
  const refuse = (what: string) =>
    invalid(policyAt, spec.ipFamilyPolicy, `must be 'SingleStack' to release the ${what}`)
  return [
    ...(reduced(spec.clusterIPs, old.clusterIPs) ? [refuse('secondary cluster IP')] : []),
    ...(reduced(spec.ipFamilies, old.ipFamilies) ? [refuse('secondary IP family')] : []),
  ]
}

function contradictions(spec: ServiceSpec): FieldError[] {
  if (spec.ipFamilyPolicy !== 'SingleStack') return []
  const refuse = (what: string) =>
    invalid(
      policyAt,
      spec.ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    )
  return [
    ...(spec.clusterIPs?.length === 2 ? [refuse('cluster IPs')] : []),
    ...(spec.ipFamilies?.length === 2 ? [refuse('IP families')] : []),
  ]
}

/** Who names addresses has named their families. */
function inferFamilies(spec: ServiceSpec, configured: Family[]): FieldError[] {
  const errors: FieldError[] = []
  const families = [...(spec.ipFamilies ?? [])]
  for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === 'None' || i < families.length) continue
    const family = familyOf(ip)
    if (configured.includes(family)) families.push(family)
    else errors.push(invalid(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`))
  }
  if (families.length) spec.ipFamilies = families
  return errors
}

function notConfigured(spec: ServiceSpec, configured: Family[]): FieldError[] {
  return [
    ...(spec.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2
      ? [invalid(policyAt, spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services')]
      : []),
    ...(spec.ipFamilies ?? []).flatMap((family, i) =>
      configured.includes(family as Family)
        ? []
        : [invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster')],
    ),
  ]
}

function addFamilies(spec: ServiceSpec, main: Family, possible: Family[]): void {
  const families = (spec.ipFamilies?.length ? spec.ipFamilies : [main]) as Family[]
  const second = otherThan(families[0]!)
  const both = spec.ipFamilyPolicy !== 'SingleStack' && families.length === 1 && possible.includes(second)
  spec.ipFamilies = both ? [families[0]!, second] : families
}

/** One entry for each family, '' where an address is yet to be found. */
export function addressSlots({ spec }: Service): { family: Family; ip: string }[] {
  const ips = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])
  return (spec.ipFamilies ?? []).map((family, i) => ({ family: family as Family, ip: ips[i] ?? '' }))
}
