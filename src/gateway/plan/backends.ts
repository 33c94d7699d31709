import { canaryOfName, canaryWeight } from '../../models/canary-traffic.ts'
import type { EndpointSlice, Secret, Service } from '../../models/kinds/index.ts'
import { answeringEndpoints, usable } from '../../models/usable-endpoints.ts'
import type { Backend, Certificate } from '../routing-table.ts'

/** Services, their endpoints and Secrets, by look-up: a plan is made at every change of any of them. */
export interface BackendInput {
  service(namespace: string, name: string): Service | undefined
  slices(namespace: string, service: string): readonly EndpointSlice[]
  secret(namespace: string, name: string): Secret | undefined
}

/** A port of a Service, by number or name. */
export interface ServicePortReference {
  namespace: string
  service: string
  port: number | string | undefined
  /** TCP unless said otherwise. */
  protocol?: 'TCP' | 'UDP'
}

/** How a Service's port says that HTTP/2 without TLS is spoken there. */
const h2cProtocol = 'kubernetes.io/h2c'

export function backendOf(input: BackendInput, reference: ServicePortReference): Backend {
  const { namespace, service, port: wanted, protocol = 'TCP' } = reference
  const name = `${namespace}/${service}:${wanted ?? '?'}`
  const wrong = (problem: string): Backend => ({ name, endpoints: [], problem, wrong: true })
  const found = input.service(namespace, service)
  if (!found) return wrong(`there is no service "${service}" in namespace "${namespace}"`)
  const port = found.spec.ports?.find(
    p => (typeof wanted === 'string' ? p.name : p.port) === wanted && (p.protocol ?? 'TCP') === protocol,
  )
  if (!port) return wrong(`service "${service}" has no ${protocol === 'TCP' ? '' : `${protocol} `}port ${wanted}`)
  const answering = (of: string) =>
    usable(answeringEndpoints(input.slices(namespace, of), port.name ?? '', protocol)).map(({ ip, port }) => ({
      ip,
      port,
    }))
  const endpoints = answering(service)
  const canary = canaryOfName(service)
  const percent = canaryWeight(input.service(namespace, canary))
  return {
    name,
    endpoints,
    ...(percent === undefined
      ? {}
      : { canary: { name: `${namespace}/${canary}:${wanted}`, percent, endpoints: answering(canary) } }),
    ...(endpoints.length ? {} : { problem: `service "${service}" has no ready endpoint` }),
    ...(port.appProtocol === h2cProtocol ? { h2c: true } : {}),
  }
}

/** Undefined: it holds no pair. */
export function certificateIn(secret: Secret | undefined): Certificate | undefined {
  const text = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString()
  const [cert, key] = [text('tls.crt'), text('tls.key')]
  return cert && key ? { cert, key } : undefined
}
