import { isIPv4, isIPv6 } from '../../../base/ip.ts'
import { isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName } from '../../../base/names.ts'
import { duplicate, type FieldError, invalid, required, tooMany } from '../../field-error.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '../../types/discovery-v1.ts'
import { checkImmutable, checkOneOf, texts } from '../checks.ts'
import { checkEndpointIP } from '../core/endpoints-validation.ts'

const types = ['FQDN', 'IPv4', 'IPv6']
const maxEndpoints = 1_000
const maxAddresses = 100
const maxPorts = 20_000
const maxZones = 8

export function validateEndpointSlice(next: EndpointSlice, previous?: EndpointSlice): FieldError[] {
  const { addressType } = next
  const [endpoints, ports] = [next.endpoints ?? [], next.ports ?? []]
  const errors = addressType ? checkOneOf('addressType', addressType, types) : [required('addressType')]
  if (endpoints.length > maxEndpoints) errors.push(tooMany('endpoints', endpoints.length, maxEndpoints))
  else errors.push(...endpoints.flatMap((endpoint, i) => checkEndpoint(`endpoints[${i}]`, endpoint, addressType)))
  if (ports.length > maxPorts) errors.push(tooMany('ports', ports.length, maxPorts))
  else errors.push(...checkPorts(ports))
  return previous ? [...errors, ...checkImmutable('addressType', addressType ?? '', previous.addressType)] : errors
}

function checkEndpoint(at: string, endpoint: Endpoint, type: string): FieldError[] {
  const { addresses = [], nodeName, hostname, hints } = endpoint
  const errors: FieldError[] = []
  if (!addresses.length) errors.push(required(`${at}.addresses`, 'must contain at least 1 address'))
  if (addresses.length > maxAddresses) errors.push(tooMany(`${at}.addresses`, addresses.length, maxAddresses))
  for (const [i, address] of addresses.entries()) errors.push(...checkAddress(`${at}.addresses[${i}]`, address, type))
  if (nodeName !== undefined) errors.push(...texts(`${at}.nodeName`, nodeName, isDns1123Subdomain(nodeName)))
  if (hostname !== undefined) errors.push(...texts(`${at}.hostname`, hostname, isDns1123Label(hostname)))
  return [...errors, ...checkZones(`${at}.hints.forZones`, hints?.forZones ?? [])]
}

function checkZones(at: string, zones: { name: string }[]): FieldError[] {
  if (zones.length > maxZones) return [tooMany(at, zones.length, maxZones)]
  const errors: FieldError[] = []
  const known = new Set<string>()
  for (const [i, { name }] of zones.entries()) {
    if (known.has(name)) errors.push(duplicate(`${at}[${i}].name`, name))
    known.add(name)
    errors.push(...texts(`${at}[${i}].name`, name ?? '', isLabelValue(name ?? '')))
  }
  return errors
}

function checkPorts(ports: EndpointPort[]): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  for (const [i, { name = '', protocol, appProtocol }] of ports.entries()) {
    const at = `ports[${i}]`
    if (name) errors.push(...texts(`${at}.name`, name, isDns1123Label(name)))
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
    names.add(name)
    if (protocol === undefined) errors.push(required(`${at}.protocol`))
    else errors.push(...checkOneOf(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']))
    if (appProtocol !== undefined) errors.push(...texts(`${at}.appProtocol`, appProtocol, isQualifiedName(appProtocol)))
  }
  return errors
}

function checkAddress(field: string, address: string, type: string): FieldError[] {
  if (type === 'FQDN') return checkFullName(field, address)
  if (type !== 'IPv4' && type !== 'IPv6') return []
  const fits = type === 'IPv4' ? isIPv4(address) : isIPv6(address)
  const wrong = fits ? [] : [invalid(field, address, `must be a valid ${type} address`)]
  return [...wrong, ...checkEndpointIP(field, address)]
}

/** A DNS name of two parts or more; it may end with a dot. */
function checkFullName(field: string, name: string): FieldError[] {
  if (!name) return [required(field)]
  const bare = name.replace(/\.$/, '')
  const wrong = isDns1123Subdomain(bare)
  if (wrong.length) return wrong.map(text => invalid(field, bare, text))
  if (!bare.includes('.'))
    return [invalid(field, bare, 'should be a domain with at least two segments separated by dots')]
  return bare.split('.').flatMap(label => isDns1123Label(label).map(text => invalid(field, label, text)))
}
