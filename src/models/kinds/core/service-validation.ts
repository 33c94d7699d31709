import { isCIDR } from '../../../base/ip.ts'
import { isDns1123Label, isDns1123Subdomain, isPortNumber, isQualifiedName } from '../../../base/names.ts'
import {
  duplicate,
  type FieldError,
  forbidden,
  GoText,
  goQuote,
  invalid,
  notSupported,
  required,
} from '../../field-error.ts'
import type { Service, ServiceSpec } from '../../types/core-v1.ts'
import { checkLabels, checkName, checkOneOf, checkPort, checkPortReference, texts } from '../checks.ts'
import { checkEndpointIP } from './endpoints-validation.ts'
import { checkAddressChanges, checkAddresses } from './service-addresses.ts'

const nodePortTypes = ['NodePort', 'LoadBalancer']

export function validateService(next: Service, previous?: Service): FieldError[] {
  const { spec } = next
  const headless = spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None'
  return [
    ...(previous ? checkChanges(spec, previous.spec) : []),
    ...checkTopologyAnnotations(next.metadata.annotations),
    ...checkType(spec, headless),
    ...checkPorts(spec),
    ...checkLabels('spec.selector', spec.selector),
    ...checkAffinity(spec),
    ...checkAddresses(spec),
    ...checkOutside(spec),
    ...checkPortsTogether(spec),
    ...checkSourceRanges(next),
    ...checkTraffic(spec, previous?.spec),
  ]
}

const oldTopology = 'service.kubernetes.io/topology-aware-hints'
const topology = 'service.kubernetes.io/topology-mode'

function checkTopologyAnnotations(annotations: Record<string, string> = {}): FieldError[] {
  const [mode, hints] = [annotations[topology], annotations[oldTopology]]
  if (mode === undefined || hints === undefined || mode === hints) return []
  const text = `must match annotations[${oldTopology}] when both are specified`
  return [invalid(`metadata.annotations[${topology}]`, mode, text)]
}

const kubeletPort = 10_250

function checkType(spec: ServiceSpec, headless: boolean): FieldError[] {
  const { type, ports = [], clusterIPs = [] } = spec
  const errors: FieldError[] = []
  if (!ports.length && !headless && type !== 'ExternalName') errors.push(required('spec.ports'))
  if (type === 'LoadBalancer')
    for (const [i, { port }] of ports.entries())
      if (port === kubeletPort)
        errors.push(
          invalid(
            `spec.ports[${i}]`,
            port,
            `may not expose port ${kubeletPort} externally since it is used by kubelet`,
          ),
        )
  if (headless && nodePortTypes.includes(type ?? ''))
    errors.push(invalid('spec.clusterIPs[0]', clusterIPs[0] ?? '', `may not be set to 'None' for ${type} services`))
  if (type === 'ExternalName') errors.push(...checkExternalName(spec))
  return errors
}

function checkExternalName(spec: ServiceSpec): FieldError[] {
  const never = (name: string) => forbidden(`spec.${name}`, 'may not be set for ExternalName services')
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  return [
    ...(spec.clusterIPs?.length ? [never('clusterIPs')] : []),
    ...(spec.ipFamilies?.length ? [never('ipFamilies')] : []),
    ...(spec.ipFamilyPolicy === undefined ? [] : [never('ipFamilyPolicy')]),
    ...checkName('spec.externalName', name, isDns1123Subdomain),
  ]
}

const protocols = ['SCTP', 'TCP', 'UDP']

function checkPorts({ ports = [] }: ServiceSpec): FieldError[] {
  const names = new Set<string>()
  return ports.flatMap((port, i) => {
    const at = `spec.ports[${i}]`
    const { name = '', protocol, targetPort = 0, appProtocol } = port
    const errors: FieldError[] = []
    if (!name && ports.length > 1) errors.push(required(`${at}.name`))
    else if (name) {
      errors.push(...texts(`${at}.name`, name, isDns1123Label(name)))
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
      names.add(name)
    }
    errors.push(...checkPort(`${at}.port`, port.port))
    if (!protocol) errors.push(required(`${at}.protocol`))
    else errors.push(...checkOneOf(`${at}.protocol`, protocol, protocols))
    errors.push(...checkPortReference(`${at}.targetPort`, targetPort))
    if (appProtocol !== undefined) errors.push(...texts(`${at}.appProtocol`, appProtocol, isQualifiedName(appProtocol)))
    return errors
  })
}

