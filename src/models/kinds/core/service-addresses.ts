import { duplicate, type FieldError, invalid, notSupported } from '../../field-error.ts'
import { goList } from '../../go-text.ts'
import type { ServiceSpec } from '../../types/core-v1.ts'
import { checkIP, checkOneOf } from '../checks.ts'

// A Service's cluster IPs and their families: what they may be, and what they may become.

const families = ['IPv4', 'IPv6']
const familyPolicies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
const clusterIPs = 'spec.clusterIPs'
const isIPv6 = (ip: string) => ip.includes(':')
const isHeadless = ({ clusterIPs: ips }: ServiceSpec) => ips?.length === 1 && ips[0] === 'None'

/** Which addresses there are to be given is the server's to say. */
export function checkAddresses(spec: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName') return []
  const { clusterIP, ipFamilyPolicy, clusterIPs: ips = [] } = spec
  const shown = goList(ips)
  const errors: FieldError[] = []
  if (clusterIP && ips.length && ips[0] !== clusterIP)
    errors.push(invalid(clusterIPs, shown, 'first value must match `clusterIP`'))
  if (!clusterIP && ips.length)
    errors.push(invalid(clusterIPs, shown, 'must be empty when `clusterIP` is not specified'))
  errors.push(...checkFamilies(spec.ipFamilies))
  if (ipFamilyPolicy !== undefined) errors.push(...checkOneOf('spec.ipFamilyPolicy', ipFamilyPolicy, familyPolicies))
  const none = ips[0] === 'None'
  const wrong = none && ips.length > 1 ? [invalid(clusterIPs, shown, "'None' must be the first and only value")] : []
  for (const [i, ip] of ips.entries()) if (i > 0 || !none) wrong.push(...checkIP(`${clusterIPs}[${i}]`, ip))
  errors.push(...wrong)
  if (ips.length > 2) errors.push(invalid(clusterIPs, shown, 'may only hold up to 2 values'))
  if (wrong.length) return errors
  if (ips.length > 1 && !(ips.some(isIPv6) && !ips.every(isIPv6)))
    errors.push(invalid(clusterIPs, shown, 'may specify no more than one IP for each IP family'))
  return [...errors, ...checkFit(spec)]
}

function checkFamilies(list: readonly string[] = []): FieldError[] {
  return list.flatMap((family, i) => {
    const at = `spec.ipFamilies[${i}]`
    const errors = families.includes(family) ? [] : [notSupported(at, family, families)]
    if (list.indexOf(family) < i) errors.push(duplicate(at, family))
    return errors
  })
}

function checkFit(spec: ServiceSpec): FieldError[] {
  if (isHeadless(spec)) return []
  return (spec.clusterIPs ?? []).flatMap((ip, i) => {
    const family = spec.ipFamilies?.[i]
    const fits = !families.includes(family ?? '') || (family === 'IPv6') === isIPv6(ip)
    const text = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``
    return fits ? [] : [invalid(`${clusterIPs}[${i}]`, ip, text)]
  })
}

/** The first address and family stay; a second one may come and go. */
export function checkAddressChanges(next: ServiceSpec, old: ServiceSpec): FieldError[] {
  if (old.type === 'ExternalName' || next.type === 'ExternalName') return []
  const headless = isHeadless(next)
  const wasHeadless = isHeadless(old)
  if (headless && wasHeadless) return []
  const errors = checkIPChanges(next, old)
  return headless || wasHeadless ? errors : [...errors, ...checkFamilyChanges(next, old)]
}

const once = 'may not change once set'

function checkIPChanges(next: ServiceSpec, old: ServiceSpec): FieldError[] {
  const { clusterIPs: now = [], ipFamilyPolicy } = next
  const { clusterIPs: was = [] } = old
  const shown = goList(next.clusterIPs)
  const changed = (i: number) =>
    was[i] !== undefined && now[i] !== undefined && was[i] !== now[i]
      ? [invalid(`${clusterIPs}[${i}]`, shown, once)]
      : []
  if (was.length === now.length) return was.flatMap((_, i) => changed(i))
  if (was.length < now.length) return changed(0)
  if (!now.length) return [invalid(`${clusterIPs}[0]`, shown, 'primary clusterIP can not be unset')]
  const kept = now.length === 1 && ipFamilyPolicy !== 'SingleStack'
  return [
    ...changed(0),
    ...(kept
      ? [
          invalid(
            'spec.ipFamilyPolicy',
            ipFamilyPolicy ?? null,
            "must be set to 'SingleStack' when releasing the secondary clusterIP",
          ),
        ]
      : []),
  ]
}

function checkFamilyChanges(next: ServiceSpec, old: ServiceSpec): FieldError[] {
  const at = 'spec.ipFamilies[0]'
  const { ipFamilies: now = [], ipFamilyPolicy } = next
  const { ipFamilies: was = [] } = old
  const shown = goList(next.ipFamilies, 'core.IPFamily')
  if (was.length === now.length)
    return was.flatMap((family, i) => (family === now[i] ? [] : [invalid(at, shown, once)]))
  // Kubernetes shows the addresses here.
  const first = was[0] && now[0] && was[0] !== now[0] ? [invalid(at, goList(next.clusterIPs), once)] : []
  if (was.length < now.length) return first
  const errors = next.clusterIPs?.length ? [] : [invalid(at, shown, 'primary ipFamily can not be unset')]
  errors.push(...first)
  if (now.length === 1 && ipFamilyPolicy !== 'SingleStack')
    errors.push(
      invalid(
        'spec.ipFamilyPolicy',
        ipFamilyPolicy ?? null,
        "must be set to 'SingleStack' when releasing the secondary ipFamily",
      ),
    )
  return errors
}
