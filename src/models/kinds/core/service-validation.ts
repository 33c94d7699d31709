import { isCIDR } from '../../../base/ip.ts'
import { isDns1123Label, isDns1123Subdomain, isQualifiedName } from '../../../base/names.ts'
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { Service, ServicePort, ServiceSpec } from '../../types/core-v1.ts'
import {
  checkIP,
  checkLabels,
  checkName,
  checkOneOf,
  checkPort,
  checkPortReference,
  checkRange,
  texts,
} from '../checks.ts'
import { checkEndpointIP } from './endpoints-validation.ts'

const nodePortTypes = ['NodePort', 'LoadBalancer']

export function validateService(next: Service, previous?: Service): FieldError[] {
  const { spec } = next
  const headless = spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None'
  const errors = [
    ...checkPorts(spec, headless),
    ...checkLabels('spec.selector', spec.selector),
    ...checkAffinity(spec),
    ...checkType(spec, headless),
    ...checkAddresses(spec),
    ...checkTraffic(spec),
  ]
  return previous ? [...errors, ...checkChanges(spec, previous.spec)] : errors
}

function checkPorts(spec: ServiceSpec, headless: boolean): FieldError[] {
  const ports = spec.ports ?? []
  const errors: FieldError[] = []
  if (!ports.length && !headless && spec.type !== 'ExternalName') errors.push(required('spec.ports'))
  if (spec.type === 'LoadBalancer')
    ports.forEach((port, i) => {
      if (port.port === 10_250)
        errors.push(
          invalid(
            `spec.ports[${i}].port`,
            port.port,
            'may not expose port 10250 externally since it is used by kubelet',
          ),
        )
    })
  const names = new Set<string>()
  const seen = new Set<string>()
  const nodePorts = new Set<string>()
  for (const [i, port] of ports.entries()) {
    const at = `spec.ports[${i}]`
    errors.push(...checkServicePort(at, port, ports.length > 1))
    if (port.name && names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name))
    if (port.name) names.add(port.name)
    const key = `${port.protocol}/${port.port}`
    if (seen.has(key)) errors.push(duplicate(at, { protocol: port.protocol, port: port.port }))
    seen.add(key)
    if (!port.nodePort) continue
    if (!nodePortTypes.includes(spec.type ?? ''))
      errors.push(forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`))
    const nodeKey = `${port.protocol}/${port.nodePort}`
    if (nodePorts.has(nodeKey)) errors.push(duplicate(`${at}.nodePort`, port.nodePort))
    nodePorts.add(nodeKey)
  }
  return errors
}

function checkServicePort(field: string, port: ServicePort, named: boolean): FieldError[] {
  const errors = named
    ? checkName(`${field}.name`, port.name, isDns1123Label)
    : port.name
      ? texts(`${field}.name`, port.name, isDns1123Label(port.name))
      : []
  errors.push(...checkPort(`${field}.port`, port.port))
  if (!port.protocol) errors.push(required(`${field}.protocol`))
  if (port.targetPort !== undefined) errors.push(...checkPortReference(`${field}.targetPort`, port.targetPort))
  if (port.appProtocol)
    errors.push(...texts(`${field}.appProtocol`, port.appProtocol, isQualifiedName(port.appProtocol)))
  return errors
}

function checkAffinity({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): FieldError[] {
  if (!sessionAffinity) return [required('spec.sessionAffinity')]
  if (sessionAffinity !== 'ClientIP')
    return sessionAffinityConfig
      ? [forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None')]
      : []
  const at = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds'
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (seconds === undefined) return [required(at)]
  return seconds > 0 && seconds <= 86_400 ? [] : [invalid(at, seconds, 'must be greater than 0 and less than 86400')]
}

function checkType(spec: ServiceSpec, headless: boolean): FieldError[] {
  switch (spec.type) {
    case 'LoadBalancer':
    case 'NodePort':
      return headless
        ? [invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`)]
        : []
    case 'ExternalName': {
      const errors: FieldError[] = []
      if (spec.clusterIPs?.length)
        errors.push(forbidden('spec.clusterIPs', `may not be set when \`type\` is 'ExternalName'`))
      const name = (spec.externalName ?? '').replace(/\.$/, '')
      if (name) errors.push(...texts('spec.externalName', spec.externalName, isDns1123Subdomain(name)))
      else errors.push(required('spec.externalName'))
      return errors
    }
    default:
      return spec.type ? [] : [required('spec.type')]
  }
}

