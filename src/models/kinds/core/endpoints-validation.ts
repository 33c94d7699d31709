import { isIP } from '../../../base/ip.ts'
import { isDns1123Label, isDns1123Subdomain, isQualifiedName } from '../../../base/names.ts'
import { type FieldError, invalid, required } from '../../field-error.ts'
import type { EndpointAddress, EndpointPort, Endpoints } from '../../types/core-v1.ts'
import { checkIP, checkName, checkOneOf, checkOptionalName, checkPort, texts } from '../checks.ts'

export function validateEndpoints({ subsets = [] }: Endpoints): FieldError[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }, i) => {
    const at = `subsets[${i}]`
    return [
      ...(addresses.length + notReadyAddresses.length
        ? []
        : [required(at, 'must specify `addresses` or `notReadyAddresses`')]),
      ...addresses.flatMap((address, j) => checkAddress(`${at}.addresses[${j}]`, address)),
      ...notReadyAddresses.flatMap((address, j) => checkAddress(`${at}.notReadyAddresses[${j}]`, address)),
      ...ports.flatMap((port, j) => checkEndpointPort(`${at}.ports[${j}]`, port, ports.length > 1)),
    ]
  })
}

function checkAddress(field: string, { ip = '', hostname, nodeName }: Partial<EndpointAddress>): FieldError[] {
  const valid = isIP(ip)
  return [
    ...checkIP(`${field}.ip`, ip),
    ...checkOptionalName(`${field}.hostname`, hostname, isDns1123Label),
    ...(nodeName === undefined ? [] : texts(`${field}.nodeName`, nodeName, isDns1123Subdomain(nodeName))),
    ...(valid ? checkEndpointIP(`${field}.ip`, ip) : [invalid(`${field}.ip`, ip, 'must be a valid IP address')]),
  ]
}

const special: [RegExp, string][] = [
  [/^(127\.|::1$)/, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  [/^(169\.254\.|fe[89ab][0-9a-f]:)/i, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  [/^(224\.0\.0\.|ff02:)/i, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
]

/** An address that packets can come to from elsewhere. */
export function checkEndpointIP(field: string, ip: string): FieldError[] {
  if (!isIP(ip)) return checkIP(field, ip)
  if (/^(0\.0\.0\.0|::)$/.test(ip)) return [invalid(field, ip, `may not be unspecified (${ip})`)]
  return special.filter(([pattern]) => pattern.test(ip)).map(([, text]) => invalid(field, ip, text))
}

function checkEndpointPort(
  field: string,
  { name, port, protocol, appProtocol }: EndpointPort,
  named: boolean,
): FieldError[] {
  return [
    ...(named ? checkName : checkOptionalName)(`${field}.name`, name, isDns1123Label),
    ...checkPort(`${field}.port`, port),
    ...(protocol ? checkOneOf(`${field}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']) : [required(`${field}.protocol`)]),
    ...(appProtocol === undefined ? [] : texts(`${field}.appProtocol`, appProtocol, isQualifiedName(appProtocol))),
  ]
}
