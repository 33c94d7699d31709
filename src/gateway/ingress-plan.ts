import type { EndpointSlice, Ingress, IngressClass, Secret, Service } from '../models/kinds/index.ts'
import type { HTTPIngressPath, IngressBackend } from '../models/types/networking-v1.ts'
import {
  type Backend,
  type Certificate,
  type Endpoint,
  inOrder,
  type PathRoute,
  type RoutingTable,
} from './routing-table.ts'

/** What an IngressClass names as its controller to be served here. */
export const gatewayController = 'optiflow.dev/gateway'
/** `"false"`: hosts with TLS answer plain requests too, instead of sending them to https. */
export const redirectAnnotation = 'optiflow.dev/ssl-redirect'
const oldClassAnnotation = 'kubernetes.io/ingress.class'
const defaultClassAnnotation = 'ingressclass.kubernetes.io/is-default-class'

/** What there is, by look-up: a plan is made at every change of any of it. */
export interface IngressInput {
  ingresses: readonly Ingress[]
  classes: readonly IngressClass[]
  service(namespace: string, name: string): Service | undefined
  slices(namespace: string, service: string): readonly EndpointSlice[]
  secret(namespace: string, name: string): Secret | undefined
}

/** True if the Ingress is ours to serve. */
export function isServed(ingress: Ingress, classes: readonly IngressClass[]): boolean {
  const named = ingress.spec.ingressClassName ?? ingress.metadata.annotations?.[oldClassAnnotation]
  const ours = classes.filter(c => c.spec?.controller === gatewayController)
  if (named !== undefined) return ours.some(c => c.metadata.name === named)
  return ours.some(c => c.metadata.annotations?.[defaultClassAnnotation] === 'true')
}

/**
 * The routes of all Ingresses that are served here. Where two say the same host and path, the older one wins. Pure.
 * @see https://kubernetes.io/docs/concepts/services-networking/ingress/
 */
export function planIngresses(input: IngressInput): RoutingTable {
  const routes = new Map<string, PathRoute[]>()
  const certificates = new Map<string, Certificate>()
  let fallback: Backend | undefined
  const backends = new Map<string, Backend>()
  const backendOf = (namespace: string, backend: IngressBackend) => {
    const { service } = backend
    const name = `${namespace}/${service?.name ?? '?'}:${service?.port?.name ?? service?.port?.number ?? '?'}`
    let found = backends.get(name)
    if (!found) backends.set(name, (found = resolve(input, namespace, backend, name)))
    return found
  }
  for (const ingress of byAge(input.ingresses.filter(i => isServed(i, input.classes)))) {
    const namespace = ingress.metadata.namespace!
    const { rules = [], tls = [], defaultBackend } = ingress.spec
    const secured = new Set(tls.flatMap(t => t.hosts ?? []))
    const redirects = ingress.metadata.annotations?.[redirectAnnotation] !== 'false'
    for (const { hosts = [], secretName } of tls) {
      const certificate = secretName ? certificateIn(input.secret(namespace, secretName)) : undefined
      if (certificate)
        for (const host of hosts.length ? hosts : ['']) if (!certificates.has(host)) certificates.set(host, certificate)
    }
    for (const { host = '', http } of rules) {
      const list = routes.get(host) ?? []
      routes.set(host, list)
      for (const path of http?.paths ?? []) {
        const backend = backendOf(namespace, path.backend)
        addRoute(list, routeOf(path, backend, redirects && secured.has(host)))
      }
    }
    if (defaultBackend) fallback ??= backendOf(namespace, defaultBackend)
  }
  return { hosts: new Map([...routes].map(([host, list]) => [host, inOrder(list)])), fallback, certificates }
}

function routeOf({ path = '/', pathType }: HTTPIngressPath, backend: Backend, redirectToTls: boolean): PathRoute {
  const type = pathType === 'Exact' ? 'Exact' : 'Prefix'
  return { type, path: type === 'Exact' ? path : path.replace(/\/+$/, ''), backend, redirectToTls }
}

function addRoute(list: PathRoute[], route: PathRoute): void {
  if (!list.some(r => r.type === route.type && r.path === route.path)) list.push(route)
}

function resolve(input: IngressInput, namespace: string, { service, resource }: IngressBackend, name: string): Backend {
  const without = (problem: string): Backend => ({ name, endpoints: [], problem })
  if (resource || !service) return without('only backends that are a service are served')
  const found = input.service(namespace, service.name)
  if (!found) return without(`there is no service "${service.name}" in namespace "${namespace}"`)
  const { name: portName, number } = service.port ?? {}
  const port = found.spec.ports?.find(p => (portName ? p.name === portName : p.port === number))
  if (!port) return without(`service "${service.name}" has no port ${portName ?? number}`)
  const endpoints = endpointsOf(input.slices(namespace, service.name), port.name ?? '')
  return endpoints.length ? { name, endpoints } : without(`service "${service.name}" has no ready endpoint`)
}

/** Ready ones; if there is none, those that still serve while they end. */
function endpointsOf(slices: readonly EndpointSlice[], portName: string): Endpoint[] {
  const ready = new Map<string, Endpoint>()
  const ending = new Map<string, Endpoint>()
  for (const slice of slices) {
    const port = slice.ports?.find(p => (p.name ?? '') === portName)?.port
    if (!port || slice.addressType === 'FQDN') continue
    for (const { addresses, conditions = {} } of slice.endpoints ?? []) {
      const list =
        conditions.ready !== false ? ready : conditions.serving && conditions.terminating ? ending : undefined
      for (const ip of addresses) list?.set(`${ip}:${port}`, { ip, port })
    }
  }
  return [...(ready.size ? ready : ending).values()]
}

function certificateIn(secret: Secret | undefined): Certificate | undefined {
  const text = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString()
  const [cert, key] = [text('tls.crt'), text('tls.key')]
  return cert && key ? { cert, key } : undefined
}

function byAge(ingresses: readonly Ingress[]): Ingress[] {
  const born = (i: Ingress) => `${i.metadata.creationTimestamp} ${i.metadata.namespace}/${i.metadata.name}`
  return [...ingresses].sort((a, b) => (born(a) < born(b) ? -1 : 1))
}
