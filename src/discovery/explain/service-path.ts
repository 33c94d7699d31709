import type { EndpointSlice, Node, Pod, Service } from '../../models/kinds/index.ts'
import type { ServicePort } from '../../models/types/core-v1.ts'
import { serviceNameLabel } from '../../models/usable-endpoints.ts'
import { answerFromZone } from '../dns-zone.ts'
import { isOf, zoneOf } from '../endpoint-choice.ts'
import { type ExplainedEndpoint, explainEndpoints } from './endpoint-reasons.ts'

/** What there is to decide by. */
export interface ServiceWorld {
  services: readonly Service[]
  slices: readonly EndpointSlice[]
  pods: readonly Pod[]
  nodes: readonly Node[]
}

export interface ServiceQuestion {
  namespace: string
  name: string
  port: number
  protocol: string
  /** `cluster.local` */
  domain: string
  /** Where the caller is; undefined: nobody knows. */
  nodeName: string | undefined
}

/** How a call of a Service by its name finds its endpoints. */
export interface ServicePath {
  /** The name in full, and what DNS answers: addresses, or another name; none: there is no such name. */
  dns: { name: string; answers: string[] }
  /** Absent: there is no such Service. */
  service?: Service
  /** The port that was asked for. Absent: it has none such. */
  port?: ServicePort
  endpoints: ExplainedEndpoint[]
  /** Why it leads nowhere, and one thing to do. */
  problem?: { why: string; act: string }
}

/** From a Service's name to the endpoints that get a connection made on this node, and why others do not. Pure. */
export function explainServicePath(world: ServiceWorld, question: ServiceQuestion): ServicePath {
  const { namespace, name, port: wanted, protocol, nodeName } = question
  const dns = askZone(world, question)
  const service = world.services.find(s => s.metadata.namespace === namespace && s.metadata.name === name)
  if (!service) return { dns, endpoints: [], problem: unknown(world, question) }
  if (service.spec.type === 'ExternalName') return { dns, service, endpoints: [] }
  const port = service.spec.ports?.find(p => p.port === wanted && (p.protocol ?? 'TCP') === protocol)
  if (service.spec.clusterIP === 'None') return headless(world, question, service, dns)
  if (!port) return { dns, service, endpoints: [], problem: noPort(service, wanted, protocol) }
  const slices = world.slices.filter(slice => isOfService(slice, service))
  const zone = zoneOf(world.nodes.find(n => n.metadata.name === nodeName))
  const family = isOf('ip6', service.spec.clusterIP ?? '') ? 'ip6' : 'ip'
  const endpoints = explainEndpoints({ nodeName: nodeName ?? '', zone, family }, service, slices, port, world.pods)
  const path = { dns, service, port, endpoints }
  return endpoints.some(e => e.used) ? path : { ...path, problem: noEndpoint(service, endpoints, world) }
}

/** DNS names the pods themselves, so the port that is called is theirs: nobody translates it. */
function headless(
  world: ServiceWorld,
  question: ServiceQuestion,
  service: Service,
  dns: ServicePath['dns'],
): ServicePath {
  const slices = world.slices.filter(slice => isOfService(slice, service))
  const declared = service.spec.ports?.find(p => p.port === question.port) ?? service.spec.ports?.[0]
  const from = { nodeName: question.nodeName ?? '' }
  const found = declared ? explainEndpoints(from, service, slices, declared, world.pods) : []
  const endpoints = found.map(e => ({ ...e, port: question.port }))
  const path = { dns, service, endpoints }
  if (!endpoints.some(e => e.used)) return { ...path, problem: noEndpoint(service, endpoints, world) }
  const actual = found.find(e => e.used)!.port
  if (declared?.port !== question.port || actual === question.port) return path
  const why = `Service ${question.namespace}/${question.name} is headless: nobody translates ${question.port} to port ${actual} of its pods`
  return { ...path, problem: { why, act: `Call ${actual}, or give the Service a cluster IP.` } }
}

const isOfService = ({ metadata }: EndpointSlice, service: Service): boolean =>
  metadata.namespace === service.metadata.namespace && metadata.labels?.[serviceNameLabel] === service.metadata.name

function askZone({ services, slices }: ServiceWorld, { namespace, name, domain }: ServiceQuestion): ServicePath['dns'] {
  const full = `${name}.${namespace}.svc.${domain}`
  const of = <T extends { metadata: { namespace?: string } }>(all: readonly T[]) =>
    all.filter(o => o.metadata.namespace === namespace)
  const source = {
    service: (_: string, asked: string) => of(services).find(s => s.metadata.name === asked),
    slices: (_: string, asked: string) => of(slices).filter(s => s.metadata.labels?.[serviceNameLabel] === asked),
    namespaceExists: () => true,
    serviceByIp: () => undefined,
  }
  const answers = ['A', 'AAAA'].flatMap(type => {
    const answer = answerFromZone(source, domain, full, type)
    return answer.kind === 'records' ? answer.records.map(({ data }) => String(data)) : []
  })
  return { name: full, answers: [...new Set(answers)] }
}

function unknown({ services }: ServiceWorld, { namespace, name }: ServiceQuestion): ServicePath['problem'] {
  const elsewhere = services.filter(s => s.metadata.name === name).map(s => s.metadata.namespace)
  const here = services.filter(s => s.metadata.namespace === namespace).map(s => s.metadata.name)
  return {
    why: `there is no Service ${namespace}/${name}`,
    act: elsewhere.length
      ? `Name the namespace: ${name} is in ${elsewhere.join(', ')}.`
      : `Namespace ${namespace} has ${here.length ? here.slice(0, 10).join(', ') : 'no Service'}.`,
  }
}

function noPort({ metadata, spec }: Service, wanted: number, protocol: string): ServicePath['problem'] {
  const ports = (spec.ports ?? []).map(p => `${p.port}/${p.protocol ?? 'TCP'}`)
  return {
    why: `Service ${metadata.namespace}/${metadata.name} has no port ${wanted}/${protocol}`,
    act: ports.length ? `Call ${ports.join(' or ')}.` : 'Give it a port in spec.ports.',
  }
}

function noEndpoint({ metadata, spec }: Service, endpoints: ExplainedEndpoint[], { pods }: ServiceWorld) {
  const name = `Service ${metadata.namespace}/${metadata.name}`
  const [first] = endpoints
  if (first) {
    const all = endpoints.length === 1 ? 'its only endpoint gets' : `none of its ${endpoints.length} endpoints gets`
    const not = endpoints.length === 1 ? 'nothing' : 'anything'
    return { why: `${name} leads nowhere: ${all} ${not}`, act: `See to ${first.name}: ${first.why}.` }
  }
  if (!spec.selector) return { why: `${name} has no selector and no EndpointSlice`, act: 'Write its EndpointSlices.' }
  const selector = Object.entries(spec.selector).map(([key, value]) => `${key}=${value}`)
  const near = pods.filter(
    pod =>
      pod.metadata.namespace === metadata.namespace &&
      Object.keys(spec.selector!).some(key => pod.metadata.labels?.[key] !== undefined),
  )
  const labels = near.slice(0, 3).map(pod => {
    const own = Object.keys(spec.selector!).map(key => `${key}=${pod.metadata.labels?.[key] ?? '(none)'}`)
    return `${pod.metadata.name} has ${own.join(',')}`
  })
  return {
    why: `the selector ${selector.join(',')} of ${name} matches no pod that has an address`,
    act: labels.length ? `Compare labels: ${labels.join('; ')}.` : 'Give pods these labels, or mend spec.selector.',
  }
}
