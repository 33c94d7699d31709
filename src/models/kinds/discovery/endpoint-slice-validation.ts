import { isIPv4, isIPv6 } from '../../../base/ip.ts'
import { isDns1123Label, isDns1123Subdomain } from '../../../base/names.ts'
import { duplicate, type FieldError, invalid, required, tooMany } from '../../field-error.ts'
import type { EndpointSlice } from '../../types/discovery-v1.ts'
import { checkImmutable, checkOptionalName, texts } from '../checks.ts'
import { checkEndpointIP } from '../core/endpoints-validation.ts'

export function validateEndpointSlice(next: EndpointSlice, previous?: EndpointSlice): FieldError[] {
  const { addressType, endpoints = [], ports = [] } = next
  if (!addressType) return [required('addressType')]
  const errors: FieldError[] = []
  if (endpoints.length > 1000) errors.push(tooMany('endpoints', endpoints.length, 1000))
  for (const [i, endpoint] of endpoints.entries()) {
    const at = `endpoints[${i}]`
    const addresses = endpoint.addresses ?? []
    if (!addresses.length) errors.push(required(`${at}.addresses`, 'must contain at least 1 address'))
    if (addresses.length > 100) errors.push(tooMany(`${at}.addresses`, addresses.length, 100))
    for (const [j, address] of addresses.entries())
      errors.push(...checkAddress(`${at}.addresses[${j}]`, address, addressType))
    errors.push(...checkOptionalName(`${at}.nodeName`, endpoint.nodeName, isDns1123Subdomain))
    errors.push(...checkOptionalName(`${at}.hostname`, endpoint.hostname, isDns1123Label))
  }
  if (ports.length > 20_000) errors.push(tooMany('ports', ports.length, 20_000))
  const names = new Set<string>()
  for (const [i, { name = '', protocol }] of ports.entries()) {
    if (name) errors.push(...texts(`ports[${i}].name`, name, isDns1123Label(name)))
    if (names.has(name)) errors.push(duplicate(`ports[${i}].name`, name))
    names.add(name)
    if (!protocol) errors.push(required(`ports[${i}].protocol`))
  }
  return previous ? [...errors, ...checkImmutable('addressType', addressType, previous.addressType)] : errors
}

function checkAddress(field: string, address: string, type: string): FieldError[] {
  if (type === 'FQDN') return texts(field, address, isDns1123Subdomain(address.replace(/\.$/, '')))
  const [fits, text] =
    type === 'IPv4'
      ? [isIPv4(address), 'must be a valid IPv4 address']
      : [isIPv6(address), 'must be a valid IPv6 address']
  return fits ? checkEndpointIP(field, address) : [invalid(field, address, text)]
}