function checkAddresses(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = []
  const ips = spec.clusterIPs ?? []
  if (spec.clusterIP && ips.length && ips[0] !== spec.clusterIP)
    errors.push(invalid('spec.clusterIPs', ips, 'first value must match `clusterIP`'))
  if (spec.clusterIP && !ips.length && spec.clusterIP !== 'None')
    errors.push(...checkIP('spec.clusterIP', spec.clusterIP))
  if (ips.length > 2) errors.push(invalid('spec.clusterIPs', ips, 'may only hold up to 2 values'))
  if (ips.includes('None') && ips.length > 1)
    errors.push(invalid('spec.clusterIPs[0]', 'None', "'None' must be the first and only value"))
  for (const [i, ip] of ips.entries()) if (ip !== 'None') errors.push(...checkIP(`spec.clusterIPs[${i}]`, ip))
  if (ips.length === 2 && ips[0]!.includes(':') === ips[1]!.includes(':'))
    errors.push(invalid('spec.clusterIPs', ips, 'may specify no more than one IP for each IP family'))
  for (const [i, ip] of ips.entries()) {
    const family = spec.ipFamilies?.[i]
    if (!family || ip === 'None' || (family === 'IPv6') === ip.includes(':')) continue
    errors.push(
      invalid(`spec.clusterIPs[${i}]`, ip, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``),
    )
  }
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    if (spec.ipFamilies!.indexOf(family) !== i) errors.push(duplicate(`spec.ipFamilies[${i}]`, family))
    if (!family) errors.push(notSupported(`spec.ipFamilies[${i}]`, family, ['IPv4', 'IPv6']))
  }
  for (const [i, ip] of (spec.externalIPs ?? []).entries())
    errors.push(...checkEndpointIP(`spec.externalIPs[${i}]`, ip))
  for (const [i, range] of (spec.loadBalancerSourceRanges ?? []).entries())
    if (!isCIDR(range.trim()))
      errors.push(
        invalid(
          `spec.loadBalancerSourceRanges[${i}]`,
          range,
          'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
        ),
      )
  if (spec.loadBalancerSourceRanges?.length && spec.type !== 'LoadBalancer')
    errors.push(forbidden('spec.loadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'"))
  return errors
}

function checkTraffic(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = []
  const outside = nodePortTypes.includes(spec.type ?? '') || (spec.type === 'ClusterIP' && spec.externalIPs?.length)
  if (spec.externalTrafficPolicy && !outside)
    errors.push(
      invalid(
        'spec.externalTrafficPolicy',
        spec.externalTrafficPolicy,
        'may only be set for externally-accessible services',
      ),
    )
  if (outside && !spec.externalTrafficPolicy) errors.push(required('spec.externalTrafficPolicy'))
  if (spec.healthCheckNodePort) {
    errors.push(...checkRange('spec.healthCheckNodePort', spec.healthCheckNodePort, 0, 65_535))
    if (!(spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'))
      errors.push(
        invalid(
          'spec.healthCheckNodePort',
          spec.healthCheckNodePort,
          "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        ),
      )
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== 'LoadBalancer')
    errors.push(forbidden('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'"))
  if (spec.loadBalancerClass !== undefined) {
    if (spec.type !== 'LoadBalancer')
      errors.push(forbidden('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'"))
    else
      errors.push(...texts('spec.loadBalancerClass', spec.loadBalancerClass, isQualifiedName(spec.loadBalancerClass)))
  }
  if (spec.trafficDistribution !== undefined)
    errors.push(...checkOneOf('spec.trafficDistribution', spec.trafficDistribution, ['PreferClose']))
  return errors
}

/** A cluster IP stays while both forms have one. */
function checkChanges(next: ServiceSpec, old: ServiceSpec): FieldError[] {
  if (old.type === 'ExternalName' || next.type === 'ExternalName' || !old.clusterIPs?.length) return []
  const errors: FieldError[] = []
  if (!next.clusterIPs?.length) errors.push(invalid('spec.clusterIPs[0]', null, 'primary clusterIP can not be unset'))
  else if (next.clusterIPs[0] !== old.clusterIPs[0])
    errors.push(invalid('spec.clusterIPs[0]', next.clusterIPs, 'may not change once set'))
  if (old.type === 'LoadBalancer' && next.type === 'LoadBalancer')
    if (next.loadBalancerClass !== old.loadBalancerClass)
      errors.push(invalid('spec.loadBalancerClass', next.loadBalancerClass ?? null, 'may not change once set'))
  const secondChanged = (now: string[] | undefined, was: string[] | undefined) =>
    now?.length === 2 && was?.length === 2 && now[1] !== was[1]
  if (secondChanged(next.clusterIPs, old.clusterIPs))
    errors.push(invalid('spec.clusterIPs[1]', next.clusterIPs, 'may not change once set'))
  const [family, before] = [next.ipFamilies?.[0], old.ipFamilies?.[0]]
  if (before && !family) errors.push(invalid('spec.ipFamilies[0]', null, 'primary ipFamily can not be unset'))
  else if (before && family !== before)
    errors.push(invalid('spec.ipFamilies[0]', next.clusterIPs ?? null, 'may not change once set'))
  return errors
}