/** No two ports are the same, neither here nor on the nodes. */
function checkPortsTogether({ type, ports = [] }: ServiceSpec): FieldError[] {
  const errors: FieldError[] = []
  if (type === 'ClusterIP')
    for (const [i, { nodePort }] of ports.entries())
      if (nodePort) errors.push(forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'"))
  const seen = new Set<string>()
  const isTwice = (key: string) => seen.size === seen.add(key).size
  for (const [i, { protocol, nodePort }] of ports.entries())
    if (nodePort && isTwice(`node ${protocol}/${nodePort}`))
      errors.push(duplicate(`spec.ports[${i}].nodePort`, nodePort))
  for (const [i, { protocol = '', port }] of ports.entries())
    if (isTwice(`${protocol}/${port}`)) errors.push(duplicate(`spec.ports[${i}]`, goPort(protocol, port)))
  return errors
}

const goPort = (protocol: string, port: number) =>
  new GoText(
    `core.ServicePort{Name:"", Protocol:${goQuote(protocol)}, AppProtocol:(*string)(nil), Port:${port}, TargetPort:intstr.IntOrString{Type:0, IntVal:0, StrVal:""}, NodePort:0}`,
  )

const affinities = ['ClientIP', 'None']
const longestAffinity = 86_400

function checkAffinity({ sessionAffinity, sessionAffinityConfig: config }: ServiceSpec): FieldError[] {
  if (!sessionAffinity) return [required('spec.sessionAffinity')]
  if (sessionAffinity === 'None')
    return config ? [forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None')] : []
  if (sessionAffinity !== 'ClientIP') return [notSupported('spec.sessionAffinity', sessionAffinity, affinities)]
  const needed = 'when session affinity type is ClientIP'
  const at = 'spec.sessionAffinityConfig'
  if (!config) return [required(at, needed)]
  if (!config.clientIP) return [required(`${at}.clientIP`, needed)]
  const seconds = config.clientIP.timeoutSeconds
  if (seconds === undefined) return [required(`${at}.clientIP.timeoutSeconds`, needed)]
  return seconds > 0 && seconds <= longestAffinity
    ? []
    : [invalid(`${at}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${longestAffinity}`)]
}

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']

/** How it is reached from outside, and that its type is one. */
function checkOutside({ type, externalIPs = [] }: ServiceSpec): FieldError[] {
  return [
    ...externalIPs.flatMap((ip, i) => checkEndpointIP(`spec.externalIPs[${i}]`, ip)),
    ...(type ? checkOneOf('spec.type', type, types) : [required('spec.type')]),
  ]
}

const sourceRanges = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const cidrText = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

function checkSourceRanges({ metadata, spec }: Service): FieldError[] {
  const { type, loadBalancerSourceRanges: ranges = [] } = spec
  const checkRange = (field: string, range: string) =>
    isCIDR(range.trim()) ? [] : [invalid(field, range.trim(), cidrText)]
  const annotation = metadata.annotations?.[sourceRanges]
  const annotated = !ranges.length && annotation !== undefined
  if (!ranges.length && !annotated) return []
  const field = annotated ? `metadata.annotations[${sourceRanges}]` : 'spec.LoadBalancerSourceRanges'
  const errors = type === 'LoadBalancer' ? [] : [forbidden(field, "may only be used when `type` is 'LoadBalancer'")]
  if (!annotated) return [...errors, ...ranges.flatMap((range, i) => checkRange(`${field}[${i}]`, range))]
  const text = annotation!.trim()
  return [...errors, ...(text ? text.split(',').flatMap(range => checkRange(field, range)) : [])]
}

function checkTraffic(spec: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  const { type, allocateLoadBalancerNodePorts: allocate, externalTrafficPolicy: outsidePolicy } = spec
  const errors: FieldError[] = []
  const balanced = type === 'LoadBalancer'
  if (allocate !== undefined && !balanced)
    errors.push(forbidden('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'"))
  if (allocate === undefined && balanced) errors.push(required('allocateLoadBalancerNodePorts'))
  errors.push(...checkClass(spec, undefined))
  const outside = nodePortTypes.includes(type ?? '') || (type === 'ClusterIP' && spec.externalIPs?.length)
  const at = 'spec.externalTrafficPolicy'
  if (!outside) {
    if (outsidePolicy) errors.push(invalid(at, outsidePolicy, 'may only be set for externally-accessible services'))
  } else if (!outsidePolicy) errors.push(required(at))
  else errors.push(...checkOneOf(at, outsidePolicy, policies))
  errors.push(...checkHealthPort(spec, old))
  const inside = spec.internalTrafficPolicy
  if (inside !== undefined) errors.push(...checkOneOf('spec.internalTrafficPolicy', inside, policies))
  else if (['NodePort', 'LoadBalancer', 'ClusterIP'].includes(type ?? ''))
    errors.push(required('spec.internalTrafficPolicy'))
  if (spec.trafficDistribution !== undefined)
    errors.push(...checkOneOf('spec.trafficDistribution', spec.trafficDistribution, ['PreferClose']))
  return errors
}

const policies = ['Cluster', 'Local']

/** A port that is not there is not missing: the server gives one when all is well. */
function checkHealthPort(spec: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  const { healthCheckNodePort: port = 0 } = spec
  const at = 'spec.healthCheckNodePort'
  if (hasHealthPort(spec)) {
    if (port) return texts(at, port, isPortNumber(port))
    return old && hasHealthPort(old) ? [required(at)] : []
  }
  const text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
  return port ? [invalid(at, port, text)] : []
}

const hasHealthPort = ({ type, externalTrafficPolicy }: ServiceSpec) =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local'

/** Who balances the load: said once. */
function checkClass(next: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  const at = 'spec.loadBalancerClass'
  const name = next.loadBalancerClass
  const balanced = next.type === 'LoadBalancer'
  const moved = balanced && old?.type === 'LoadBalancer' && name !== old.loadBalancerClass
  const errors = moved ? [invalid(at, name ?? null, 'may not change once set')] : []
  if (name === undefined) return errors
  if (!balanced) return [forbidden(at, "may only be used when `type` is 'LoadBalancer'")]
  return [...errors, ...texts(at, name, isQualifiedName(name))]
}

function checkChanges(next: ServiceSpec, old: ServiceSpec): FieldError[] {
  const errors = [...checkAddressChanges(next, old), ...checkClass(next, old)]
  if (hasHealthPort(next) && hasHealthPort(old) && next.healthCheckNodePort !== old.healthCheckNodePort)
    errors.push(forbidden('spec.healthCheckNodePort', 'field is immutable'))
  return errors
}
