import { isIP } from '../../../base/ip.ts'
import { isDns1035Label, isDns1123Subdomain, isWildcardDns1123Subdomain } from '../../../base/names.ts'
import { type FieldError, GoText, invalid, notSupported, required } from '../../field-error.ts'
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule } from '../../types/networking-v1.ts'
import { checkIP, checkLocalReference, checkName, checkPort, checkPortReference, texts } from '../checks.ts'

/** Named the class before there was a field. */
export const classAnnotation = 'kubernetes.io/ingress.class'

export function validateIngress({ metadata, spec }: Ingress, previous?: Ingress): FieldError[] {
  const errors: FieldError[] = []
  const named = metadata.annotations?.[classAnnotation]
  if (!previous && named !== undefined && spec.ingressClassName !== undefined)
    errors.push(
      invalid(`metadata.annotations[${classAnnotation}]`, named, 'can not be set when the class field is also set'),
    )
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec
  if (!rules.length && !defaultBackend) {
    const none = new GoText('[]networking.IngressRule(nil)')
    errors.push(invalid('spec', none, 'either `defaultBackend` or `rules` must be specified'))
  }
  if (defaultBackend) errors.push(...checkBackend('spec.defaultBackend', defaultBackend))
  for (const [i, rule] of rules.entries()) errors.push(...checkRule(`spec.rules[${i}]`, rule))
  const mayBeWrong = previous?.spec.tls?.some(t => t.secretName && isDns1123Subdomain(t.secretName).length)
  for (const [i, { hosts = [], secretName }] of tls.entries()) {
    for (const [j, host] of hosts.entries()) errors.push(...checkHostName(`spec.tls[${i}].hosts[${j}]`, host))
    if (secretName && !mayBeWrong)
      errors.push(...texts(`spec.tls[${i}].secretName`, secretName, isDns1123Subdomain(secretName)))
  }
  if (ingressClassName === undefined) return errors
  return [...errors, ...texts('spec.ingressClassName', ingressClassName, isDns1123Subdomain(ingressClassName))]
}

function checkRule(at: string, { host, http }: IngressRule): FieldError[] {
  const errors = host ? checkHost(`${at}.host`, host) : []
  if (!http) return errors
  if (!http.paths?.length) errors.push(required(`${at}.http.paths`))
  return [...errors, ...(http.paths ?? []).flatMap((path, i) => checkPath(`${at}.http.paths[${i}]`, path))]
}

const isAddressText = 'must be a DNS name, not an IP address'

function checkHost(field: string, host: string): FieldError[] {
  return [...(isIP(host) ? [invalid(field, host, isAddressText)] : []), ...checkHostName(field, host)]
}

function checkHostName(field: string, host: string): FieldError[] {
  return texts(field, host, host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host))
}

/** Where the traffic comes in, as controllers say it. */
export function validateIngressStatus({ status }: Ingress): FieldError[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const at = `status.loadBalancer.ingress[${i}]`
    const errors = ip ? checkIP(`${at}.ip`, ip) : []
    if (hostname) errors.push(...texts(`${at}.hostname`, hostname, isDns1123Subdomain(hostname)))
    if (hostname && isIP(hostname)) errors.push(invalid(`${at}.hostname`, hostname, isAddressText))
    return errors
  })
}

const strange = ['//', '/./', '/../', '%2f', '%2F']

function checkPath(field: string, { path = '', pathType, backend }: HTTPIngressPath): FieldError[] {
  if (pathType === undefined) return [required(`${field}.pathType`, 'pathType must be specified')]
  const errors: FieldError[] = []
  const own = pathType === 'ImplementationSpecific'
  if (!own && pathType !== 'Exact' && pathType !== 'Prefix')
    errors.push(notSupported(`${field}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']))
  else if (own ? path && !path.startsWith('/') : !path.startsWith('/'))
    errors.push(invalid(`${field}.path`, path, 'must be an absolute path'))
  if (pathType === 'Exact' || pathType === 'Prefix') {
    for (const part of strange)
      if (path.includes(part)) errors.push(invalid(`${field}.path`, path, `must not contain '${part}'`))
    for (const end of ['/..', '/.'])
      if (path.endsWith(end)) errors.push(invalid(`${field}.path`, path, `cannot end with '${end}'`))
  }
  return [...errors, ...checkBackend(`${field}.backend`, backend)]
}

function checkBackend(field: string, backend: IngressBackend | undefined): FieldError[] {
  const { service, resource } = backend ?? {}
  if (service && resource) return [invalid(field, '', 'cannot set both resource and service backends')]
  if (resource) return checkLocalReference(`${field}.resource`, resource)
  if (!service) return [invalid(field, '', 'resource or service backend is required')]
  const at = `${field}.service`
  const errors = checkName(`${at}.name`, service.name, isDns1035Label)
  const { name, number } = service.port ?? {}
  if (name && number) errors.push(invalid(field, '', 'cannot set both port name & port number'))
  else if (name) errors.push(...checkPortReference(`${at}.port.name`, name))
  else if (number) errors.push(...checkPort(`${at}.port.number`, number))
  else errors.push(required(field, 'port name or number is required'))
  return errors
}
