import { isIP } from '../../../base/ip.ts'
import { isDns1035Label, isDns1123Subdomain, isWildcardDns1123Subdomain } from '../../../base/names.ts'
import { type FieldError, invalid, required } from '../../field-error.ts'
import type { HTTPIngressPath, Ingress, IngressBackend } from '../../types/networking-v1.ts'
import { checkName, checkOptionalName, checkPort, checkPortReference, texts } from '../checks.ts'

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
  if (!rules.length && !defaultBackend)
    errors.push(invalid('spec', rules, 'either `defaultBackend` or `rules` must be specified'))
  for (const [i, rule] of rules.entries()) {
    const at = `spec.rules[${i}]`
    if (rule.host) errors.push(...checkHost(`${at}.host`, rule.host))
    if (!rule.http) continue
    if (!rule.http.paths?.length) errors.push(required(`${at}.http.paths`))
    for (const [j, path] of (rule.http.paths ?? []).entries()) errors.push(...checkPath(`${at}.http.paths[${j}]`, path))
  }
  if (defaultBackend) errors.push(...checkBackend('spec.defaultBackend', defaultBackend))
  for (const [i, { hosts = [] }] of tls.entries())
    for (const [j, host] of hosts.entries()) {
      const rule = host.includes('*') ? isWildcardDns1123Subdomain : isDns1123Subdomain
      errors.push(...texts(`spec.tls[${i}].hosts[${j}]`, host, rule(host)))
    }
  return [...errors, ...checkOptionalName('spec.ingressClassName', ingressClassName, isDns1123Subdomain)]
}

function checkHost(field: string, host: string): FieldError[] {
  if (isIP(host)) return [invalid(field, host, 'must be a DNS name, not an IP address')]
  return texts(field, host, host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host))
}

const strange = ['//', '/./', '/../', '%2f', '%2F']

function checkPath(field: string, { path = '', pathType, backend }: HTTPIngressPath): FieldError[] {
  const errors: FieldError[] = []
  const type: string = pathType ?? ''
  if (!type) errors.push(required(`${field}.pathType`, 'pathType must be specified'))
  if (type === 'ImplementationSpecific' ? path && !path.startsWith('/') : type && !path.startsWith('/'))
    errors.push(invalid(`${field}.path`, path, 'must be an absolute path'))
  if (type === 'Exact' || type === 'Prefix') {
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
  if (resource) {
    return [
      ...(resource.kind ? [] : [required(`${field}.resource.kind`)]),
      ...(resource.name ? [] : [required(`${field}.resource.name`)]),
    ]
  }
  if (!service) return [required(field, 'resource or service backend is required')]
  const at = `${field}.service`
  const errors = checkName(`${at}.name`, service.name, isDns1035Label)
  const { name, number } = service.port ?? {}
  if (name && number) errors.push(invalid(`${at}`, '', 'cannot set both port name & port number'))
  else if (name) errors.push(...checkPortReference(`${at}.port.name`, name))
  else if (number) errors.push(...checkPort(`${at}.port.number`, number))
  else errors.push(required(`${at}.port`, 'port name or number is required'))
  return errors
}
