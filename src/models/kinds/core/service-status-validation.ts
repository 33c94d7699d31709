import { isIP } from '../../../base/ip.ts'
import { isDns1123Subdomain } from '../../../base/names.ts'
import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { Service } from '../../types/core-v1.ts'
import { checkIP, checkOneOf, checkOptionalName } from '../checks.ts'

const modes = ['Proxy', 'VIP']

/** Where a load balancer may be said to be. */
export function checkServiceStatus({ spec, status }: Service): FieldError[] {
  const field = 'status.loadBalancer.ingress'
  const ingress = status?.loadBalancer?.ingress ?? []
  if (ingress.length && spec.type !== 'LoadBalancer')
    return [forbidden(field, "may only be used when `spec.type` is 'LoadBalancer'")]
  return ingress.flatMap(({ ip, ipMode, hostname }, i) => {
    const at = `${field}[${i}]`
    const errors = ip ? checkIP(`${at}.ip`, ip) : []
    if (ipMode === undefined) {
      if (ip) errors.push(required(`${at}.ipMode`, 'must be specified when `ip` is set'))
    } else if (!ip) errors.push(forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set'))
    else errors.push(...checkOneOf(`${at}.ipMode`, ipMode, modes))
    errors.push(...checkOptionalName(`${at}.hostname`, hostname, isDns1123Subdomain))
    if (hostname && isIP(hostname))
      errors.push(invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'))
    return errors
  })
}
